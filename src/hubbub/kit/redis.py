"""The client of Redis or Valkey that the parts of a process share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

_TIMEOUT = 2.0


class UrlRefusedError(Exception):
    """The client doesn't take the options behind the `?`."""


@asynccontextmanager
async def open_client(url: str) -> AsyncIterator[Redis]:
    """A Redis that is away costs latency, so the hub starts without it."""
    redis = _client(url)
    try:
        try:
            async with asyncio.timeout(_TIMEOUT):
                await redis.ping()
        except (RedisError, OSError) as error:
            log.warning("redis.away", error=type(error).__name__, setting="HUBBUB_REDIS_URL")
        yield redis
    finally:
        await redis.aclose()


def _client(url: str) -> Redis:
    try:
        redis = Redis.from_url(url, socket_connect_timeout=_TIMEOUT, health_check_interval=30)
        # it looks at some of the options only now; this connects to nothing yet
        redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, RedisError) as error:
        raise UrlRefusedError from error
    return redis
