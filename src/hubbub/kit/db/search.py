"""Full-text search behind a few functions: put text in, take it out, find it.

PostgreSQL searches through an expression index on the table itself, SQLite through an FTS5 table
that triggers keep in step. What is searched is not the text but its words, taken out of it here:
lower case, without accents, split at whatever is no letter or digit. The two databases would each
do that differently. A query is words too: all must occur, a trailing `*` matches beginnings, and
nothing in it can be an operator, so whatever people type is a valid query.

What is private to few is put in with *scopes*, words that nobody types. Whoever looks names their
own: then the rarer of scope and word decides what a search costs. Scopes narrow, they never permit:
what is found is still to be joined with what the viewer may see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    ColumnElement,
    Integer,
    Select,
    String,
    UniqueConstraint,
    column,
    delete,
    false,
    func,
    literal_column,
    select,
    table,
)
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base
from hubbub.kit.db.dialect import upsert
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.db.words import Term, joined_words, snippet, terms

FTS_TABLE = "search_entry_fts"
PG_INDEX = "ix_search_entry_words"
MAX_WORDS_BYTES = 400_000


class SearchEntry(Base):
    """The text of one thing of some kind, as it is searched."""

    __tablename__ = "search_entry"
    __table_args__ = (UniqueConstraint("kind", "object_id"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    kind: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[UUID]
    body: Mapped[str]
    words: Mapped[str]


# the expression of the index PG_INDEX, to the letter: any other isn't served by it
_vector = func.to_tsvector(literal_column("'simple'::regconfig"), SearchEntry.words)


def is_search_object(kind: str, name: str | None) -> bool:
    """What Alembic must not compare: it can't describe these, the migration writes them as SQL."""
    return name is not None and (
        (kind == "table" and name.startswith(FTS_TABLE)) or (kind == "index" and name == PG_INDEX)
    )


@dataclass(frozen=True, slots=True)
class Hit:
    object_id: UUID
    snippet: str


class Prepared(NamedTuple):
    """What is put in many at once. Made before the transaction: it takes most of the time."""

    object_id: str
    words: str


def prepared(object_id: str, body: str, scopes: Sequence[str] = ()) -> Prepared:
    return Prepared(object_id, _searched(" ".join((*scopes, joined_words(body)))))


def _searched(words: str) -> str:
    """PostgreSQL refuses to index more than 1 MB."""
    if len(words) <= MAX_WORDS_BYTES // 4:
        return words
    return words.encode()[:MAX_WORDS_BYTES].decode(errors="ignore")


async def put(session: AsyncWriteSession, kind: str, object_id: UUID, body: str) -> None:
    values = {
        "kind": kind,
        "object_id": object_id,
        "body": body.replace("\x00", ""),
        "words": _searched(joined_words(body)),
    }
    await session.execute(
        upsert(session, SearchEntry, values, unique=["kind", "object_id"], change=["body", "words"])
    )


async def remove(session: AsyncWriteSession, kind: str, object_id: UUID) -> None:
    await session.execute(
        delete(SearchEntry).where(SearchEntry.kind == kind, SearchEntry.object_id == object_id)
    )


async def remove_many(session: AsyncWriteSession, kind: str, object_ids: Sequence[UUID]) -> None:
    await session.execute(
        delete(SearchEntry).where(SearchEntry.kind == kind, SearchEntry.object_id.in_(object_ids))
    )


def matching(dialect: str, kind: str, query: str) -> Select[UUID, str]:
    """A SELECT of `object_id` and `body`, best first, to be joined with what the viewer may see."""
    found = select(SearchEntry.object_id, SearchEntry.body).where(SearchEntry.kind == kind)
    wanted = terms(query)
    if not wanted:
        return found.where(false())
    if dialect == "postgresql":
        tsquery = _tsquery(wanted)
        return found.where(_vector.bool_op("@@")(tsquery)).order_by(
            func.ts_rank(_vector, tsquery).desc(), SearchEntry.id.desc()
        )
    return (
        found.join(_fts_table, _rowid == SearchEntry.id)
        .where(_fts.bool_op("MATCH")(_match(wanted)))
        .order_by(func.bm25(_fts), SearchEntry.id.desc())
    )


def newest(
    dialect: str, kind: str, query: str, scopes: Sequence[str], before: int | None
) -> Select[int, UUID]:
    """A SELECT of `id` and `object_id`, what was put in last first, as it was put in `before`: to
    be joined with what the viewer may see, and limited."""
    wanted = terms(query)
    if dialect == "postgresql":
        # an expression: in the order of the key, PostgreSQL might test each row there is
        place: ColumnElement[int] = SearchEntry.id + literal_column("0")
        condition = _vector.bool_op("@@")(_tsquery(wanted, scopes))
        found = select(SearchEntry.id, SearchEntry.object_id)
    else:
        place, condition = _rowid, _fts.bool_op("MATCH")(_match(wanted, scopes))
        found = select(SearchEntry.id, SearchEntry.object_id).join(
            _fts_table, _rowid == SearchEntry.id
        )
    found = found.where(condition, SearchEntry.kind == kind) if wanted else found.where(false())
    if before is not None:
        found = found.where(place < before)
    return found.order_by(place.desc())


_fts_table = table(FTS_TABLE, column("rowid", Integer))
_rowid = _fts_table.c.rowid
_fts: ColumnClause[Any] = literal_column(FTS_TABLE)  # the table's name is a column of it too


def _tsquery(wanted: Sequence[Term], scopes: Sequence[str] = ()) -> Any:  # noqa: ANN401
    written = [f"'{term.word}'{':*' if term.prefix else ''}" for term in wanted]
    if scopes:
        written.append(f"({' | '.join(scopes)})")
    return func.to_tsquery(literal_column("'simple'::regconfig"), " & ".join(written))


def _match(wanted: Sequence[Term], scopes: Sequence[str] = ()) -> str:
    written = [f'"{term.word}"{"*" if term.prefix else ""}' for term in wanted]
    if scopes:
        written.append(f"({' OR '.join(scopes)})")
    return " AND ".join(written)


async def find(session: AsyncReadSession, kind: str, query: str, limit: int) -> list[Hit]:
    statement = matching(session.get_bind().dialect.name, kind, query).limit(limit)
    rows = await session.execute(statement)
    return [Hit(row.object_id, snippet(row.body, query)) for row in rows]
