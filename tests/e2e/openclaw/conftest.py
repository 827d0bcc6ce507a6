"""One gateway for most tests: it takes ten seconds to start, and a gigabyte."""

import sys
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.e2e.openclaw.gateway import Gateway
from tests.e2e.openclaw.install import NoOpenClaw, openclaw
from tests.e2e.openclaw.posting import Poster

NOT_RUN = "NOTHING WAS TESTED against a real OpenClaw gateway"


@pytest.fixture(scope="session", autouse=True)
def openclaw_here() -> None:
    try:
        openclaw()
    except NoOpenClaw as reason:
        pytest.skip(f"{NOT_RUN}: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skip is one letter among many; this one is not to be overlooked."""
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    if any(NOT_RUN in reason for reason in skipped):
        terminalreporter.write_sep("!", f"{NOT_RUN}, the reason is below", red=True, bold=True)


@pytest.fixture(scope="session")
async def shared_gateway(openclaw_here: None) -> AsyncIterator[Gateway]:
    async with Gateway.running(hooks=True, prefix="hook:", chat=True) as gateway:
        yield gateway


@pytest.fixture
async def gateway(shared_gateway: Gateway) -> AsyncIterator[Gateway]:
    before = len(shared_gateway.log)
    shared_gateway.model.forget()
    yield shared_gateway
    sys.stdout.write(shared_gateway.log[before:])  # shown when the test has failed


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """Waits longer than a gateway makes anybody wait."""
    async with httpx2.AsyncClient(timeout=60) as client:
        yield client


@pytest.fixture
def post(client: httpx2.AsyncClient) -> Poster:
    return Poster(client)
