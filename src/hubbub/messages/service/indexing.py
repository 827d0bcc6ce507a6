"""The search index of messages, kept behind the sends.

A batch of the writer leaves rows of `unindexed_batch` in its own transaction; they are the truth,
and what is taken is deleted in the transaction that indexes it. A kill at any line loses nothing.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog
from sqlalchemy import String, cast, or_, select

from hubbub.kit.db import search
from hubbub.kit.db.database import Database
from hubbub.kit.db.dialect import db_now, is_retryable_in_driver
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.jobs.loop import Loop
from hubbub.messages.models import Message, UnindexedBatch
from hubbub.messages.queries.listing import SEARCH_KIND
from hubbub.messages.queries.visible import OF_MANY, scope_of
from hubbub.messages.types import THIS_PROCESS, ContentType
from hubbub.messages.writer.draft import Deliveries, Stored
from hubbub.messages.writer.queue import Store
from hubbub.messages.writer.statements import Insert, Query
from hubbub.messages.writer.steps import Ask, Forms, Steps

log = structlog.get_logger()

EVERY = 1.0
GATHERING = 0.25
"""For so long after a commit more may come: many messages at once cost least."""
LEFT_BEHIND = 1.0
"""A process that hasn't indexed its own rows after so long has ended, or needs help."""
_ROWS, _MESSAGES = 60, 200
_MOST_RECENT, _SHORT = 4000, 2000
"""So many texts of at most that length are kept until they are indexed; others are read again."""

# on SQLite nobody else takes any
_TAKE = Query(
    "DELETE FROM unindexed_batch WHERE id IN (SELECT value FROM json_each(?))",
    """
    DELETE FROM unindexed_batch WHERE id IN
        (SELECT id FROM unindexed_batch WHERE id = ANY($1::uuid[]) FOR UPDATE SKIP LOCKED)
    RETURNING id::text
    """,
)
_PUT = Insert(
    (
        "INSERT INTO search_entry (kind, object_id, body, words)",
        "(?, ?, '', ?)",
        "ON CONFLICT (kind, object_id) DO UPDATE SET words = excluded.words",
    ),
    """
    INSERT INTO search_entry (kind, object_id, body, words)
    SELECT k, i, '', w FROM unnest($1::text[], $2::uuid[], $3::text[]) AS new (k, i, w)
    ON CONFLICT (kind, object_id) DO UPDATE SET words = excluded.words
    """,
)

type _Content = tuple[str, str]
"""With its type."""


class _Batch(NamedTuple):
    """What was stored together."""

    id: str
    messages: list[list[str]]


