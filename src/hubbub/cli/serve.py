"""`hubbub serve`."""

import sys
from typing import Annotated

import typer

from hubbub.cli.options import DataDir, settings_with
from hubbub.settings import Settings
from hubbub.start import StartError


def serve(
    *,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on. [HUBBUB_HOST]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0 takes any free one. [HUBBUB_PORT]")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes; more than one needs PostgreSQL.")
    ] = 1,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start anew when the code changes; for development.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Serve the hub until it is told to stop (Ctrl+C or SIGTERM)."""
    from hubbub.cli.server import bind, run  # noqa: PLC0415 - uvicorn; other commands need none

    options = {"host": host, "port": port, "data_dir": data_dir}
    settings = settings_with(options, logs=sys.stdout)
    _refuse_what_cannot_be(settings, workers=workers, reload=reload)
    sockets = bind(settings.host, settings.port)
    if settings.port == 0:
        settings = settings_with({"port": sockets[0].getsockname()[1]}, logs=sys.stdout)
    raise typer.Exit(run(settings, sockets, workers=workers, reload=reload))


def _refuse_what_cannot_be(settings: Settings, *, workers: int, reload: bool) -> None:
    if workers > 1 and settings.embedded:
        msg = (
            "an embedded hub (SQLite) is exactly one process: leave out --workers, or use"
            " PostgreSQL (HUBBUB_DATABASE_URL)"
        )
        raise StartError(msg)
    if workers > 1 and reload:
        msg = "--reload runs one process: leave out --workers"
        raise StartError(msg)
