"""The streams that one can follow, read from the tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from hubbub.agents.types import Actor
from hubbub.kit.db.database import Database
from hubbub.messages import queries as messages
from hubbub.messages.models import Message
from hubbub.messages.queries.rooms import read_room
from hubbub.messages.service import history, inbox
from hubbub.messages.types import TOMBSTONES
from hubbub.realtime.forms import Entry
from hubbub.realtime.queries import Readers, readers_of_inboxes, readers_of_rooms

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

    @property
    def readers(self) -> Readers:
        """Tells of many at once who may still read."""
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

    @property
    def readers(self) -> Readers:
        return readers_of_inboxes

    async def page(self, cursor: str | None) -> Page:
        async with self.database.read() as session:
            await inbox.check_reader(session, self.actor, self.agent_id)
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
            await inbox.check_reader(session, self.actor, self.agent_id)


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

    @property
    def readers(self) -> Readers:
        return readers_of_rooms

    async def page(self, cursor: str | None) -> Page:
        async with self.database.read() as session:
            seen = await history.numbers(session, self.actor, self.room_id)
            after = inbox.place_of(seen, self.epoch, cursor)
            rows = await read_room(session, self.room_id, after=after, limit=PAGE)
        entries = [
            Entry(seq, None, _json(message, handle) if is_there else None)
            for seq, message, handle, is_there in rows
        ]
        return Page(after, seen.last_seq, entries)

    async def check(self) -> None:
        async with self.database.read() as session:
            await history.numbers(session, self.actor, self.room_id)


def _json(message: Message, from_name: str) -> bytes:
    return inbox.shown_message(message, from_name).model_dump_json().encode()
