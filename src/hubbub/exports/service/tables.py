from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from hubbub.agents.types import Actor
from hubbub.exports import queries
from hubbub.exports.forms import Packer, Rows, writer_of
from hubbub.exports.types import Compress, Format
from hubbub.kit.db.plain import Sheet
from hubbub.kit.db.snapshots import Pace, Snapshot, open_snapshot
from hubbub.kit.db.spans import Span
from hubbub.settings import Settings
from hubbub.users.errors import AdminsOnly
from hubbub.users.types import Role, Viewer


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    sheet: Callable[[Actor | None, Span], Sheet]
    whose: str
    """What of it one gets."""
    admins_only: bool = False

    def for_(self, actor: Actor, span: Span, *, mine: bool) -> Sheet:
        if self.admins_only and not actor.is_admin:
            msg = "It needs the role admin and, with an API key, the scope admin."
            raise AdminsOnly(msg)
        if mine and not self.admins_only:
            actor = replace(actor, viewer=Viewer(actor.viewer.user_id, Role.MEMBER))
        return self.sheet(actor, span)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("users", queries.users, "All users, for admins.", admins_only=True),
        Kind("agents", queries.agents, "Admins get all participants, others their own."),
        Kind("rooms", queries.rooms, "Those that you see. Admins see that all are there."),
        Kind(
            "messages",
            queries.messages,
            "Those that you see, with what they say. Admins get everybody's, without `content` and"
            " `metadata`: what others say to each other isn't exported.",
        ),
        Kind(
            "deliveries",
            queries.deliveries,
            "Admins get all, others those that they or their agents sent or got.",
        ),
        Kind("items", queries.items, "Those that you see, also as an admin."),
        Kind("posts", queries.posts, "Those that you see, also as an admin."),
        Kind(
            "activity",
            queries.activity,
            "Admins get all that was written down, others what they and their agents did.",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Table:
    """One that is being written, from one snapshot."""

    snapshot: Snapshot
    sheet: Sheet
    written: Format
    compress: Compress

    async def content(self, seen: Callable[[int], None] = lambda _: None) -> AsyncGenerator[bytes]:
        """`seen` is told how many rows each piece has."""
        writer = writer_of(self.written, self.sheet.forms)
        packer = Packer(gzip=self.compress is Compress.GZIP)

        def make(rows: Rows) -> tuple[int, bytes]:
            content = writer.batch(rows)
            pace.weighed(len(rows), len(content))
            return len(rows), packer.pack(content)

        pace = Pace()

        head = packer.pack(writer.head())
        async with aclosing(self.snapshot.batches(self.sheet.statement, make, pace)) as batches:
            if head:
                yield head
            async for count, content in batches:
                seen(count)
                if content:
                    yield content
        if end := packer.end():
            yield end

    async def close(self) -> None:
        await self.snapshot.close()


async def begin(
    settings: Settings,
    sheet: Sheet,
    written: Format,
    compress: Compress,
) -> Table:
    """Whoever begins it closes it."""
    opened = await open_snapshot(settings.database_dsn, settings.database)
    return Table(opened, sheet, written, compress)
