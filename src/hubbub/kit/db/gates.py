"""A gate: many go through it together, or one alone while nobody else does. On SQLite writers take
turns anyway."""

from zlib import crc32

from sqlalchemy import func, select

from hubbub.kit.db.dialect import dialect_of
from hubbub.kit.db.sessions import AsyncWriteSession


async def go_alone(session: AsyncWriteSession, gate: str) -> None:
    """Waits until all who went through it have ended their transactions; to be asked for before
    any row is locked."""
    if dialect_of(session) == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock(crc32(gate.encode()))))


async def go_together(session: AsyncWriteSession, gate: str) -> None:
    """Waits only for who goes alone."""
    if dialect_of(session) == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock_shared(crc32(gate.encode()))))
