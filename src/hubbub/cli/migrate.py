"""`hubbub migrate`."""

import asyncio
from typing import Annotated

import typer

from hubbub.cli.options import DataDir, settings_with
from hubbub.settings import Settings
from hubbub.start import explained


def migrate(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail when there is something to do.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring the database to this version's tables. Safe to run again, and by several at once."""
    settings = settings_with({"data_dir": data_dir})
    with explained(settings):
        done = asyncio.run(_migrate(settings, check=check))
    if check and not done:
        typer.echo("There are migrations to run: `hubbub migrate`.")
        raise typer.Exit(1)
    typer.echo("The database is up to date.")


async def _migrate(settings: Settings, *, check: bool) -> bool:
    """Whether the database is at head in the end."""
    from hubbub.kit.db import migrate as migrations  # noqa: PLC0415 - Alembic is slow to import
    from hubbub.start.database import is_at_head  # noqa: PLC0415
    from hubbub.start.folder import prepare_data_dir  # noqa: PLC0415

    if settings.embedded:
        prepare_data_dir(settings.data_dir)
    engine = migrations.migration_engine(settings.database_dsn)
    try:
        at_head = await is_at_head(settings, engine)
    finally:
        await engine.dispose()
    if not at_head and not check:
        await migrations.upgrade(settings.database_dsn)
        at_head = True
    return at_head
