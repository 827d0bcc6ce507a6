import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command sets up logging to the streams of its test, which are closed after it."""
    config, handlers = structlog.get_config(), logging.getLogger().handlers
    yield
    structlog.configure(**config)
    logging.getLogger().handlers = handlers
