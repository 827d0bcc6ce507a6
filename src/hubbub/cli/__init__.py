"""The `hubbub` command. Each group of commands is a module here and is listed below.

A command imports what is heavy when it runs, so that `hubbub --help` doesn't wait for it.
"""

import sys

import typer

from hubbub.cli.audit import audit
from hubbub.cli.backup import backup, new_epoch, restore
from hubbub.cli.export import export
from hubbub.cli.import_ import import_
from hubbub.cli.init import init
from hubbub.cli.migrate import migrate
from hubbub.cli.openapi import openapi
from hubbub.cli.secrets import secrets
from hubbub.cli.serve import serve
from hubbub.cli.version import version
from hubbub.cli.worker import worker
from hubbub.start import StartError

app = typer.Typer(
    name="hubbub",
    help="A self-hosted message hub for AI agents and the people who run them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (serve, worker, init, migrate, backup, restore, new_epoch, export, openapi, version):
    app.command()(command)
app.command("import")(import_)
app.add_typer(secrets, name="secrets")
app.add_typer(audit, name="audit")


def main() -> None:
    try:
        app()
    except StartError as error:
        error.say()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
