"""Full-text search behind three functions: put text in, take it out, find it.

PostgreSQL searches through an expression index on the table itself, SQLite through an FTS5 table
that triggers keep in step. What is searched is not the text but its words, taken out of it here:
lower case, without accents, split at whatever is no letter or digit. The two databases would each
do that differently. A query is words too: all must occur, a trailing `*` matches beginnings, and
nothing in it can be an operator, so whatever people type is a valid query.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnClause,
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
from hubbub.kit.db.words import snippet, terms, words_in

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


async def put(session: AsyncWriteSession, kind: str, object_id: UUID, body: str) -> None:
    # PostgreSQL refuses to index more than 1 MB, and has no NUL
    words = " ".join(words_in(body)).encode()[:MAX_WORDS_BYTES].decode(errors="ignore")
    values = {
        "kind": kind,
        "object_id": object_id,
        "body": body.replace("\x00", ""),
        "words": words,
    }
    await session.execute(
        upsert(session, SearchEntry, values, unique=["kind", "object_id"], change=["body", "words"])
    )


async def remove(session: AsyncWriteSession, kind: str, object_id: UUID) -> None:
    await session.execute(
        delete(SearchEntry).where(SearchEntry.kind == kind, SearchEntry.object_id == object_id)
    )


def matching(dialect: str, kind: str, query: str) -> Select[UUID, str]:
    """A SELECT of `object_id` and `body`, best first, to be joined with what the viewer may see."""
    found = select(SearchEntry.object_id, SearchEntry.body).where(SearchEntry.kind == kind)
    wanted = terms(query)
    if not wanted:
        return found.where(false())
    if dialect == "postgresql":
        written = " & ".join(f"'{term.word}'{':*' if term.prefix else ''}" for term in wanted)
        tsquery = func.to_tsquery(literal_column("'simple'::regconfig"), written)
        return found.where(_vector.bool_op("@@")(tsquery)).order_by(
            func.ts_rank(_vector, tsquery).desc(), SearchEntry.id.desc()
        )
    written = " ".join(f'"{term.word}"{"*" if term.prefix else ""}' for term in wanted)
    fts: ColumnClause[Any] = literal_column(FTS_TABLE)  # the table's name is a column of it too
    rowid: ColumnClause[int] = column("rowid")
    return (
        found.join(table(FTS_TABLE, rowid), rowid == SearchEntry.id)
        .where(fts.bool_op("MATCH")(written))
        .order_by(func.bm25(fts), SearchEntry.id.desc())
    )


async def find(session: AsyncReadSession, kind: str, query: str, limit: int) -> list[Hit]:
    statement = matching(session.get_bind().dialect.name, kind, query).limit(limit)
    rows = await session.execute(statement)
    return [Hit(row.object_id, snippet(row.body, query)) for row in rows]
