"""Claiming items, and what the holder of a claim does."""

from typing import Any
from uuid import UUID

from hubbub.agents.service.acting import lock_acting_as
from hubbub.agents.types import Actor
from hubbub.items import queries
from hubbub.items.errors import (
    ClaimLost,
    ItemClaimed,
    ItemFinished,
    ItemNotFound,
    ItemWaiting,
    NothingReady,
    NotYourClaim,
    ReservedForAnother,
)
from hubbub.items.models import Item
from hubbub.items.queries import Lapsed
from hubbub.items.schemas import (
    Claim,
    ClaimNext,
    Extend,
    Finish,
    Handover,
    ItemRead,
    Release,
)
from hubbub.items.service import assigning
from hubbub.items.service.dependencies import GATE, set_free
from hubbub.items.service.history import note
from hubbub.items.service.lapses import tell_of_lapse
from hubbub.items.service.reading import get_item, shown
from hubbub.items.types import FINISHED, Act, Status
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.gates import go_together
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.messages.service.speaking import check_speaks_in


async def claim(session: AsyncWriteSession, actor: Actor, item_id: UUID, asked: Claim) -> ItemRead:
    claiming = await lock_acting_as(session, actor, asked.agent_id)
    item = await queries.find_to_claim(session, actor, item_id)
    if item is None:
        raise ItemNotFound
    if item.room_id is not None:
        await check_speaks_in(session, actor, claiming, item.room_id)
    before = _claim_on(item)
    fence = await queries.take(session, item.id, claiming, asked.lease_seconds)
    if fence is None:
        raise _refusal(await queries.reread(session, item.id), claiming)
    return await _claimed(session, actor, item.id, fence, before, asked.lease_seconds)


async def claim_next(session: AsyncWriteSession, actor: Actor, asked: ClaimNext) -> ItemRead:
    claiming = await lock_acting_as(session, actor, asked.agent_id)
    item = await queries.next_to_claim(session, claiming, label=asked.label, room_id=asked.room_id)
    if item is None:
        raise NothingReady
    before = _claim_on(item)
    fence = await queries.take(session, item.id, claiming, asked.lease_seconds)
    if fence is None:
        raise NothingReady
    return await _claimed(session, actor, item.id, fence, before, asked.lease_seconds)


def _claim_on(item: Item) -> Lapsed | None:
    if item.holder_id is None:
        return None
    return Lapsed(item.id, item.title, item.fence, item.creator_id, item.room_id, item.holder_id)


async def _claimed(
    session: AsyncWriteSession,
    actor: Actor,
    item_id: UUID,
    fence: int,
    before: Lapsed | None,
    lease_seconds: int,
) -> ItemRead:
    if before is not None:
        # nobody had said yet that the claim before this one has lapsed
        await tell_of_lapse(session, before)
    item = await queries.reread(session, item_id)
    assert item.holder is not None  # noqa: S101 - it has just been claimed
    note(
        session,
        actor,
        item_id,
        Act.CLAIMED,
        holder=item.holder.handle,
        fence=fence,
        lease_seconds=lease_seconds,
    )
    return shown(actor, item)


def _refusal(item: Item, claiming: UUID) -> Exception:
    if item.status in FINISHED:
        return ItemFinished()
    if item.waiting_for:
        return ItemWaiting(waiting_for=item.waiting_for)
    if item.assignee_id not in {None, claiming}:
        return ReservedForAnother()
    return ItemClaimed(lease_until=item.lease_until)


async def extend(
    session: AsyncWriteSession, actor: Actor, item_id: UUID, asked: Extend
) -> ItemRead:
    values = {"lease_until": db_now(asked.lease_seconds)}
    await _change(session, actor, item_id, asked.fence, values)
    return await _noted(session, actor, item_id, Act.EXTENDED, lease_seconds=asked.lease_seconds)


async def release(
    session: AsyncWriteSession, actor: Actor, item_id: UUID, asked: Release
) -> ItemRead:
    await _change(session, actor, item_id, asked.fence, _given_up())
    return await _noted(session, actor, item_id, Act.RELEASED, **_note(asked))


async def hand_over(
    session: AsyncWriteSession, actor: Actor, item_id: UUID, asked: Handover
) -> ItemRead:
    """Nobody else can claim it from then on; a lease runs only once they have."""
    item = await _check_held(session, actor, item_id, asked.fence)
    to = await assigning.find_assignee(session, actor, item.room_id, asked.to)
    values = _given_up() | {"assignee_id": to.id}
    holder_id = item.holder_id
    if not await queries.change_held(session, item_id, asked.fence, **values):
        raise ClaimLost
    if holder_id is not None:
        assigning.tell(session, holder_id, to, item)
    return await _noted(session, actor, item_id, Act.HANDED_OVER, to=to.handle, **_note(asked))


async def complete(
    session: AsyncWriteSession, actor: Actor, item_id: UUID, asked: Finish
) -> ItemRead:
    await go_together(session, GATE)
    await _change(session, actor, item_id, asked.fence, _finished(Status.DONE, asked))
    await set_free(session, item_id)
    return await _noted(session, actor, item_id, Act.COMPLETED)


async def fail(session: AsyncWriteSession, actor: Actor, item_id: UUID, asked: Finish) -> ItemRead:
    await _change(session, actor, item_id, asked.fence, _finished(Status.FAILED, asked))
    return await _noted(session, actor, item_id, Act.FAILED)


def _given_up() -> dict[str, Any]:
    return {"status": Status.OPEN, "holder_id": None, "lease_until": None}


def _finished(status: Status, asked: Finish) -> dict[str, Any]:
    return {
        "status": status,
        "lease_until": None,
        "finished_at": db_now(),
        "result": asked.result,
    }


def _note(asked: Release) -> dict[str, str]:
    return {} if asked.note is None else {"note": asked.note}


async def _check_held(session: AsyncWriteSession, actor: Actor, item_id: UUID, fence: int) -> Item:
    """Who comes too late hears that before anything else, whoever has it now."""
    item = await get_item(session, actor, item_id)
    if item.status is not Status.CLAIMED or item.fence != fence or item.holder is None:
        raise ClaimLost
    if not actor.speaks_as(item.holder.id, item.holder.owner_id):
        raise NotYourClaim
    return item


async def _change(
    session: AsyncWriteSession, actor: Actor, item_id: UUID, fence: int, values: dict[str, Any]
) -> None:
    await _check_held(session, actor, item_id, fence)
    if not await queries.change_held(session, item_id, fence, **values):
        raise ClaimLost


async def _noted(
    session: AsyncWriteSession, actor: Actor, item_id: UUID, act: Act, **details: Any
) -> ItemRead:
    note(session, actor, item_id, act, **details)
    return shown(actor, await queries.reread(session, item_id))
