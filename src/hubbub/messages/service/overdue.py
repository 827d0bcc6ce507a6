"""Telling people that something was not acknowledged in time, on both sides.

How far they were told is kept, so that nothing is told twice and an hour without the hub is made up
for. It moves in the order in which acknowledgements become due.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import Select, literal, select, text, tuple_

from hubbub.agents.models import Agent
from hubbub.kit.db.database import Database
from hubbub.kit.db.dialect import db_now, insert_or_ignore
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.ids import FIRST_ID
from hubbub.messages.models import AWAITS_ACK, Delivery, OverdueTold
from hubbub.messages.types import Role
from hubbub.notifications.service import notify

_TOLD = 1
_CHUNK = 100
_SETTLED = 5.0
"""Seconds in which what was due at once has been committed."""
_FIRST_LOOK = 3600.0
"""How far back a hub looks that has never told anybody."""
_KEY = (Delivery.ack_by, Delivery.message_id, Delivery.recipient_id)
_KIND = "messages.overdue"


async def tell_some(database: Database, hour: str) -> bool:
    """False when nothing is left to tell. Looks before anybody's turn at writing is taken."""
    async with database.read() as session:
        so_far = await session.get(OverdueTold, _TOLD)
        if (await session.execute(_overdue(so_far, 1))).first() is None:
            return False
    async with database.write() as session:
        told = await _lock_told(session)
        rows = (await session.execute(_overdue(told, _CHUNK))).all()
        await _tell(session, Role.RECIPIENT, {row.recipient_id for row in rows}, hour)
        await _tell(session, Role.SENDER, {row.sender_id for row in rows}, hour)
        if rows:
            last = rows[-1]
            told.ack_by = last.ack_by
            told.message_id, told.recipient_id = last.message_id, last.recipient_id
    return len(rows) == _CHUNK


def _overdue(told: OverdueTold | None, limit: int) -> Select[datetime | None, UUID, UUID, UUID]:
    statement = select(*_KEY, Delivery.sender_id).where(
        text(AWAITS_ACK), Delivery.ack_by <= db_now(-_SETTLED)
    )
    if told is None:
        statement = statement.where(Delivery.ack_by > db_now(-_FIRST_LOOK))
    else:
        values = told.ack_by, told.message_id, told.recipient_id
        place = [literal(value, key.type) for key, value in zip(_KEY, values, strict=True)]
        # said apart as well: the index has the time alone
        statement = statement.where(Delivery.ack_by >= told.ack_by, tuple_(*_KEY) > tuple_(*place))
    return statement.order_by(*_KEY).limit(limit)


async def _lock_told(session: AsyncWriteSession) -> OverdueTold:
    first = {
        "id": _TOLD,
        "ack_by": db_now(-_FIRST_LOOK),
        "message_id": UUID(FIRST_ID),
        "recipient_id": UUID(FIRST_ID),
    }
    await session.execute(insert_or_ignore(session, OverdueTold, unique=["id"]).values(first))
    return await session.get_one(OverdueTold, _TOLD, with_for_update=True, populate_existing=True)


async def _tell(
    session: AsyncWriteSession, role: Role, participants: Iterable[UUID], hour: str
) -> None:
    for agent in await _agents(session, participants):
        if agent.owner_id is None:
            continue
        said = "to" if role is Role.RECIPIENT else "from"
        await notify(
            session,
            agent.owner_id,
            _KIND,
            f"Messages {said} {agent.handle} were not acknowledged in time",
            "The list of what is overdue says which.",
            once=uuid5(agent.id, f"overdue {role} {agent.owner_id} {hour}"),
        )


async def _agents(session: AsyncReadSession, ids: Iterable[UUID]) -> list[Agent]:
    statement = select(Agent).where(Agent.id.in_(sorted(ids)), Agent.deleted_at.is_(None))
    return list(await session.scalars(statement.order_by(Agent.owner_id, Agent.id)))
