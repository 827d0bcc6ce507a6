"""Full-text search behind three functions: put text in, take it out, find it.

PostgreSQL searches through an expression index on the table itself, SQLite through an FTS5 table
that triggers keep in step. A query is words: all must occur, a trailing `*` matches beginnings,
and nothing in it can be an operator, so whatever people type is a valid query.
"""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    Select,
    String,
    UniqueConstraint,
    delete,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base
from hubbub.kit.db.dialect import upsert
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession

FTS_TABLE = "search_entry_fts"
PG_INDEX = "ix_search_entry_words"
MARK_START, MARK_END = "\x02", "\x03"
"""Around what matched, in a snippet; whoever shows it escapes the text first, then marks."""


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


_words = func.to_tsvector(literal_column("'simple'::regconfig"), SearchEntry.body)
Index(PG_INDEX, _words, postgresql_using="gin").ddl_if(dialect="postgresql")

SQLITE_DDL = (
    f"CREATE VIRTUAL TABLE {FTS_TABLE} USING fts5("
    "body, content='search_entry', content_rowid='id', tokenize='unicode61')",
    f"CREATE TRIGGER search_entry_ai AFTER INSERT ON search_entry BEGIN"
    f" INSERT INTO {FTS_TABLE}(rowid, body) VALUES (new.id, new.body); END",
    f"CREATE TRIGGER search_entry_ad AFTER DELETE ON search_entry BEGIN"
    f" INSERT INTO {FTS_TABLE}({FTS_TABLE}, rowid, body) VALUES ('delete', old.id, old.body); END",
    f"CREATE TRIGGER search_entry_au AFTER UPDATE OF body ON search_entry BEGIN"
    f" INSERT INTO {FTS_TABLE}({FTS_TABLE}, rowid, body) VALUES ('delete', old.id, old.body);"
    f" INSERT INTO {FTS_TABLE}(rowid, body) VALUES (new.id, new.body); END",
)


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
    values = {"kind": kind, "object_id": object_id, "body": body}
    await session.execute(
        upsert(session, SearchEntry, values, unique=["kind", "object_id"], change=["body"])
    )


async def remove(session: AsyncWriteSession, kind: str, object_id: UUID) -> None:
    await session.execute(
        delete(SearchEntry).where(SearchEntry.kind == kind, SearchEntry.object_id == object_id)
    )


def matching(dialect: str, kind: str, query: str) -> Select[Any]:
    """A SELECT of `object_id`, `snippet`, best first, to be joined with what the viewer may see."""
    words = re.findall(r"\w+\*?", query)
    if dialect == "postgresql":
        terms = " & ".join(f"'{word.rstrip('*')}'{':*' if word.endswith('*') else ''}" for word in words)
        wanted = func.to_tsquery(literal_column("'simple'::regconfig"), terms)
        marks = f"StartSel={MARK_START},StopSel={MARK_END},MaxWords=24,MinWords=8"
        snippet = func.ts_headline(
            literal_column("'simple'::regconfig"), SearchEntry.body, wanted, marks
        )
        return (
            select(SearchEntry.object_id, snippet.label("snippet"))
            .where(SearchEntry.kind == kind, _words.bool_op("@@")(wanted))
            .order_by(func.ts_rank(_words, wanted).desc(), SearchEntry.id.desc())
        )
    terms = " ".join(f'"{word.rstrip("*")}"{"*" if word.endswith("*") else ""}' for word in words)
    fts = literal_column(FTS_TABLE)
    snippet = func.snippet(fts, 0, MARK_START, MARK_END, "…", 24)
    return (
        select(SearchEntry.object_id, snippet.label("snippet"))
        .select_from(SearchEntry)
        .join(text(FTS_TABLE), literal_column(f"{FTS_TABLE}.rowid") == SearchEntry.id)
        .where(SearchEntry.kind == kind, fts.bool_op("MATCH")(terms or '""'))
        .order_by(func.bm25(fts), SearchEntry.id.desc())
    )


async def find(session: AsyncReadSession, kind: str, query: str, limit: int) -> list[Hit]:
    rows = await session.execute(
        matching(session.get_bind().dialect.name, kind, query).limit(limit)
    )
    return [Hit(object_id=row.object_id, snippet=row.snippet) for row in rows]
