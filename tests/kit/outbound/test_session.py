"""The rules hold at the socket, whatever led to it."""

import socket
from ipaddress import ip_network

import pytest
from aiohttp import ClientError, ClientSession
from aiohttp.abc import AbstractResolver, ResolveResult

from hubbub.kit.outbound.addresses import AddressRefused, refusal_in
from hubbub.kit.outbound.session import open_session
from hubbub.settings import Environment, GatewaySettings, Settings
from tests.fixtures.elsewhere import Elsewhere, elsewhere, says

PUBLIC = "0.0.0.0"


class Names(AbstractResolver):
    """A name server that says something else each time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        del family
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for each in found
        ]

    async def close(self) -> None:
        pass


def session(
    *allowed: str, resolver: AbstractResolver | None = None, **values: object
) -> ClientSession:
    settings = Settings.model_validate(
        {
            "environment": Environment.LOCAL,
            "host": PUBLIC,  # so that loopback isn't open by itself
            "gateway": GatewaySettings(allow_cidrs=tuple(ip_network(each) for each in allowed)),
        }
        | values
    )
    return open_session(settings, resolver)


async def refused(http: ClientSession, url: str) -> AddressRefused:
    async with http:
        with pytest.raises(ClientError) as caught:
            await http.post(url)
    found = refusal_in(caught.value)
    assert found is not None, caught.value
    return found


async def answered(http: ClientSession, url: str) -> int:
    async with http, http.post(url, allow_redirects=False) as response:
        return response.status


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0x7f000001",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00::1]",
        "169.254.169.254",
        "10.0.0.1",
    ],
)
async def test_however_an_address_is_written(host: str) -> None:
    async with elsewhere(says(200)) as other:
        await refused(session(), f"http://{host}:{other.port}/")

    assert other.received == []


@pytest.mark.parametrize(
    "host", ["2130706433", "017700000001", "127.1", "0177.0.0.1", "127.0.0.1."]
)
async def test_numbers_that_stand_for_addresses(host: str) -> None:
    """They are turned away as no URL, or seen for what they are."""
    async with elsewhere(says(200)) as other:
        http = session()
        async with http:
            with pytest.raises(ClientError):
                await http.post(f"http://{host}:{other.port}/")

    assert other.received == []


async def test_a_network_that_is_named_is_called() -> None:
    async with elsewhere(says(204)) as other:
        assert await answered(session("127.0.0.0/8"), f"{other.url}/x") == 204

    assert [each.path for each in other.received] == ["/x"]


async def test_a_name_counts_by_the_address_that_is_connected_to() -> None:
    """It was public when somebody looked, and leads to this machine when it is called."""
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    assert [each["host"] for each in await names.resolve("rebind.example")] == ["93.184.216.34"]

    async with elsewhere(says(200)) as other:
        await refused(session(resolver=names), f"http://rebind.example:{other.port}/")

    assert names.asked == 2
    assert other.received == []


async def test_of_several_addresses_the_allowed_one_is_called() -> None:
    names = Names(["10.0.0.1", "127.0.0.1"])

    async with elsewhere(says(204)) as other:
        http = session("127.0.0.0/8", resolver=names)
        assert await answered(http, f"http://gateway.example:{other.port}/") == 204


async def test_several_addresses_that_are_all_refused() -> None:
    error = await refused(
        session(resolver=Names(["10.0.0.1", "127.0.0.1"])), "http://gateway.example:1/"
    )

    assert "HUBBUB_GATEWAY__ALLOW_CIDRS" in str(error)
    assert "10.0.0.1" not in str(error)


async def test_a_redirect_that_somebody_follows_is_judged_too() -> None:
    there = says(302, Location="http://169.254.169.254/latest/meta-data/")
    async with elsewhere(there) as other:
        error = await refused(session("0.0.0.0/0"), other.url)

    assert error.for_good
    assert len(other.received) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "[::ffff:127.0.0.1]"])
async def test_the_hub_itself(host: str) -> None:
    async with elsewhere(says(200)) as hub:
        everything = ("0.0.0.0/0", "::/0")
        error = await refused(session(*everything, port=hub.port), f"http://{host}:{hub.port}/")

    assert error.for_good
    assert hub.received == []


@pytest.mark.parametrize("name", ["LOCALHOST", "localhost."])
async def test_the_hub_behind_its_proxy(name: str) -> None:
    async with elsewhere(says(200)) as proxy:
        http = session("127.0.0.0/8", site_url=f"http://localhost:{proxy.port}/")
        error = await refused(http, f"http://{name}:{proxy.port}/api/v1/agents")

    assert error.for_good
    assert proxy.received == []


async def test_gateways_do_not_learn_of_each_other() -> None:
    async with elsewhere(says(200, Set_Cookie="tracked=yes; Path=/")) as other:
        await _twice(other)

    assert [each.headers.get("cookie") for each in other.received] == [None, None]
    assert all(each.headers["accept-encoding"] == "identity" for each in other.received)


async def _twice(other: Elsewhere) -> None:
    http = session("127.0.0.0/8")
    async with http:
        for _ in range(2):
            async with http.post(f"http://localhost:{other.port}/"):
                pass


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "no-such-name.invalid"])
async def test_a_name_that_is_none(host: str) -> None:
    http = session()
    async with http:
        with pytest.raises(ClientError):
            await http.post(f"http://{host}/")
