"""`hubbub secrets`."""

import asyncio
from typing import Annotated

import typer

from hubbub.cli.options import DataDir, settings_with
from hubbub.settings import Settings
from hubbub.start import StartError, explained

secrets = typer.Typer(no_args_is_help=True, help="The keys with which secrets are stored.")


@secrets.callback()
def group() -> None:
    """Without this, typer would take the only command of the group for the group itself."""


@secrets.command()
def rotate(
    *,
    new_key: Annotated[
        bool,
        typer.Option(
            "--new-key",
            help="Make a new key first, in the data folder of a hub that is not running.",
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Encrypt all stored secrets again with the current key, the first of
    HUBBUB_ENCRYPTION_KEYS. Safe to run again, and beside a running hub that knows that key."""
    settings = settings_with({"data_dir": data_dir})
    with explained(settings):
        changed = asyncio.run(_rotate(settings, new_key=new_key))
    typer.echo(f"Secrets encrypted anew: {changed}. Older keys are no longer needed.")


async def _rotate(settings: Settings, *, new_key: bool) -> int:
    from hubbub.activity.service import record  # noqa: PLC0415 - heavy
    from hubbub.kit.crypto import SealBrokenError, add_key  # noqa: PLC0415
    from hubbub.kit.metrics import Metrics  # noqa: PLC0415
    from hubbub.kit.reseal import reseal  # noqa: PLC0415
    from hubbub.lifespan import open_ready  # noqa: PLC0415
    from hubbub.registry import SEALED  # noqa: PLC0415
    from hubbub.start.folder import only_server, prepare_data_dir  # noqa: PLC0415

    prepare_data_dir(settings.data_dir)
    if new_key:
        if settings.encryption_keys is not None:
            raise StartError("put the new key first into HUBBUB_ENCRYPTION_KEYS yourself")
        # a running hub would not know the new key, and could not read what it seals
        with only_server(settings.data_dir):
            add_key(settings.data_dir)
            return await _rotate(settings, new_key=False)
    async with open_ready(settings, Metrics()) as resources:
        database, safe = resources.database, resources.safe
        try:
            changed = sum([await reseal(database, safe, each) for each in SEALED])
        except SealBrokenError as error:
            raise StartError(f"a stored secret can't be read: {error}") from error
        async with database.write() as session:
            record(session, "secrets.rotated", actor_id=None, count=changed)
        return changed
