"""Linking what was written down into one chain, behind the acts: whoever acts waits for nobody.

An act is found because it has no number yet, never because of where it comes in some order: a
transaction that began early may commit late.
"""

from uuid import UUID

import structlog
from sqlalchemy import or_, update

from hubbub.activity import queries
from hubbub.activity.models import ActivityHead
from hubbub.activity.queries import HEAD, Standing
from hubbub.activity.service.chain import BEGINNING, link
from hubbub.kit.db.database import Database
from hubbub.kit.db.dialect import db_now, insert_or_ignore
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.metrics import Metrics

log = structlog.get_logger()

LEASE = 5.0
_CHUNK = 200


class Sealer:
    """One for each process; of all, the one that holds the lease does the work."""

    def __init__(self, database: Database, metrics: Metrics, holder: UUID) -> None:
        self._database = database
        self._metrics = metrics
        self._holder = holder

    async def look(self) -> None:
        """Seals all that there is, unless somebody else does."""
        # reading first: an idle hub takes nobody's turn at writing
        found = await self._standing()
        while found.unsealed and self._may_seal(found) and await self._seal_some():
            found = await self._standing()

    async def _standing(self) -> Standing:
        async with self._database.read() as session:
            found = await queries.standing(session)
        head = found.head
        self._metrics.activity_unsealed.set(found.unsealed)
        if head is not None:
            self._metrics.activity_head.is_at(head.number, head.hash)
        return found

    def _may_seal(self, found: Standing) -> bool:
        return not found.is_held or (found.head is not None and found.head.held_by == self._holder)

    async def _seal_some(self) -> bool:
        async with self._database.write() as session:
            head = await seal(session, self._holder, _CHUNK)
        if head is not None:
            # kept elsewhere, this line proves later that nothing up to here was changed
            log.info("activity.sealed", number=head.number, head=f"{head.number}:{head.hash}")
        return head is not None

    async def let_go(self) -> None:
        """So that the next one needn't wait for the lease to end."""
        async with self._database.read() as session:
            found = await queries.standing(session)
        if found.head is None or found.head.held_by != self._holder:
            return
        async with self._database.write() as session:
            await session.execute(
                update(ActivityHead)
                .where(ActivityHead.id == HEAD, ActivityHead.held_by == self._holder)
                .values(held_by=None, held_until=None)
            )


async def seal(session: AsyncWriteSession, holder: UUID, limit: int) -> ActivityHead | None:
    """The new head, or None where there is nothing to do or another one is at it."""
    head = await _held(session, holder)
    if head is None:
        return None
    number, previous = head.number, head.hash
    for act in await queries.next_unsealed(session, limit):
        number += 1
        act.number, act.previous, act.hash = number, previous, link(previous, act)
        previous = act.hash
    if number == head.number:
        return None
    head.number, head.hash = number, previous
    return head


async def _held(session: AsyncWriteSession, holder: UUID) -> ActivityHead | None:
    """The head, ours until the transaction ends: the lease keeps others from waiting for us, the
    row's lock is what keeps the chain one."""
    first = {"id": HEAD, "number": 0, "hash": BEGINNING}
    await session.execute(insert_or_ignore(session, ActivityHead, unique=["id"]).values(first))
    statement = (
        update(ActivityHead)
        .where(
            ActivityHead.id == HEAD,
            or_(
                ActivityHead.held_by.is_(None),
                ActivityHead.held_by == holder,
                ActivityHead.held_until <= db_now(),
            ),
        )
        .values(held_by=holder, held_until=db_now(LEASE))
        .returning(ActivityHead)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()
