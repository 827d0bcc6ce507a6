"""`hubbub init`."""

import asyncio
import sys
from typing import Annotated

import typer
from pydantic import SecretStr

from hubbub.cli.options import DataDir, settings_with
from hubbub.settings import Settings
from hubbub.start import StartError, explained


def init(
    *,
    email: Annotated[str, typer.Option(help="The first admin's address. [HUBBUB_ADMIN_EMAIL]")],
    username: Annotated[str | None, typer.Option(help="From the address if left out.")] = None,
    full_name: Annotated[str | None, typer.Option(help="From the address if left out.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Make the first admin. The password is asked for, or read from standard input or from
    HUBBUB_ADMIN_PASSWORD."""
    settings = settings_with({"data_dir": data_dir})
    password = settings.admin_password or SecretStr(_ask_for_password())
    with explained(settings):
        asyncio.run(_init(settings, email, password, username, full_name))
    typer.echo("The first admin is made; sign in with the address and the password.")


def _ask_for_password() -> str:
    if sys.stdin.isatty():
        answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")


async def _init(
    settings: Settings,
    email: str,
    password: SecretStr,
    username: str | None,
    full_name: str | None,
) -> None:
    from hubbub.auth.errors import SetupDone  # noqa: PLC0415 - heavy, as in the other commands
    from hubbub.kit.metrics import Metrics  # noqa: PLC0415
    from hubbub.lifespan import open_ready  # noqa: PLC0415
    from hubbub.start.admin import admin_from, create_admin  # noqa: PLC0415
    from hubbub.start.folder import prepare_data_dir  # noqa: PLC0415

    new = admin_from(email, password, username=username, full_name=full_name)
    prepare_data_dir(settings.data_dir)
    async with open_ready(settings, Metrics()) as resources:
        try:
            await create_admin(resources, new)
        except SetupDone as error:
            raise StartError("this hub has its first admin already; sign in instead") from error