class Indexer:
    """Runs in every process that serves. Each begins with its own rows, so that no two prepare the
    same; whoever takes a row indexes it, and no two take the same."""

    def __init__(self, database: Database, store: Store) -> None:
        self._database = database
        self._store = store
        self._loop = Loop("messages.indexer", self.catch_up, EVERY)
        self._timer: asyncio.TimerHandle | None = None
        self._recent: dict[str, _Content] = {}

    def start(self) -> None:
        self._loop.start()

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._loop.stop()

    def stored(self, batch: Iterable[Deliveries]) -> None:
        """Something was stored just now: what is at hand needn't be read again."""
        for each in batch:
            if len(self._recent) == _MOST_RECENT:
                break
            if isinstance(each, Stored) and len(each.draft.content) <= _SHORT:
                self._recent[each.message_id] = each.draft.content, each.draft.content_type
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHERING, self._gathered)

    def _gathered(self) -> None:
        self._timer = None
        self._loop.ring()

    async def catch_up(self) -> None:
        while await self.index_some():
            pass

    async def index_some(self) -> bool:
        """Indexes some messages, and says whether more are waiting. Those that came meanwhile are
        for the next time: going after each would cost many times as much."""
        async with self._database.read() as session:
            batches = await _waiting(session)
        for few in _short(batches):
            await self._index(few)
        if not batches:
            self._recent.clear()  # what is left was indexed by others
        return len(batches) == _ROWS

    async def _index(self, batches: Sequence[_Batch]) -> None:
        # what takes time is done before the turn at writing is taken; an idle hub takes none
        contents = await self._contents(batches)
        entries = {batch.id: list(_entries(batch, contents)) for batch in batches}
        try:
            await self._run(entries)
        except Exception as error:
            if is_retryable_in_driver(error):
                raise
            log.exception("search.batch_refused")
            await self._store_singly(entries)

    async def _run(self, entries: Mapping[str, Sequence[search.Prepared]]) -> None:
        forms = self._store.forms
        await self._store.run(lambda: _steps(entries, forms))

    async def _store_singly(self, entries: Mapping[str, Sequence[search.Prepared]]) -> None:
        """One that can't be indexed must not keep all that come after it from being found."""
        for entry in (entry for batch in entries.values() for entry in batch):
            try:
                await self._store.run(partial(_put, [entry]))
            except Exception as error:
                if is_retryable_in_driver(error):
                    raise
                log.exception("search.unindexable", message_id=entry.object_id)
        await self._run({batch_id: [] for batch_id in entries})

    async def _contents(self, batches: Sequence[_Batch]) -> dict[str, _Content]:
        ids = [entry[0] for batch in batches for entry in batch.messages]
        found = {each: self._recent.pop(each) for each in ids if each in self._recent}
        missing = [UUID(each) for each in ids if each not in found]
        if missing:
            as_text = cast(Message.id, String)
            statement = select(as_text, Message.content, Message.content_type)
            async with self._database.read() as session:
                rows = await session.execute(statement.where(Message.id.in_(missing)))
            found |= {row[0]: (row[1], row[2]) for row in rows}
        return found


def _steps(entries: Mapping[str, Sequence[search.Prepared]], forms: Forms) -> Steps[None]:
    taken = yield Ask(_TAKE, list(entries), answers=not forms.alone)
    ours = entries if forms.alone else sorted(row[0] for row in taken)
    yield from _put([entry for each in ours for entry in entries[each]])


def _put(entries: Sequence[search.Prepared]) -> Steps[None]:
    if entries:
        yield Ask(_PUT, [(SEARCH_KIND, *entry) for entry in entries], answers=False)


async def _waiting(session: AsyncReadSession) -> Sequence[_Batch]:
    left_behind = UnindexedBatch.created_at < db_now(-LEFT_BEHIND)
    statement = (
        select(UnindexedBatch.id, UnindexedBatch.messages)
        .where(or_(UnindexedBatch.stored_by == THIS_PROCESS, left_behind))
        .order_by(UnindexedBatch.id)
        .limit(_ROWS)
    )
    return [_Batch(str(row[0]), row[1]) for row in await session.execute(statement)]


def _short(batches: Sequence[_Batch]) -> Iterator[Sequence[_Batch]]:
    """What goes into one transaction: at least one row, and not many messages."""
    few: list[_Batch] = []
    messages = 0
    for batch in batches:
        messages += len(batch.messages)
        if few and messages > _MESSAGES:
            yield few
            few, messages = [], len(batch.messages)
        few.append(batch)
    if few:
        yield few


def _entries(batch: _Batch, contents: Mapping[str, _Content]) -> Iterator[search.Prepared]:
    for message_id, *participants in batch.messages:
        found = contents.get(message_id)
        if found is None:
            continue  # deleted meanwhile
        scopes = [scope_of(each) for each in participants] or [OF_MANY]
        yield search.prepared(message_id, plain_text(*found), scopes)


def text_of(message: Message) -> str:
    return plain_text(message.content, message.content_type)


def plain_text(content: str, content_type: str) -> str:
    """What can be read in it: of JSON the names and values, without how they are written."""
    if content_type != ContentType.JSON:
        return content
    return " ".join(_leaves(orjson.loads(content)))


def _leaves(value: object) -> Iterator[str]:
    # without recursion: JSON may be nested deeper than calls can be
    left = [value]
    while left:
        here = left.pop()
        if isinstance(here, dict):
            left += [each for pair in reversed(here.items()) for each in reversed(pair)]
        elif isinstance(here, list):
            left += reversed(here)
        elif here is not None:
            yield str(here)
