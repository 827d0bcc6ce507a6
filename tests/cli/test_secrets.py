import re
from pathlib import Path

import pytest
from sqlalchemy import text

from hubbub.agents.models import Agent
from hubbub.kit.crypto import Safe, SealBrokenError
from hubbub.kit.reseal import CHUNK, reseal
from hubbub.kit.resources import Resources
from hubbub.registry import SEALED
from hubbub.settings import read_encryption_keys
from tests.agents.helpers import AGENTS, make_agent, openclaw
from tests.cli.test_commands import run
from tests.fixtures.people import Person

OLD, NEW = "1:" + "QUJD" * 10 + "QUI=", "2:" + "REVG" * 10 + "REU="


def safe(*keys: str) -> Safe:
    return Safe(read_encryption_keys(",".join(keys)))


async def sealed(hub: Resources) -> dict[str, tuple[Agent, bytes]]:
    async with hub.database.read() as session:
        agents = (await session.scalars(Agent.__table__.select().with_only_columns(Agent.id))).all()
        found = [await session.get_one(Agent, agent_id) for agent_id in agents]
    return {each.handle: (each, each.gateway_token) for each in found if each.gateway_token}


async def test_everything_is_sealed_with_the_current_key(
    hub: Resources, authenticated_user: Person
) -> None:
    object.__setattr__(hub, "safe", safe(OLD))
    for number in range(3):
        await make_agent(
            authenticated_user, f"agent-{number}", **openclaw(gateway_token=f"token-{number}")
        )
    await make_agent(authenticated_user, "without")

    changed = await reseal(hub.database, safe(NEW, OLD), Agent.gateway_token)
    again = await reseal(hub.database, safe(NEW, OLD), Agent.gateway_token)

    assert (changed, again) == (3, 0)
    for handle, (agent, secret) in (await sealed(hub)).items():
        opened = safe(NEW).open(secret, "agent", "gateway_token", agent.id)
        assert opened == handle.replace("agent", "token")
        assert agent.updated_at is None


async def test_there_may_be_many(
    hub: Resources, authenticated_user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CHUNK > 2
    monkeypatch.setattr("hubbub.kit.reseal.CHUNK", 2)
    object.__setattr__(hub, "safe", safe(OLD))
    for number in range(5):
        await make_agent(authenticated_user, f"agent-{number}", **openclaw())

    assert await reseal(hub.database, safe(NEW, OLD), Agent.gateway_token) == 5


async def test_first_answers_are_told_again_without_the_old_key(
    hub: Resources, authenticated_user: Person
) -> None:
    object.__setattr__(hub, "safe", safe(OLD))
    client, key = authenticated_user.client, {"Idempotency-Key": "k"}
    first = await client.post(AGENTS, json={"name": "ada"}, headers=key)

    changed = [await reseal(hub.database, safe(NEW, OLD), each) for each in SEALED]
    object.__setattr__(hub, "safe", safe(NEW))
    again = await client.post(AGENTS, json={"name": "ada"}, headers=key)

    assert sum(changed) == 1
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()


async def test_one_that_no_key_opens_is_said(hub: Resources, authenticated_user: Person) -> None:
    object.__setattr__(hub, "safe", safe(OLD))
    await make_agent(authenticated_user, "ada", **openclaw())

    with pytest.raises(SealBrokenError, match="no encryption key '1'"):
        await reseal(hub.database, safe(NEW), Agent.gateway_token)


async def test_the_token_in_the_database_is_sealed(
    hub: Resources, authenticated_user: Person
) -> None:
    await make_agent(authenticated_user, "ada", **openclaw(gateway_token="secret-token"))

    async with hub.database.read() as session:
        [stored] = (
            await session.scalars(text("SELECT gateway_token FROM agent WHERE handle = 'ada'"))
        ).all()

    assert b"secret-token" not in stored


def test_the_command_makes_a_new_key_for_an_embedded_hub(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("HUBBUB_DATA_DIR", str(tmp_path))
    rotate = ("secrets", "rotate")

    first = run(monkeypatch, *rotate, "--new-key")
    second = run(monkeypatch, *rotate)
    said = capsys.readouterr().out

    assert (first, second) == (0, 0)
    assert said.count("Secrets encrypted anew: 0.") == 2
    keys = (tmp_path / "encryption_keys").read_text()
    assert re.fullmatch(r"2:[^,]+,1:[^,]+", keys)
    assert keys not in said


def test_keys_that_are_given_are_changed_where_they_are_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("HUBBUB_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HUBBUB_ENCRYPTION_KEYS", OLD)

    assert run(monkeypatch, "secrets", "rotate", "--new-key") == 1
    assert "HUBBUB_ENCRYPTION_KEYS" in capsys.readouterr().err
