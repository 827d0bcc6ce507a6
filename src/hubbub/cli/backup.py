"""`hubbub backup`, `hubbub restore` and `hubbub new-epoch`."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from hubbub.cli.options import DataDir, settings_with
from hubbub.settings import Settings
from hubbub.start import explained

_MISSING = {
    "secret_key": "everybody has to sign in again, and links in mails that were sent are dead",
    "encryption_keys": "tokens of gateways and secrets of webhooks have to be given anew",
}

_LOST = "the database knows of, and that were deleted while the backup was made, or are lost"


def backup(
    target: Annotated[Path, typer.Argument(help="A folder that isn't there yet.")],
    *,
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets",
            help="Also the files that open what is encrypted. Keep such a backup like a password.",
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Copy an embedded hub as it is at one moment, also while it runs."""
    from hubbub.backup.making import make_backup  # noqa: PLC0415 - heavy

    settings = settings_with({"data_dir": data_dir})
    with explained(settings):
        backed_up = make_backup(settings, target, with_secrets=with_secrets)
    made = backed_up.manifest
    typer.echo(f"Copied the database and {made.files} files to {target.absolute()}.")
    if made.blobs_url is not None:
        typer.echo(f"Files are in {made.blobs_url}, which keeps its own copies.")
    if backed_up.lost:
        typer.echo(f"Files that {_LOST}: {backed_up.lost}.")
    if not with_secrets:
        typer.echo("Not in it: secret_key and encryption_keys. Keep a copy of them elsewhere.")


def restore(
    source: Annotated[Path, typer.Argument(help="The folder that `hubbub backup` made.")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Make a hub of a backup, in a data folder that has none. Nothing is overwritten."""
    from hubbub.backup.restoring import restore as bring_back  # noqa: PLC0415

    settings = settings_with({"data_dir": data_dir})
    with explained(settings):
        restored = asyncio.run(bring_back(settings, source))
    made = restored.manifest
    typer.echo(f"Restored the hub of {made.made_at:%Y-%m-%d %H:%M} UTC to {settings.data_dir}.")
    typer.echo("Its history is a new one: readers are told so when they come with old cursors.")
    if made.blobs_url is not None:
        typer.echo(f"Its files are in {made.blobs_url}: set HUBBUB_BLOBS_URL to that.")
    if restored.lost:
        typer.echo(f"Files that {_LOST}: {restored.lost}.")
    for name in restored.missing:
        typer.echo(
            f"Missing: {name}. Put it into the folder before the hub starts, or {_MISSING[name]}."
        )


def new_epoch(*, data_dir: DataDir = None) -> None:
    """Say that the database was put back by its own tools: readers that come with cursors of
    the history before are told so. The hub must not be running."""
    settings = settings_with({"data_dir": data_dir})
    with explained(settings):
        asyncio.run(_new_epoch(settings))
    typer.echo("A new history has begun.")


async def _new_epoch(settings: Settings) -> None:
    from hubbub.backup.restoring import begin_anew  # noqa: PLC0415
    from hubbub.kit.metrics import Metrics  # noqa: PLC0415
    from hubbub.lifespan import open_ready  # noqa: PLC0415
    from hubbub.start.folder import only_server, prepare_data_dir  # noqa: PLC0415

    prepare_data_dir(settings.data_dir)
    with ExitStack() as stack:
        if settings.embedded:
            stack.enter_context(only_server(settings.data_dir))
        async with open_ready(settings, Metrics()) as resources:
            await begin_anew(resources.database)
