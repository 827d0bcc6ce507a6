"""The search index of messages, kept behind the sends.

A batch of the writer leaves rows of `unindexed_batch` in its own transaction; they are the truth,
and what is taken is deleted in the transaction that indexes it. A kill at any line loses nothing.
"""

import asyncio
from collections.abc import Iterator, Sequence
from uuid import UUID

import orjson
import structlog
from sqlalchemy import String, cast, or_, select

from hubbub.kit.db import search
from hubbub.kit.db.database import Database, DatabaseUnavailable
from hubbub.kit.db.dialect import db_now, take
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.jobs.loop import Loop
from hubbub.messages.models import Message, UnindexedBatch
from hubbub.messages.queries.listing import SEARCH_KIND
from hubbub.messages.queries.visible import OF_MANY, scope_of
from hubbub.messages.types import THIS_PROCESS, ContentType

log = structlog.get_logger()

EVERY = 1.0
GATHERING = 0.25
"""For so long after a commit more may come: many messages at once cost least."""
LEFT_BEHIND = 1.0
"""A process that hasn't indexed its own rows after so long has ended, or needs help."""
_ROWS, _MESSAGES = 40, 100


class Indexer:
    """Runs in every process that serves. Each begins with its own rows, so that no two prepare the
    same; whoever takes a row indexes it, and no two take the same."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = Loop("messages.indexer", self.catch_up, EVERY)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._loop.start()

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._loop.stop()

    def ring(self) -> None:
        """Something was stored just now."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHERING, self._gathered)

    def _gathered(self) -> None:
        self._timer = None
        self._loop.ring()

    async def catch_up(self) -> None:
        while await self.index_some():
            pass

    async def index_some(self) -> bool:
        """Indexes some messages, and says whether there were any."""
        async with self._database.read() as session:
            batches = await _waiting(session)
        for few in _short(batches):
            await self._index(few)
        return bool(batches)

    async def _index(self, batches: Sequence[UnindexedBatch]) -> None:
        # what takes time is done before the turn at writing is taken; an idle hub takes none
        async with self._database.read() as session:
            contents = await _contents(session, batches)
        entries = {batch.id: list(_entries(batch, contents)) for batch in batches}
        try:
            await self._store(entries)
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("search.batch_refused")
            await self._store_singly(entries)

    async def _store(self, entries: dict[UUID, list[search.Prepared]]) -> None:
        async with self._database.write() as session:
            taken = await take(
                session,
                UnindexedBatch,
                where=[UnindexedBatch.id.in_(entries)],
                order_by=[UnindexedBatch.id],
                limit=len(entries),
            )
            ours = sorted(batch.id for batch in taken)
            await search.put_many(
                session, SEARCH_KIND, [entry for each in ours for entry in entries[each]]
            )

    async def _store_singly(self, entries: dict[UUID, list[search.Prepared]]) -> None:
        """One that can't be indexed must not keep all that come after it from being found."""
        for entry in (entry for batch in entries.values() for entry in batch):
            try:
                async with self._database.write() as session:
                    await search.put_many(session, SEARCH_KIND, [entry])
            except DatabaseUnavailable:
                raise
            except Exception:
                log.exception("search.unindexable", message_id=entry.object_id)
        await self._store({batch_id: [] for batch_id in entries})


async def _waiting(session: AsyncReadSession) -> Sequence[UnindexedBatch]:
    left_behind = UnindexedBatch.created_at < db_now(-LEFT_BEHIND)
    statement = (
        select(UnindexedBatch)
        .where(or_(UnindexedBatch.stored_by == THIS_PROCESS, left_behind))
        .order_by(UnindexedBatch.id)
        .limit(_ROWS)
    )
    return (await session.scalars(statement)).all()


def _short(batches: Sequence[UnindexedBatch]) -> Iterator[Sequence[UnindexedBatch]]:
    """What goes into one transaction: at least one row, and not many messages."""
    few: list[UnindexedBatch] = []
    for batch in batches:
        if few and sum(len(each.messages) for each in [*few, batch]) > _MESSAGES:
            yield few
            few = []
        few.append(batch)
    if few:
        yield few


async def _contents(
    session: AsyncReadSession, batches: Sequence[UnindexedBatch]
) -> dict[str, tuple[str, ContentType]]:
    ids = [UUID(entry[0]) for batch in batches for entry in batch.messages]
    if not ids:
        return {}
    as_text = cast(Message.id, String)
    statement = select(as_text, Message.content, Message.content_type).where(Message.id.in_(ids))
    return {row[0]: (row[1], row[2]) for row in await session.execute(statement)}


def _entries(
    batch: UnindexedBatch, contents: dict[str, tuple[str, ContentType]]
) -> Iterator[search.Prepared]:
    for message_id, *participants in batch.messages:
        found = contents.get(message_id)
        if found is None:
            continue  # deleted meanwhile
        scopes = [scope_of(each) for each in participants] or [OF_MANY]
        yield search.prepared(message_id, plain_text(*found), scopes)


def text_of(message: Message) -> str:
    return plain_text(message.content, message.content_type)


def plain_text(content: str, content_type: ContentType) -> str:
    """What can be read in it: of JSON the names and values, without how they are written."""
    if content_type is not ContentType.JSON:
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
