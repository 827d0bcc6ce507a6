"""Builds what a running hub owns, and closes it in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI

from hubbub import registry
from hubbub.activity.state import open_activity
from hubbub.agents.state import open_agents
from hubbub.exports.state import Gate
from hubbub.items.state import open_items
from hubbub.kit.blobs import BlobStore, BlobsUnavailable
from hubbub.kit.blobs.folder import FolderBlobs
from hubbub.kit.bus import Bus
from hubbub.kit.bus.memory import MemoryBus
from hubbub.kit.clock import SystemClock
from hubbub.kit.counters import Counters, LocalCounters
from hubbub.kit.crypto import load_safe
from hubbub.kit.db.database import Database
from hubbub.kit.jobs.system import open_jobs
from hubbub.kit.keys import load_keyring
from hubbub.kit.logging import flush_access
from hubbub.kit.mail import Mailer
from hubbub.kit.mail.folder import FolderMailer
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

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger()


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
        bus = make_bus(settings)
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


# What only some hubs need is loaded where it is made: in the memory of all others it would lie
# unused.


def make_mailer(settings: Settings) -> Mailer:
    try:
        if settings.mail.smtp_host is None:
            return FolderMailer(settings.data_dir / "mail", settings.mail.sender)
        from hubbub.kit.mail.smtp import SmtpMailer

        return SmtpMailer(settings.mail)
    except ValueError as error:
        msg = f"HUBBUB_MAIL__SENDER {error}"
        raise StartError(msg) from error


def make_blobs(settings: Settings) -> BlobStore:
    if settings.blobs_url is None:
        return FolderBlobs(settings.data_dir / "blobs")
    from hubbub.kit.blobs.s3 import S3Blobs

    bucket, _, prefix = settings.blobs_url.removeprefix("s3://").partition("/")
    try:
        return S3Blobs(bucket, prefix)
    except BlobsUnavailable as error:
        msg = "HUBBUB_BLOBS_URL can't be used with the variables AWS_… as they are: mend these"
        raise StartError(msg) from error


def make_bus(settings: Settings) -> Bus:
    if settings.redis_url is None:
        return MemoryBus()
    from hubbub.kit.bus.redis import RedisBus

    return RedisBus(str(settings.redis_url))


@asynccontextmanager
async def open_redis(settings: Settings) -> "AsyncIterator[Redis | None]":
    """One client for all."""
    if settings.redis_url is None:
        yield None
        return
    from hubbub.kit.redis import UrlRefusedError, open_client

    try:
        async with open_client(str(settings.redis_url)) as redis:
            yield redis
    except UrlRefusedError as error:
        msg = "HUBBUB_REDIS_URL has an option after its ? that the client doesn't take"
        raise StartError(msg) from error


@asynccontextmanager
async def open_counters(redis: "Redis | None") -> AsyncIterator[Counters]:
    if redis is None:
        yield LocalCounters()
        return
    from hubbub.kit.counters.redis import SharedCounters

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
