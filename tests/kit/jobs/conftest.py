from collections.abc import AsyncIterator

import pytest

from hubbub.kit.metrics import Metrics
from hubbub.kit.resources import Resources
from hubbub.lifespan import open_resources
from hubbub.settings import Settings


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    """What jobs work with, and nothing that would run them."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with open_resources(settings, Metrics()) as resources:
        yield resources
