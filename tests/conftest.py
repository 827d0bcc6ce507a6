"""Fixtures for every test. Each test gets a hub of its own, on a fresh copy of a migrated database.

`--distributed` runs the same tests on PostgreSQL and Valkey instead of SQLite and memory.
"""

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import RedisDsn
from redis.asyncio import Redis

from hubbub import registry
from hubbub.app import create_app
from hubbub.kit.db import migrate
from hubbub.kit.resources import Resources
from hubbub.settings import Environment, LimitSettings, Settings
from tests.fixtures.peers import create_database, drop_database, postgres_server, valkey_server

pytest_plugins = [
    "tests.fixtures.mail",
    "tests.fixtures.people",
    "tests.fixtures.stalls",
    "tests.fixtures.statements",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--distributed", action="store_true", help="run on PostgreSQL and Valkey, not on SQLite"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What doesn't depend on the kind of database, or brings its own, is run with SQLite alone."""
    if not config.getoption("--distributed"):
        return
    wanted: list[pytest.Item] = []
    again: list[pytest.Item] = []
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        (wanted if "distributed" in fixtures else again).append(item)
    config.hook.pytest_deselected(items=again)
    items[:] = wanted


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def distributed(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--distributed"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server. With xdist each worker has its own: they end one by one."""
    with postgres_server() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    with valkey_server() as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def nothing_due() -> Iterator[None]:
    """Hubs as they are most of the time. Each is new here, and would begin with all that is done
    once an hour: half of what a test costs. `tests/start/test_schedule.py` sees that it is done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "JOBS", [replace(job, every=None) for job in registry.JOBS])
        yield


@pytest.fixture(scope="session")
async def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "hubbub.db"
    await migrate.upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
async def postgres_template(postgres: str) -> str:
    dsn = await create_database(postgres)
    await migrate.upgrade(_driver(dsn))
    return dsn.partition("?")[0].rsplit("/", 1)[1]


def _driver(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+asyncpg://", 1)


@pytest.fixture
async def sqlite_dsn(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "data" / "hubbub.db"
    path.parent.mkdir()
    shutil.copyfile(sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def postgres_dsn(postgres: str, postgres_template: str) -> AsyncIterator[str]:
    dsn = await create_database(postgres, template=postgres_template)
    yield _driver(dsn)
    await drop_database(postgres, dsn)


@pytest.fixture
async def valkey_url(valkey: str) -> str:
    """An emptied Valkey."""
    async with Redis.from_url(valkey) as redis:
        await redis.flushdb()
    return valkey


@pytest.fixture
def dsn(request: pytest.FixtureRequest, distributed: bool) -> str:
    """A migrated, empty database of the kind this run is for."""
    return str(request.getfixturevalue("postgres_dsn" if distributed else "sqlite_dsn"))


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, distributed: bool, dsn: str, tmp_path: Path
) -> Settings:
    """What the hub under test is made with; a test that needs other settings overrides this."""
    return Settings(
        _env_file=None,
        environment=Environment.LOCAL,
        data_dir=tmp_path / "data",
        database_url=dsn,
        redis_url=RedisDsn(request.getfixturevalue("valkey_url")) if distributed else None,
        limits=LimitSettings(enabled=False),
    )


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def hub(app: FastAPI) -> Resources:
    """What the running hub owns: for what a test arranges behind the API's back."""
    resources: Resources = app.state.resources
    return resources


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody without a credential."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
