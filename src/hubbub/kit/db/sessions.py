"""The two session types.

A finder takes an `AsyncReadSession` and so accepts both; a mutator takes an `AsyncWriteSession`
and so refuses to be given a read session: the type checker holds the line, and the database too
(`query_only` on SQLite, `READ ONLY` on PostgreSQL).
"""

from sqlalchemy.ext.asyncio import AsyncSession


class AsyncReadSession(AsyncSession):
    """Sees one snapshot and changes nothing."""


class AsyncWriteSession(AsyncReadSession):
    """Committed by the boundary that opened it, and by nobody else.

    On SQLite it waits for its turn at its first statement, not before: a request that is still
    being validated keeps nobody waiting.
    """

    def signal(self, name: str) -> None:
        """Rings the listeners of `name` once this session has committed."""
        self.info.setdefault("signals", set()).add(name)

    def tell(self, topic: str, message: str) -> None:
        """Passes `message` to those of this process who hear `topic`, once this has committed."""
        self.info.setdefault("told", []).append((topic, message))

    @property
    def told(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = self.info.get("told", [])
        return found

    @property
    def signals(self) -> set[str]:
        found: set[str] = self.info.get("signals", set())
        return found
