"""Statements about the record as a whole. Who may read which acts is decided above, where it is
known whose agents are whose."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, false, func, select, text

from hubbub.activity.models import UNSEALED, Activity, ActivityHead
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncReadSession

HEAD = 1


class Standing(NamedTuple):
    unsealed: int
    head: ActivityHead | None
    is_held: bool
    """Somebody is sealing, and is taken to be alive."""


async def standing(session: AsyncReadSession) -> Standing:
    unsealed = select(func.count()).select_from(Activity).where(text(UNSEALED)).scalar_subquery()
    is_held = func.coalesce(ActivityHead.held_until > db_now(), false())
    statement = select(ActivityHead, unsealed, is_held).where(ActivityHead.id == HEAD)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return Standing(await session.scalar(select(unsealed)) or 0, None, is_held=False)
    return Standing(row[1], row[0], is_held=bool(row[2]))


async def next_unsealed(session: AsyncReadSession, limit: int) -> Sequence[Activity]:
    """Whoever committed late has a lower id than others that are sealed already, and comes now."""
    statement = select(Activity).where(text(UNSEALED)).order_by(Activity.id).limit(limit)
    return (await session.scalars(statement)).all()


async def sealed_after(
    session: AsyncReadSession, number: int | None, limit: int
) -> Sequence[Activity]:
    """All that claim a place in the chain, from the first on where there is none to go on from."""
    statement = select(Activity).where(_after(number)).order_by(Activity.number)
    return (await session.scalars(statement.limit(limit))).all()


def _after(number: int | None) -> ColumnElement[bool]:
    return Activity.number.is_not(None) if number is None else Activity.number > number


class Place(NamedTuple):
    """What can be told of a row that can't be read whole."""

    number: int | None
    previous: str | None
    hash: str | None


async def places_after(
    session: AsyncReadSession, number: int | None, limit: int
) -> Sequence[Place]:
    statement = select(Activity.number, Activity.previous, Activity.hash).where(_after(number))
    rows = await session.execute(statement.order_by(Activity.number).limit(limit))
    return [Place(row[0], row[1], row[2]) for row in rows]


async def sealed_at(session: AsyncReadSession, number: int | None) -> Activity | None:
    return await session.scalar(select(Activity).where(Activity.number == number))


async def with_hash(session: AsyncReadSession, hashes: Sequence[str]) -> dict[str, Activity]:
    statement = select(Activity).where(Activity.hash.in_(hashes), Activity.number.is_not(None))
    return {act.hash: act for act in await session.scalars(statement) if act.hash is not None}
