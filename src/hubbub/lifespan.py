"""Builds what a running hub owns, and closes it in reverse."""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import structlog
from fastapi import FastAPI
from redis.asyncio import Redis

from hubbub.kit.bus import Bus
from hubbub.kit.bus.memory import MemoryBus
from hubbub.kit.clock import SystemClock
from hubbub.kit.counters import Counters, LocalCounters
from hubbub.kit.db import migrate
from hubbub.kit.db.database import Database
from hubbub.kit.keys import load_keyring
from hubbub.kit.metrics import Metrics
from hubbub.kit.resources import Resources
from hubbub.settings import Settings

log = structlog.get_logger()


class StartError(Exception):
    """The hub can't start; the sentence says what to do about it."""


@contextmanager
def only_server(data_dir: Path) -> Iterator[None]:
    """An embedded hub is exactly one process: two would each think they number the inboxes."""
    path = data_dir / "hub.lock"
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = (
                f"another hub is already serving from {data_dir.absolute()}: an embedded hub is one"
                " process. Use PostgreSQL (HUBBUB_DATABASE_URL) for several."
            )
            raise StartError(msg) from error
        yield


def prepare_data_dir(data_dir: Path) -> None:
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = data_dir / f".write-test.{os.getpid()}"
        probe.write_bytes(b"hubbub")
        probe.unlink()
    except OSError as error:
        msg = (
            f"the data folder {data_dir.absolute()} can't be written ({error.strerror}): mend its"
            " permissions or name another with HUBBUB_DATA_DIR"
        )
        raise StartError(msg) from error


@asynccontextmanager
async def open_resources(settings: Settings, metrics: Metrics) -> AsyncIterator[Resources]:
    """Also what CLI commands and workers use: everything but the HTTP side."""
    async with AsyncExitStack() as stack:
        database = Database(
            settings.database_dsn, settings.database, observe_hold=metrics.write_hold.observe
        )
        stack.push_async_callback(database.close)
        bus: Bus = MemoryBus()
        counters: Counters = LocalCounters()
        await bus.start()
        stack.push_async_callback(bus.stop)
        yield Resources(
            settings=settings,
            clock=SystemClock(),
            keys=load_keyring(settings),
            metrics=metrics,
            database=database,
            bus=bus,
            counters=counters,
        )


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    async with AsyncExitStack() as stack:
        prepare_data_dir(settings.data_dir)
        if settings.embedded:
            stack.enter_context(only_server(settings.data_dir))
        resources = await stack.enter_async_context(open_resources(settings, app.state.metrics))
        if settings.embedded and await migrate.current(resources.database.write_engine) != migrate.head():
            await migrate.upgrade(settings.database_dsn)
        app.state.resources = resources
        log.info("hub.started", environment=settings.environment, embedded=settings.embedded)
        yield
    log.info("hub.stopped")
