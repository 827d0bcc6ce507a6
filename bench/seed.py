"""Filling a hub with participants before it is measured."""

from dataclasses import dataclass
from uuid import UUID

from hubbub.agents.models import Agent, AgentKey
from hubbub.agents.types import Kind
from hubbub.kit.db import migrate
from hubbub.kit.db.database import Database
from hubbub.kit.ids import new_id
from hubbub.kit.keys import token_hash
from hubbub.settings import Settings
from hubbub.users.models import User
from hubbub.users.types import Role

KEY = "agt_benchmark"


@dataclass
class Seeded:
    key: str
    sender: UUID
    recipients: list[UUID]


async def seed(settings: Settings, recipients: int) -> Seeded:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await migrate.upgrade(settings.database_dsn)
    database = Database(settings.database_dsn, settings.database)
    owner = User(
        id=new_id(),
        email="owner@example.com",
        username="owner",
        username_key="owner",
        full_name="Owner",
        name_key="owner",
        role=Role.MEMBER,
        password_hash="none",
    )
    made = [
        Agent(
            id=new_id(),
            kind=Kind.AGENT,
            handle=f"agent-{number}",
            display_name=f"Agent {number}",
            display_key=f"agent {number}",
            owner_id=owner.id,
        )
        for number in range(recipients + 1)
    ]
    async with database.write() as session:
        session.add(owner)
        await session.flush()
        session.add_all(made)
        await session.flush()
        session.add(AgentKey(agent_id=made[0].id, key_hash=token_hash(KEY), prefix="agt_"))
    await database.close()
    return Seeded(KEY, made[0].id, [agent.id for agent in made[1:]])
