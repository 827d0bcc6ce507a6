from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from hubbub.kit.http.limits import address_key
from hubbub.settings import LimitSettings, Settings
from tests.kit.http.conftest import assert_is_problem

ANONYMOUS, KNOWN = 3, 6
GOOD = {"Authorization": "Bearer good"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    limits = LimitSettings(anonymous_per_minute=ANONYMOUS, requests_per_minute=KNOWN)
    return settings.model_copy(update={"limits": limits})


@pytest.fixture(autouse=True)
def one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time stands still, so that no test runs over the end of a window."""
    monkeypatch.setattr("hubbub.kit.counters.time.time", lambda: 1_800_000_010.0)


def calling_from(app: FastAPI, address: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=(address, 1234))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with calling_from(app, "192.0.2.1") as client:
        yield client


async def exhaust(client: httpx2.AsyncClient) -> None:
    while (await client.get("/probe/ok")).status_code == 200:
        pass


async def test_each_answer_says_how_much_is_left(stranger: httpx2.AsyncClient) -> None:
    left = [(await stranger.get("/probe/ok")).headers["ratelimit"] for _ in range(ANONYMOUS)]

    answer = await stranger.get("/healthz")
    assert left == [f'"default";r={number};t=50' for number in (2, 1, 0)]
    assert "ratelimit" not in answer.headers  # a probe of the operator's is not counted


async def test_who_asks_too_often_is_told_when_to_come_back(stranger: httpx2.AsyncClient) -> None:
    await exhaust(stranger)

    answer = await stranger.get("/probe/ok")

    assert_is_problem(answer, 429, "rate_limited")
    assert answer.headers["retry-after"] == "50"
    assert answer.headers["ratelimit-policy"] == f'"default";q={ANONYMOUS};w=60'
    assert answer.headers["ratelimit"] == '"default";r=0;t=50'


async def test_the_next_window_begins_anew(
    stranger: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await exhaust(stranger)

    monkeypatch.setattr("hubbub.kit.counters.time.time", lambda: 1_800_000_060.0)

    assert (await stranger.get("/probe/ok")).status_code == 200


async def test_another_address_is_not_concerned(app: FastAPI, stranger: httpx2.AsyncClient) -> None:
    await exhaust(stranger)

    async with calling_from(app, "192.0.2.2") as other:
        assert (await other.get("/probe/ok")).status_code == 200


async def test_a_good_credential_has_its_own_larger_limit(stranger: httpx2.AsyncClient) -> None:
    statuses = [
        (await stranger.get("/probe/mine", headers=GOOD)).status_code for _ in range(KNOWN + 1)
    ]

    assert statuses == [200] * KNOWN + [429]


@pytest.mark.parametrize("path", ["/probe/mine", "/probe/ok", "/nowhere"])
@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_made_up_credentials_are_no_way_around_it(
    stranger: httpx2.AsyncClient, path: str, header: str
) -> None:
    statuses = [
        (await stranger.get(path, headers={header: f"made up {number}"})).status_code
        for number in range(ANONYMOUS + 2)
    ]

    assert statuses[-2:] == [429, 429]
    assert 429 not in statuses[:ANONYMOUS]


async def test_a_credential_known_to_be_good_is_heard_from_an_exhausted_address(
    stranger: httpx2.AsyncClient,
) -> None:
    await stranger.get("/probe/mine", headers=GOOD)
    await exhaust(stranger)

    known = await stranger.get("/probe/mine", headers=GOOD)
    unknown = await stranger.get("/probe/mine", headers={"Authorization": "Bearer other"})

    assert known.status_code == 200
    assert unknown.status_code == 429


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::1", True),
        (None, "testclient", True),
    ],
)
def test_an_ipv6_customer_counts_as_one_address(
    one: str | None, other: str | None, same: bool
) -> None:
    assert (address_key(one) == address_key(other)) is same
