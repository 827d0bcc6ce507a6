"""Making, changing and deleting items."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import MISSING

from hubbub.agents.service.acting import lock_acting_as
from hubbub.agents.types import Actor
from hubbub.files.service.attaching import attach, detach
from hubbub.items import queries
from hubbub.items.errors import ItemFinished, ItemNeeded, ItemNotFound, NotYourItem
from hubbub.items.models import ITEM, Item, ItemLabel
from hubbub.items.schemas import ItemCreate, ItemRead, ItemUpdate
from hubbub.items.service import assigning
from hubbub.items.service.dependencies import GATE, wait_for
from hubbub.items.service.history import note, record
from hubbub.items.service.reading import shown
from hubbub.items.types import Act, Status
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.gates import go_alone
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.messages.errors import MessageNotFound
from hubbub.messages.queries import find_message
from hubbub.messages.service.speaking import check_speaks_in
from hubbub.messages.types import RANKS

_PLAIN = ("title", "priority", "due_at")


async def create_item(session: AsyncWriteSession, actor: Actor, new: ItemCreate) -> ItemRead:
    if new.needs:
        await go_alone(session, GATE)
    creator_id = await lock_acting_as(session, actor, new.agent_id)
    if new.room_id is not None:
        await check_speaks_in(session, actor, creator_id, new.room_id)
    item = Item(
        id=new_id(),
        title=new.title,
        body=new.body,
        priority=new.priority,
        rank=RANKS[new.priority],
        status=Status.OPEN,
        creator_id=creator_id,
        room_id=new.room_id,
        due_at=new.due_at,
        labels=[ItemLabel(label=label) for label in new.labels],
    )
    if new.thread_id is not None:
        item.thread_id = await _thread(session, actor, new.thread_id)
    if new.assignee is not None:
        assignee = await assigning.find_assignee(session, actor, new.room_id, new.assignee)
        item.assignee_id = assignee.id
        assigning.tell(session, creator_id, assignee, item)
    session.add(item)
    await session.flush()
    await attach(session, actor, ITEM, item.id, new.file_ids)
    await wait_for(session, actor, item.id, new.needs)
    note(session, actor, item.id, Act.CREATED)
    await session.flush()
    return shown(actor, await queries.reread(session, item.id))


async def _thread(session: AsyncReadSession, actor: Actor, message_id: UUID) -> UUID:
    found = await find_message(session, actor, message_id)
    if found is None:
        raise MessageNotFound
    return found[0].thread_id


async def update_item(
    session: AsyncWriteSession, actor: Actor, item_id: UUID, changes: ItemUpdate
) -> ItemRead:
    item = await lock_own(session, actor, item_id)
    await _check_may_change(session, actor, item, changes)
    details: dict[str, Any] = {}
    wanted = changes.model_dump(exclude={"status", "assignee", "thread_id", "labels", "file_ids"})
    for name, value in wanted.items():
        before = getattr(item, name)
        if before != value:
            setattr(item, name, value)
            # a body may be long: that it was changed is enough
            details[name] = [_plain(before), _plain(value)] if name in _PLAIN else []
    item.rank = RANKS[item.priority]
    if changes.thread_id is not MISSING:
        before = item.thread_id
        thread_id = changes.thread_id
        item.thread_id = None if thread_id is None else await _thread(session, actor, thread_id)
        if before != item.thread_id:
            details["thread_id"] = [_plain(before), _plain(item.thread_id)]
    if changes.labels is not MISSING:
        _label(item, changes.labels, details)
    if changes.file_ids is not MISSING:
        await _attach(session, actor, item, changes.file_ids, details)
    if changes.assignee is not MISSING:
        await _assign(session, actor, item, changes.assignee, details)
    if details:
        item.updated_at = db_now()
        note(session, actor, item.id, Act.UPDATED, **details)
    if changes.status is not MISSING:
        _set_status(session, actor, item, changes.status)
    await session.flush()
    return shown(actor, await queries.reread(session, item.id))


async def _check_may_change(
    session: AsyncReadSession, actor: Actor, item: Item, changes: ItemUpdate
) -> None:
    """Whoever was put out of its room, or only listens by now, may take the item back and no
    more."""
    says_something = changes.model_fields_set - {"status"}
    if says_something and item.room_id is not None and not actor.is_admin:
        await check_speaks_in(session, actor, item.creator_id, item.room_id)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value is None else str(value)


def _label(item: Item, labels: list[str], details: dict[str, Any]) -> None:
    kept = {each.label: each for each in item.labels}
    if sorted(kept) != labels:
        details["labels"] = [sorted(kept), labels]
        item.labels = [kept.get(each) or ItemLabel(label=each) for each in labels]


async def _attach(
    session: AsyncWriteSession,
    actor: Actor,
    item: Item,
    file_ids: list[UUID],
    details: dict[str, Any],
) -> None:
    before = [each.id for each in item.files]
    if await attach(session, actor, ITEM, item.id, file_ids, before=before):
        details["files"] = [[str(each) for each in ids] for ids in (before, file_ids)]


async def _assign(
    session: AsyncWriteSession,
    actor: Actor,
    item: Item,
    name: str | None,
    details: dict[str, Any],
) -> None:
    before, assignee = item.assignee, None
    if name is not None:
        assignee = await assigning.find_assignee(session, actor, item.room_id, name)
    item.assignee_id = None if assignee is None else assignee.id
    if item.assignee_id != (before.id if before else None):
        handles = [each.handle if each else None for each in (before, assignee)]
        details["assignee"] = handles
        if assignee is not None:
            assigning.tell(session, actor.participant_id, assignee, item)


def _set_status(session: AsyncWriteSession, actor: Actor, item: Item, wanted: Status) -> None:
    """Cancelling, and opening again. Whoever has claimed it has lost it."""
    if item.status is wanted:
        return
    if item.status is Status.DONE:
        raise ItemFinished
    act = Act.REOPENED if wanted is Status.OPEN else Act.CANCELLED
    note(session, actor, item.id, act, status=[item.status.value, wanted.value])
    item.status = wanted
    item.holder_id = item.lease_until = item.result = None
    item.fence += 1
    item.updated_at = db_now()
    item.finished_at = db_now() if wanted is Status.CANCELLED else None


async def delete_item(session: AsyncWriteSession, actor: Actor, item_id: UUID) -> None:
    await go_alone(session, GATE)
    item = await lock_own(session, actor, item_id)
    if item.status is not Status.DONE and await queries.is_needed(session, item.id):
        raise ItemNeeded
    await detach(session, ITEM, [item.id])
    await session.delete(item)
    record(session, actor, "deleted", item.id)


async def lock_own(session: AsyncWriteSession, actor: Actor, item_id: UUID) -> Item:
    item = await queries.lock_item(session, actor, item_id)
    if item is None:
        raise ItemNotFound
    if not actor.is_admin and not actor.speaks_as(item.creator_id, item.creator.owner_id):
        raise NotYourItem
    return item
