"""What a hub of one machine has in memory, when its database has its tables already."""

import sys
from pathlib import Path

import psutil
import pytest

from tests.faults.processes import Workplace

ROOT = Path(__file__).parents[2]
FOR_OTHERS = {
    "several processes": {"asyncpg", "hiredis", "obstore", "redis", "taskiq", "taskiq_redis"},
    "a mail server": {"aiosmtplib"},
    "gateways with tokens, people who sign in": {"cryptography", "jwt"},
    "pages and mails": {"jinja2"},
    "migrations": {"alembic", "mako"},
    "pictures and reports, in processes of their own": {"PIL", "reportlab"},
    "development": {"IPython", "httpx2", "pytest"},
}


@pytest.fixture
def migrated(workplace: Workplace) -> Workplace:
    assert workplace.run("migrate").returncode == 0
    return workplace


def test_what_it_does_not_use_is_not_loaded(migrated: Workplace) -> None:
    program = [sys.executable, "-m", "tests.faults.loaded"]
    env = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}

    with migrated.serving(program=program, env=env) as hub:
        assert hub.ready()
        loaded = {name.partition(".")[0] for name in hub.get("/loaded").json()}

    assert "hubbub" in loaded
    assert {why: found for why, names in FOR_OTHERS.items() if (found := names & loaded)} == {}


def test_it_is_small(migrated: Workplace) -> None:
    with migrated.serving() as hub:
        assert hub.ready()

        assert psutil.Process(hub.process.pid).memory_info().rss < 135_000_000
