"""`hubbub worker`."""

import asyncio
import gc
import signal
import sys

from hubbub.cli.options import DataDir, settings_with
from hubbub.settings import Settings
from hubbub.start import StartError, explained


def worker(*, data_dir: DataDir = None) -> None:
    """Run background work beside the servers, on PostgreSQL. Any number of these may run."""
    settings = settings_with({"data_dir": data_dir}, logs=sys.stdout)
    if settings.embedded:
        msg = (
            "an embedded hub (SQLite) is exactly one process, and does its background work itself:"
            " use PostgreSQL (HUBBUB_DATABASE_URL) to run workers"
        )
        raise StartError(msg)
    with explained(settings):
        asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    gc.disable()  # nothing that loading makes is garbage
    from hubbub.kit.metrics import Metrics  # noqa: PLC0415 - heavy, as in the other commands
    from hubbub.lifespan import open_worker  # noqa: PLC0415

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with open_worker(settings, Metrics()):
        # what is there by now stays: looking through it for garbage would only hold up pushes
        gc.collect()
        gc.freeze()
        gc.enable()
        await stopped.wait()
