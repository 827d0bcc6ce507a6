from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.faults.processes import Running, Workplace, clean_environment
from tests.fixtures.factories import PASSWORD

ADMIN = "admin@example.com"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A hub as a process of its own, with one admin."""
    folder: Path = tmp_path_factory.mktemp("served")
    env = clean_environment() | {
        "HUBBUB_ADMIN_EMAIL": ADMIN,
        "HUBBUB_ADMIN_PASSWORD": PASSWORD,
        "HUBBUB_AUTH__SIGN_UP": "open",
        "HUBBUB_AUTH__LOGIN_FAILURES": "100000",
        "HUBBUB_AUTH__LOGIN_FAILURES_PER_ADDRESS": "100000",
        "HUBBUB_LIMITS__ENABLED": "false",
    }
    with Workplace(folder, env).serving() as hub:
        yield hub


@pytest.fixture
def admin_token(served: Running) -> str:
    """A session of its own for each operation: one of them is signing out."""
    answer = httpx2.post(
        f"{served.url}/api/v1/auth/token", data={"username": ADMIN, "password": PASSWORD}
    )
    return str(answer.json()["access_token"])
