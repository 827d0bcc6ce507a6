"""Reading what was said in a room, by cursor like an inbox."""

from collections.abc import Sequence
from uuid import UUID

from hubbub.agents.types import Actor
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages import queries
from hubbub.messages.errors import NotInRoom
from hubbub.messages.queries import rooms as finders
from hubbub.messages.queries.rooms import Said
from hubbub.messages.schemas import RoomEntry, RoomPage
from hubbub.messages.service.inbox import place_of, shown_message
from hubbub.rooms.service.rights import get_room

END = "end"


async def numbers(session: AsyncReadSession, actor: Actor, room_id: UUID) -> Counter:
    """The numbers of the room as far as this one may read it."""
    await get_room(session, actor, room_id)
    first = await finders.first_readable(session, actor, room_id)
    if first is None:
        raise NotInRoom
    kept = await queries.counter_of(session, room_id)
    return Counter(id=room_id, last_seq=kept.last_seq, first_seq=max(kept.first_seq, first), open=0)


async def read_page(
    session: AsyncReadSession,
    actor: Actor,
    epoch: str,
    room_id: UUID,
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int,
) -> RoomPage:
    """The first ones after a cursor; with `before`, the last ones before another, or before the
    end."""
    seen = await numbers(session, actor, room_id)
    begin = place_of(seen, epoch, after)
    if before is None:
        rows = await finders.read_room(session, room_id, after=begin, limit=limit)
    else:
        end = seen.last_seq + 1 if before == END else place_of(seen, epoch, before)
        rows = await finders.read_room_back(session, room_id, after=begin, before=end, limit=limit)
    first, last = (rows[0].seq, rows[-1].seq) if rows else (begin + 1, begin)
    return RoomPage(
        epoch=epoch,
        first_seq=seen.first_seq,
        last_seq=seen.last_seq,
        items=_entries(rows),
        next_cursor=f"{epoch}:{last}",
        previous_cursor=f"{epoch}:{first}" if first > seen.first_seq else None,
    )


def _entries(rows: Sequence[Said]) -> list[RoomEntry]:
    return [
        RoomEntry(seq=seq, message=shown_message(message, name) if is_there else None)
        for seq, message, name, is_there in rows
    ]
