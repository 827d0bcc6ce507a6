"""Everybody who is connected to this process, and whether they still may be."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import batched
from uuid import UUID

import orjson
import structlog

from hubbub.agents.credentials import Credentials, actor_of, ended
from hubbub.agents.types import Actor
from hubbub.auth.errors import InvalidToken
from hubbub.kit.errors import AppError
from hubbub.realtime.errors import close_code
from hubbub.realtime.follower import Follower
from hubbub.realtime.outlets import Outlet
from hubbub.realtime.presence import Presence
from hubbub.realtime.queries import Readers
from hubbub.realtime.streams import Stream

log = structlog.get_logger()

type _Key = tuple[UUID, UUID]

_ASKED = 500
"""Rights that one statement asks about."""


@dataclass(eq=False, slots=True)
class Connection:
    """One socket or event stream."""

    subject_id: UUID
    """The agent, room or user that it is about."""
    actor: Actor
    credential: str
    outlet: Outlet
    stream: Stream | None = None
    follower: Follower | None = None
    """Who brings the stream."""

    def tell(self, kind: str, content: bytes) -> None:
        self.outlet.put(self.outlet.form.event(kind, content))

    def refuse(self, error: AppError) -> None:
        self.outlet.close(*close_code(error))


class Connections:
    def __init__(self, credentials: Credentials, presence: Presence) -> None:
        self._credentials = credentials
        self._presence = presence
        self._all: set[Connection] = set()
        self._about: defaultdict[UUID, set[Connection]] = defaultdict(set)
        self._checks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._all)

    @property
    def revocations(self) -> int:
        """How many were heard of so far; read before a connection's rights are looked at."""
        return self._credentials.revocations

    def add(self, connection: Connection, since: int) -> None:
        self._all.add(connection)
        if since != self.revocations:
            self._soon_check([connection])
        self._about[connection.subject_id].add(connection)
        self._presence.connected(connection.actor.participant_id)

    def remove(self, connection: Connection) -> None:
        if connection not in self._all:
            return
        self._all.discard(connection)
        about = self._about[connection.subject_id]
        about.discard(connection)
        if not about:
            del self._about[connection.subject_id]
        self._presence.disconnected(connection.actor.participant_id)

    def about(self, subject_id: UUID) -> Iterable[Connection]:
        return tuple(self._about.get(subject_id, ()))

    def tell(self, subject_id: UUID, kind: str, content: bytes) -> None:
        events: dict[str, bytes] = {}
        for each in self.about(subject_id):
            form = each.outlet.form
            event = events.get(form.name)
            if event is None:
                event = events[form.name] = form.event(kind, content)
            each.outlet.put(event)

    def hear_revocation(self, message: str) -> None:
        subject = UUID(orjson.loads(message)["subject_id"])
        self._soon_check(
            each
            for each in self._all
            if subject in {each.actor.participant_id, each.actor.owner_id, each.subject_id}
            or subject == each.actor.viewer.user_id
        )

    def hear_leaving(self, room_id: UUID, participant_id: UUID) -> None:
        """Who was in the room through this participant may be in it no more."""
        for each in self.about(room_id):
            is_meant = each.actor.is_user or each.actor.participant_id == participant_id
            if is_meant and each.follower is not None:
                each.follower.doubt()

    def _soon_check(self, connections: Iterable[Connection]) -> None:
        found = list(connections)
        if found:
            task = asyncio.create_task(self._check_each(found))
            self._checks.add(task)
            task.add_done_callback(self._checks.discard)

    async def _check_each(self, connections: Iterable[Connection]) -> None:
        for each in connections:
            if each not in self._all:
                continue
            try:
                if await actor_of(self._credentials, each.credential) is None:
                    each.refuse(InvalidToken())
                elif each.stream is not None:
                    await each.stream.check()
            except AppError as error:
                if error.status != 503:  # the round below looks again
                    each.refuse(error)
            except Exception:
                log.exception("connections.check_failed")

    async def look(self) -> None:
        """Ends what nobody has announced: a key that has expired, or a message that got lost."""
        if not self._all:
            return
        gone = await ended(self._credentials, {each.credential for each in self._all})
        if gone:
            for each in tuple(self._all):
                if each.credential in gone:
                    each.refuse(InvalidToken())
        await self._check_each(await self._doubtful())

    async def _doubtful(self) -> list[Connection]:
        """Those who may read no more, by a look at all of them together."""
        following: defaultdict[Readers, dict[_Key, list[Connection]]] = defaultdict(dict)
        for each in self._all:
            if each.stream is not None:
                key = each.actor.participant_id, each.subject_id
                following[each.stream.readers].setdefault(key, []).append(each)
        found: list[Connection] = []
        for readers, connections in following.items():
            for keys in batched(tuple(connections), _ASKED):
                asked = [(connections[key][0].actor, key[1]) for key in keys]
                async with self._credentials.resources.database.read() as session:
                    may = await readers(session, asked)
                found += [each for key in keys if key not in may for each in connections[key]]
        return found

    async def stop(self) -> None:
        for task in self._checks:
            task.cancel()
        await asyncio.gather(*self._checks, return_exceptions=True)
