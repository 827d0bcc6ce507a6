"""What the tests about agents have in common."""

from typing import Any

import httpx2

from tests.fixtures.people import Person

AGENTS = "/api/v1/agents"
TOKEN = "gateway-token-that-nobody-may-see"


def openclaw(**values: object) -> dict[str, object]:
    return {
        "gateway_url": "https://gateway.example.com:8443",
        "gateway_token": TOKEN,
    } | values


async def make_agent(owner: Person, name: str, **values: object) -> dict[str, Any]:
    answer = await owner.client.post(AGENTS, json={"name": name} | values)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def path(agent: dict[str, Any], *more: object) -> str:
    return "/".join([AGENTS, agent["id"], *map(str, more)])


def key_of(agent: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {agent['key']}"}


async def person_of(person: Person) -> dict[str, Any]:
    """The participant that a user is."""
    answer = await person.client.get(AGENTS, params={"mine": True, "kind": "person"})
    [found] = answer.json()["items"]
    assert isinstance(found, dict)
    return found


async def as_agent(
    client: httpx2.AsyncClient, agent: dict[str, Any], method: str, where: str, **given: Any
) -> httpx2.Response:
    return await client.request(method, where, headers=key_of(agent), **given)
