"""Messages by the page: listed, searched, and what admins see of them."""

from html import escape
from uuid import UUID

from sqlalchemy import BigInteger

from hubbub.activity import service as activity
from hubbub.agents.types import Actor
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.db.words import MARK_END, MARK_START, snippet
from hubbub.kit.pagination import PageOf, PageRequest, read_cursor, write_cursor
from hubbub.messages.errors import MessageNotFound
from hubbub.messages.models import Message, RoomMessage
from hubbub.messages.queries import listing, metadata, rooms
from hubbub.messages.queries.listing import Filters
from hubbub.messages.schemas import ListedMessage, MessageMetadata, MessagePage, MessageRead
from hubbub.messages.service.indexing import text_of
from hubbub.messages.service.messages import shown_all

_BY_ID, _BY_PLACE, _METADATA = "messages", "messages.search", "messages.metadata"
_IN_ROOM = "messages.room"


def _before_id(page: PageRequest, name: str) -> UUID | None:
    if page.cursor is None:
        return None
    [before] = read_cursor(page.cursor, name, Message.id.type)
    return UUID(str(before))


async def list_messages(
    session: AsyncReadSession, actor: Actor, filters: Filters, page: PageRequest
) -> MessagePage:
    if filters.room is not None and filters.thread is None:
        first = await rooms.first_readable(session, actor, filters.room)
        if first is not None:
            return await _list_room(session, actor, filters.room, filters, first, page)
    before = _before_id(page, _BY_ID)
    rows = await listing.list_messages(session, actor, filters, before, page.limit + 1)
    more, rows = len(rows) > page.limit, rows[: page.limit]
    items = [ListedMessage(**dict(each)) for each in await shown_all(session, rows)]
    return MessagePage(
        items=items, next_cursor=write_cursor(_BY_ID, items[-1].id) if more else None
    )


async def _list_room(
    session: AsyncReadSession,
    actor: Actor,
    room_id: UUID,
    filters: Filters,
    first: int,
    page: PageRequest,
) -> MessagePage:
    """For who may read the room: all that was said, whether it came to their inbox or not."""
    before = None
    if page.cursor is not None:
        [before] = read_cursor(page.cursor, _IN_ROOM, RoomMessage.seq.type)
    where = filters.conditions()
    if filters.agent is not None:
        where.append(listing.takes_part(filters.agent))
    rows = await rooms.list_room(
        session, actor, room_id, where, first=first, before=before, limit=page.limit + 1
    )
    more, rows = len(rows) > page.limit, rows[: page.limit]
    read = await shown_all(session, [(row[1], row[2]) for row in rows])
    return MessagePage(
        items=[ListedMessage(**dict(each)) for each in read],
        next_cursor=write_cursor(_IN_ROOM, rows[-1][0]) if more else None,
    )


async def search_messages(
    session: AsyncReadSession, actor: Actor, query: str, filters: Filters, page: PageRequest
) -> MessagePage:
    before = None
    if page.cursor is not None:
        [before] = read_cursor(page.cursor, _BY_PLACE, BigInteger())
    rows = await listing.search_messages(session, actor, query, filters, before, page.limit + 1)
    more, rows = len(rows) > page.limit, rows[: page.limit]
    places = [row[0] for row in rows]
    # within a second the index may have another order than the messages
    found = sorted(((row[1], row[2]) for row in rows), key=lambda row: row[0].id, reverse=True)
    read = await shown_all(session, found)
    items = [
        ListedMessage(**dict(each), snippet=marked(text_of(message), query))
        for each, (message, _) in zip(read, found, strict=True)
    ]
    return MessagePage(
        items=items,
        next_cursor=write_cursor(_BY_PLACE, places[-1]) if more else None,
        indexed_until=await listing.indexed_until(session),
    )


def marked(text: str, query: str) -> str:
    """The snippet as HTML that is safe whatever the text says."""
    safe = escape(snippet(text, query))
    return safe.replace(MARK_START, "<mark>").replace(MARK_END, "</mark>")


async def list_metadata(
    session: AsyncReadSession, actor: Actor, filters: Filters, page: PageRequest
) -> PageOf[MessageMetadata]:
    before = _before_id(page, _METADATA)
    rows = await metadata.list_metadata(session, actor, filters, before, page.limit + 1)
    more, rows = len(rows) > page.limit, rows[: page.limit]
    states = await metadata.count_states(session, [row.id for row in rows])
    items = [MessageMetadata(**row._asdict(), states=dict(states.get(row.id, {}))) for row in rows]
    return PageOf(items=items, next_cursor=write_cursor(_METADATA, items[-1].id) if more else None)


async def reveal(
    session: AsyncWriteSession, actor: Actor, message_id: UUID, reason: str
) -> MessageRead:
    """Shows an admin what others said; that this was done, and why, stays on record."""
    found = await metadata.find_for_reveal(session, actor, message_id)
    if found is None:
        raise MessageNotFound
    activity.record(
        session,
        "message.revealed",
        actor_id=actor.recorded_as,
        target_kind="message",
        target_id=message_id,
        reason=reason,
    )
    [read] = await shown_all(session, [found])
    return read
