"""The streams that one can follow, read from the tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from hubbub.agents.types import Actor
from hubbub.kit.db.database import Database
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.messages import queries as messages
from hubbub.messages.errors import CursorReset, NotYourParticipant
from hubbub.messages.models import Message
from hubbub.messages.schemas import InboxMessage
from hubbub.messages.service import inbox
from hubbub.messages.types import TOMBSTONES
from hubbub.realtime import queries
from hubbub.realtime.errors import NoSuchStream, NotAMemberHere
from hubbub.realtime.forms import Entry
from hubbub.rooms.queries import find_room

PAGE = 100


class Page(NamedTuple):
    after: int
    """Where it begins."""
    last_seq: int
    entries: Sequence[Entry]


class Stream(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def epoch(self) -> str: ...

    @property
    def is_shared(self) -> bool:
        """Whether an entry looks the same to all its readers."""
        ...

    async def page(self, cursor: str | None) -> Page:
        """What comes after the cursor. Raises `CursorReset`, and what the reader's rights ask for:
        they may have changed since the page before."""
        ...

    async def check(self) -> None:
        """Raises if the reader may read no more."""
        ...


@dataclass(frozen=True, slots=True)
class Inbox:
    database: Database
    epoch: str
    actor: Actor
    agent_id: UUID
    is_shared: bool = False

    @property
    def id(self) -> str:
        return str(self.agent_id)

    async def page(self, cursor: str | None) -> Page:
        async with self.database.read() as session:
            await self._check(session)
            counter, after = await inbox.position(session, self.epoch, self.agent_id, cursor)
            last_seq = counter.last_seq
            rows = await messages.read_inbox(session, self.agent_id, after, PAGE, None)
        entries = [
            Entry(
                delivery.seq,
                delivery.state.value,
                None if delivery.state in TOMBSTONES else _json(message, handle),
            )
            for delivery, message, handle in rows
        ]
        return Page(after, last_seq, entries)

    async def check(self) -> None:
        async with self.database.read() as session:
            await self._check(session)

    async def _check(self, session: AsyncReadSession) -> None:
        if self.agent_id != self.actor.participant_id and not await messages.owns(
            session, self.actor, self.agent_id
        ):
            raise NotYourParticipant


@dataclass(frozen=True, slots=True)
class Room:
    database: Database
    epoch: str
    actor: Actor
    room_id: UUID
    is_shared: bool = True

    @property
    def id(self) -> str:
        return str(self.room_id)

    async def page(self, cursor: str | None) -> Page:
        async with self.database.read() as session:
            first = await self._first_readable(session)
            try:
                counter, after = await inbox.position(session, self.epoch, self.room_id, cursor)
            except CursorReset as error:
                raise _reset(error.extra["reset"], first) from None
            if after < first - 1:
                if cursor is not None:
                    about = {"epoch": self.epoch, "last_seq": counter.last_seq}
                    raise _reset(about | {"reason": "before_the_first"}, first)
                after = first - 1
            last_seq = counter.last_seq
            rows = await queries.read_room(session, self.room_id, after, PAGE)
        entries = [
            Entry(seq, None, None if message.withdrawn_at else _json(message, handle))
            for seq, message, handle in rows
        ]
        return Page(after, last_seq, entries)

    async def check(self) -> None:
        async with self.database.read() as session:
            await self._first_readable(session)

    async def _first_readable(self, session: AsyncReadSession) -> int:
        first = await queries.first_readable(session, self.actor, self.room_id)
        if first is not None:
            return first
        if await find_room(session, self.actor, self.room_id) is None:
            raise NoSuchStream
        raise NotAMemberHere


def _reset(about: Any, first: int) -> CursorReset:  # noqa: ANN401 - as an error carries it
    return CursorReset(reset=about | {"first_seq": max(first, about.get("first_seq", 1))})


def _json(message: Message, from_name: str) -> bytes:
    shown = InboxMessage(
        id=message.id,
        from_agent_id=message.sender_id,
        from_name=from_name,
        thread_id=message.thread_id,
        room_id=message.room_id,
        priority=message.priority,
        created_at=message.created_at,
        content_type=message.content_type,
        size=len(message.content.encode()),
        content=message.content,
        reply_to=message.reply_to,
        metadata=message.meta,
        expires_at=message.expires_at,
        ack_by=message.ack_by,
    )
    return shown.model_dump_json().encode()
