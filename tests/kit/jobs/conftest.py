from collections.abc import AsyncIterator
from typing import cast

import pytest
from sqlalchemy import Table

from hubbub.kit.db.base import Base
from hubbub.kit.db.migrate import migration_engine
from hubbub.kit.jobs import JobRecord
from hubbub.kit.metrics import Metrics
from hubbub.kit.outbox import OutboxEvent
from hubbub.kit.resources import Resources
from hubbub.lifespan import open_resources
from hubbub.settings import Settings


@pytest.fixture
async def tables(settings: Settings) -> None:
    """Until a migration makes them."""
    engine = migration_engine(settings.database_dsn)
    tables = [cast("Table", model.__table__) for model in (JobRecord, OutboxEvent)]
    async with engine.begin() as connection:
        await connection.run_sync(
            lambda sync: Base.metadata.create_all(sync, tables, checkfirst=True)
        )
    await engine.dispose()


@pytest.fixture
async def resources(settings: Settings, tables: None) -> AsyncIterator[Resources]:
    """What jobs work with, and nothing that would run them."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with open_resources(settings, Metrics()) as resources:
        yield resources
