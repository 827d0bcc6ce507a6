"""What an operator's tools ask: is it alive, can it work, what does it count."""

import asyncio
import hmac
from ipaddress import ip_address

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from hubbub.kit.db import migrate
from hubbub.kit.errors import Forbidden, Unavailable
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import Router
from hubbub.kit.resources import Resources
from hubbub.kit.schema import Schema

router = Router(tags=["Operations"])


class MetricsForbidden(Forbidden):
    code = "metrics_forbidden"
    title = "Metrics are shown on the machine itself, or to the bearer of the metrics token"


class NotReady(Unavailable):
    code = "not_ready"
    title = "The hub can't work right now"


class Health(Schema):
    status: str = "ok"


class Readiness(Health):
    database: str = "ok"
    migrations: str = "ok"
    bus: str = "ok"


# load balancers probe with HEAD
@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    return Health()


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    summary="Can the hub do its work?",
    description="Names what is down; a load balancer sends no traffic until this answers 200.",
    responses=responses(NotReady),
)
async def readyz(resources: CurrentResources) -> Readiness:
    checks = await check(resources)
    down = {name: state for name, state in checks.items() if state != "ok"}
    if down:
        raise NotReady(f"Down: {', '.join(sorted(down))}.", checks=checks)
    return Readiness(**checks)


async def check(resources: Resources) -> dict[str, str]:
    """Each part by its name: `ok`, or what is wrong with it, without internals."""
    checks = {"database": "ok", "migrations": "ok", "bus": "ok"}
    try:
        await resources.database.ping()
        async with asyncio.timeout(2):
            at = await migrate.current(resources.database.read_engine)
        if at != migrate.head():
            checks["migrations"] = "behind: run `hubbub migrate`"
    except Exception:  # noqa: BLE001 - whatever it is, the answer is that it doesn't answer
        checks["database"] = checks["migrations"] = "unreachable"
    try:
        async with asyncio.timeout(2):
            await resources.bus.ping()
    except Exception:  # noqa: BLE001 - as above
        checks["bus"] = "unreachable"
    return checks


@router.get(
    "/metrics",
    summary="Counters for Prometheus",
    description="Answers callers on the same machine, and whoever bears the metrics token.",
    response_class=Response,
    responses=responses(MetricsForbidden) | {200: {"content": {"text/plain": {}}}},
)
async def metrics(request: Request, resources: CurrentResources) -> Response:
    token = resources.settings.http.metrics_token
    if token is not None:
        wanted = f"Bearer {token.get_secret_value()}"
        allowed = hmac.compare_digest(
            request.headers.get("authorization", "").encode(), wanted.encode()
        )
    else:
        allowed = request.client is not None and _is_local(request.client.host)
    if not allowed:
        raise MetricsForbidden
    _observe_pools(resources)
    return Response(resources.metrics.render(), media_type=CONTENT_TYPE_LATEST)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _observe_pools(resources: Resources) -> None:
    database = resources.database
    for name, engine in (("read", database.read_engine), ("write", database.write_engine)):
        pool = engine.sync_engine.pool
        for state in ("checkedin", "checkedout"):
            count = getattr(pool, state, lambda: 0)()
            resources.metrics.pool.labels(name, state).set(count)
    if database.turns is not None:
        resources.metrics.writers_waiting.set(database.turns.waiting)
