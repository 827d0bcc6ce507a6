"""A hub that is killed while a message goes out to everyone goes on with it where it was."""

import asyncio
import signal
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import insert, text

from hubbub.agents.models import Agent
from hubbub.kit.db.database import Database
from hubbub.kit.ids import new_id
from hubbub.settings import DatabaseSettings
from tests.faults.processes import Running, Workplace
from tests.fixtures.factories import PASSWORD

CROWD = 20_000
CHUNK = 5_000
REACHED = "SELECT reached FROM fan_out"
DONE = "SELECT count(done_at) FROM fan_out"


async def sign_in(client: httpx2.AsyncClient) -> str:
    """As the admin; returns their id."""
    tokens = await client.post(
        "/api/v1/auth/token", data={"username": "admin@example.com", "password": PASSWORD}
    )
    client.headers["Authorization"] = f"Bearer {tokens.json()['access_token']}"
    me: str = (await client.get("/api/v1/auth/me")).json()["user"]["id"]
    return me


def opened(place: Workplace) -> Database:
    url = place.env.get("HUBBUB_DATABASE_URL")
    dsn = f"sqlite+aiosqlite:///{place.database}"
    if url is not None:
        dsn = url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return Database(dsn, DatabaseSettings())


async def crowd(database: Database, owner_id: UUID) -> None:
    for start in range(0, CROWD, CHUNK):
        rows = [
            {
                "id": new_id(),
                "handle": f"crowd-{number}",
                "display_name": "x",
                "display_key": "x",
                "kind": "agent",
                "owner_id": owner_id,
            }
            for number in range(start, start + CHUNK)
        ]
        async with database.write() as session:
            await session.execute(insert(Agent), rows)


async def ask(database: Database, question: str) -> Any:  # noqa: ANN401 - whatever is asked
    async with database.read() as session:
        return await session.scalar(text(question))


async def kill_midway(hub: Running, database: Database) -> int:
    """As soon as it gets on, if there is anything left; returns whom it had reached by then."""
    begun = await ask(database, REACHED)
    while begun == await ask(database, REACHED) and not await ask(database, DONE):
        assert hub.process.poll() is None
    hub.process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(hub.process.wait, 20)
    return int(await ask(database, REACHED))


async def test_everyone_gets_it_once_however_often_it_is_killed(storm_place: Workplace) -> None:
    stood_at = [0]
    with storm_place.serving() as hub:
        async with httpx2.AsyncClient(base_url=hub.url, timeout=30) as client:
            me = await sign_in(client)
            database = opened(storm_place)
            await crowd(database, UUID(me))
            body = {"to": ["everyone"], "content": "hear, hear"}
            sent = await client.post("/api/v1/messages", json=body)
            assert sent.status_code == 201, sent.text
            stood_at.append(await kill_midway(hub, database))
    for _ in range(3):
        with storm_place.serving() as hub:
            stood_at.append(await kill_midway(hub, database))
    with storm_place.serving() as hub:
        while not await ask(database, DONE):
            assert hub.process.poll() is None

    reached = await ask(database, REACHED)
    deliveries = await ask(database, "SELECT count(*) FROM delivery")
    recipients = await ask(database, "SELECT count(DISTINCT recipient_id) FROM delivery")
    numbered = await ask(database, "SELECT count(*) FROM counter WHERE last_seq = 1 AND open = 1")
    await database.close()
    # killed in the middle, not before and not after
    assert any(0 < each < CROWD for each in stood_at)
    assert stood_at == sorted(stood_at)
    assert reached == deliveries == recipients == numbered == CROWD
