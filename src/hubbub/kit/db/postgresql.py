"""How a PostgreSQL connection is made, and what its driver lets through untranslated."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from sqlalchemy import Dialect, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from hubbub.settings import DatabaseSettings

CONNECT_TIMEOUT = 10.0


def postgresql_engine(dsn: str, settings: DatabaseSettings) -> AsyncEngine:
    engine = create_async_engine(
        make_url(dsn),
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "server_settings": {"synchronous_commit": "on"},
        },
    )
    event.listen(engine.sync_engine, "do_connect", _connect)
    event.listen(engine.sync_engine, "handle_error", _note_lost_connection)
    return engine


def _connect(
    dialect: Dialect,
    record: ConnectionPoolEntry,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
) -> DBAPIConnection:
    """A server that is down, unknown, full or refuses the password is all the same to a caller."""
    del record
    try:
        return dialect.connect(*arguments, **options)
    except (OSError, dialect.loaded_dbapi.Error) as error:
        msg = "no connection to PostgreSQL"
        raise DisconnectionError(msg) from error


def _note_lost_connection(context: ExceptionContext) -> None:
    """A socket's own errors come through as they are, and the pool wouldn't notice them."""
    if isinstance(context.original_exception, OSError):
        context.is_disconnect = True
        msg = "the connection to PostgreSQL was lost"
        raise DisconnectionError(msg) from context.original_exception


def plain_connection(dsn: str) -> Callable[[], Awaitable[Any]]:
    """What makes a connection of the driver's own, for code that batches by itself."""
    url = make_url(dsn).set(drivername="postgresql")

    async def connect() -> Any:  # noqa: ANN401 - asyncpg has no types
        return await asyncpg.connect(
            url.render_as_string(hide_password=False),
            timeout=CONNECT_TIMEOUT,
            server_settings={"synchronous_commit": "on"},
        )

    return connect
