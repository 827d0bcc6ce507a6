"""Builds what a running hub owns, and closes it in reverse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from fastapi import FastAPI
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hubbub import registry
from hubbub.activity.state import open_activity
from hubbub.agents.state import open_agents
from hubbub.exports.state import Gate
from hubbub.items.state import open_items
from hubbub.kit.blobs import BlobStore
from hubbub.kit.blobs.folder import FolderBlobs
from hubbub.kit.blobs.store import S3Blobs
from hubbub.kit.bus import Bus
from hubbub.kit.bus.memory import MemoryBus
from hubbub.kit.bus.redis import RedisBus
from hubbub.kit.clock import SystemClock
from hubbub.kit.counters import Counters, LocalCounters, SharedCounters
from hubbub.kit.crypto import load_safe
from hubbub.kit.db.database import Database
from hubbub.kit.jobs.system import open_jobs
from hubbub.kit.keys import load_keyring
from hubbub.kit.logging import flush_access
from hubbub.kit.mail import Mailer
from hubbub.kit.mail.folder import FolderMailer
from hubbub.kit.mail.smtp import SmtpMailer
from hubbub.kit.metrics import Metrics
from hubbub.kit.outbound.session import open_session
from hubbub.kit.resources import Resources
from hubbub.messages.state import open_messages
from hubbub.realtime.state import open_realtime
from hubbub.settings import Settings
from hubbub.start import StartError, explained, last_word
from hubbub.start.admin import provide_first_admin
from hubbub.start.database import bring_to_head
from hubbub.start.folder import only_server, prepare_data_dir

log = structlog.get_logger()

REDIS_TIMEOUT = 2.0


@asynccontextmanager
async def open_resources(settings: Settings, metrics: Metrics) -> AsyncIterator[Resources]:
    """Also what CLI commands and workers use: everything but the HTTP side."""
    async with AsyncExitStack() as stack:
        keys = load_keyring(settings)
        safe = load_safe(settings)
        mailer = make_mailer(settings)
        database = Database(
            settings.database_dsn, settings.database, observe_hold=metrics.write_hold.observe
        )
        stack.push_async_callback(database.close)
        redis = await stack.enter_async_context(open_redis(settings))
        bus: Bus = MemoryBus() if settings.redis_url is None else RedisBus(str(settings.redis_url))
        await bus.start()
        stack.push_async_callback(bus.stop)
        yield Resources(
            settings=settings,
            clock=SystemClock(),
            keys=keys,
            safe=safe,
            metrics=metrics,
            database=database,
            bus=bus,
            counters=await stack.enter_async_context(open_counters(redis)),
            mailer=mailer,
            blobs=make_blobs(settings),
            redis=redis,
            http=await stack.enter_async_context(open_session(settings)),
        )


def make_mailer(settings: Settings) -> Mailer:
    try:
        if settings.mail.smtp_host is None:
            return FolderMailer(settings.data_dir / "mail", settings.mail.sender)
        return SmtpMailer(settings.mail)
    except ValueError as error:
        msg = f"HUBBUB_MAIL__SENDER {error}"
        raise StartError(msg) from error


def make_blobs(settings: Settings) -> BlobStore:
    if settings.blobs_url is None:
        return FolderBlobs(settings.data_dir / "blobs")
    bucket, _, prefix = settings.blobs_url.removeprefix("s3://").partition("/")
    return S3Blobs(bucket, prefix)


@asynccontextmanager
async def open_redis(settings: Settings) -> AsyncIterator[Redis | None]:
    """One client for all. A Redis that is away costs latency, so the hub starts without it."""
    if settings.redis_url is None:
        yield None
        return
    redis = Redis.from_url(
        str(settings.redis_url), socket_connect_timeout=REDIS_TIMEOUT, health_check_interval=30
    )
    try:
        try:
            async with asyncio.timeout(REDIS_TIMEOUT):
                await redis.ping()
        except (RedisError, OSError) as error:
            log.warning("redis.away", error=type(error).__name__, setting="HUBBUB_REDIS_URL")
        yield redis
    finally:
        await redis.aclose()


@asynccontextmanager
async def open_counters(redis: Redis | None) -> AsyncIterator[Counters]:
    if redis is None:
        yield LocalCounters()
        return
    counters = SharedCounters(redis)
    counters.start()
    try:
        yield counters
    finally:
        await counters.stop()


def warn_of_dangerous_pairs(settings: Settings) -> None:
    if settings.embedded and settings.redis_url is not None:
        log.warning("hub.redis_with_sqlite", hint="one process needs no HUBBUB_REDIS_URL")
    if not settings.embedded and settings.redis_url is None:
        log.warning(
            "hub.postgresql_without_redis",
            hint="wake-ups and rate limits stay within each process; set HUBBUB_REDIS_URL",
        )
    if not settings.embedded and settings.blobs_url is None:
        log.warning(
            "hub.files_on_this_machine",
            hint="other machines don't see the files that are sent in here; set HUBBUB_BLOBS_URL",
        )
    if settings.on_every_address and not settings.site_url:
        log.warning(
            "hub.links_point_here",
            url=settings.public_url,
            hint="links in mails lead to this machine alone; set HUBBUB_SITE_URL",
        )


@asynccontextmanager
async def open_ready(settings: Settings, metrics: Metrics) -> AsyncIterator[Resources]:
    """On a database that has this version's tables, in a folder that is prepared."""
    async with open_resources(settings, metrics) as resources:
        await bring_to_head(settings, resources.database)
        yield resources


@asynccontextmanager
async def open_hub(settings: Settings, metrics: Metrics) -> AsyncIterator[Resources]:
    """A hub that is ready to serve; raises `StartError` where something outside it is wrong."""
    async with AsyncExitStack() as stack:
        with explained(settings):
            prepare_data_dir(settings.data_dir)
            if settings.embedded:
                stack.enter_context(only_server(settings.data_dir))
            resources = await stack.enter_async_context(open_ready(settings, metrics))
            warn_of_dangerous_pairs(settings)
            await provide_first_admin(resources, settings)
            await stack.enter_async_context(open_activity(resources))
            await stack.enter_async_context(open_jobs(resources, registry.JOBS, runs=True))
        yield resources


@asynccontextmanager
async def open_worker(settings: Settings, metrics: Metrics) -> AsyncIterator[None]:
    """Background work without a server, beside those that serve from the same database."""
    async with AsyncExitStack() as stack:
        with explained(settings):
            prepare_data_dir(settings.data_dir)
            resources = await stack.enter_async_context(open_ready(settings, metrics))
            await stack.enter_async_context(open_activity(resources))
            await stack.enter_async_context(open_jobs(resources, registry.JOBS, runs=True))
            await stack.enter_async_context(open_messages(resources))
            await stack.enter_async_context(open_items(resources))
        log.info("worker.started")
        yield
    log.info("worker.stopped")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    async with AsyncExitStack() as stack:
        with last_word():
            resources = await stack.enter_async_context(open_hub(settings, app.state.metrics))
            app.state.agents = await stack.enter_async_context(open_agents(resources))
            app.state.messages = await stack.enter_async_context(open_messages(resources))
            await stack.enter_async_context(open_items(resources))
            app.state.realtime = await stack.enter_async_context(
                open_realtime(resources, app.state.agents, app.state.messages)
            )
        app.state.exports = Gate(settings.exports.at_once)
        app.state.resources = resources
        log.info("hub.started", environment=settings.environment, embedded=settings.embedded)
        yield
    flush_access()
    log.info("hub.stopped")
