import pytest
from structlog.testing import capture_logs

from hubbub.lifespan import warn_of_dangerous_pairs
from hubbub.settings import Environment, Settings


def warnings(host: str, site_url: str | None) -> list[str]:
    settings = Settings(_env_file=None, environment=Environment.LOCAL, host=host, site_url=site_url)
    with capture_logs() as logs:
        warn_of_dangerous_pairs(settings)
    return [entry["event"] for entry in logs]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_links_that_lead_nobody_here_are_warned_of(host: str) -> None:
    assert warnings(host, None) == ["hub.links_point_here"]


@pytest.mark.parametrize(
    ("host", "site_url"),
    [("0.0.0.0", "https://hub.example.com"), ("192.0.2.1", None), ("127.0.0.1", None)],
)
def test_others_are_not(host: str, site_url: str | None) -> None:
    assert warnings(host, site_url) == []
