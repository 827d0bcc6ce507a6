"""What the hub keeps for live connections while it runs: one for each process, on `app.state`."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import orjson
import structlog

from hubbub.agents.presence import PresenceBuffer
from hubbub.agents.state import AgentState
from hubbub.auth.service.revocations import CredentialsRevoked
from hubbub.kit.jobs.loop import Loop
from hubbub.kit.jobs.progress import MOVED
from hubbub.kit.resources import Resources
from hubbub.messages.service.changes import TOPIC as CHANGED
from hubbub.messages.state import MessageState
from hubbub.messages.telling import from_elsewhere
from hubbub.notifications.service import Notified
from hubbub.realtime.connections import Connections
from hubbub.realtime.forms import json_of
from hubbub.realtime.notices import Notices
from hubbub.realtime.presence import Presence
from hubbub.realtime.reports import Moves
from hubbub.rooms.service.events import RoomJoined, RoomLeft

log = structlog.get_logger()

_EVERY = 3.0
_HINTS = "realtime.hints"


@dataclass(slots=True)
class RealtimeState:
    resources: Resources
    agents: AgentState
    messages: MessageState
    connections: Connections
    notices: Notices
    moves: Moves
    _process: str
    _publishing: set[asyncio.Task[None]]

    def tell_everywhere(self, subject_id: UUID, kind: str, content: bytes) -> None:
        """Here at once, in other processes over the bus. Not stored: who isn't there misses it."""
        self.connections.tell(subject_id, kind, content)
        if self.resources.settings.redis_url is None:
            return
        text = orjson.dumps([self._process, str(subject_id), kind, content.decode()]).decode()
        task = asyncio.create_task(self.resources.bus.publish(_HINTS, [text]))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    def hear_hint(self, text: str) -> None:
        process, subject_id, kind, content = orjson.loads(text)
        if process != self._process:
            self.connections.tell(UUID(subject_id), kind, content.encode())

    def hear_changes(self, text: str) -> None:
        """Within a commit of somebody else, whom it must not trouble."""
        try:
            self._tell_changes(text)
        except Exception:
            log.exception("realtime.changes_failed")

    def _tell_changes(self, text: str) -> None:
        for each in orjson.loads(text):
            content = json_of({"delivery": each["delivery"]})
            # to other processes it goes by the bus, with all that changes at a time
            self.connections.tell(UUID(each["sender_id"]), "state", content)

    def hear_joined(self, text: str) -> None:
        event = RoomJoined.model_validate_json(text)
        self._announce(event.room_id, event.participant_id, "joined")

    def hear_left(self, text: str) -> None:
        event = RoomLeft.model_validate_json(text)
        self._announce(event.room_id, event.participant_id, "left")
        self.connections.hear_leaving(event.room_id, event.participant_id)

    def hear_left_here(self, text: str) -> None:
        """Before anybody is answered: what is said next isn't for who has left. It is announced
        when the bus tells everybody."""
        event = RoomLeft.model_validate_json(text)
        self.connections.hear_leaving(event.room_id, event.participant_id)

    def _announce(self, room_id: UUID, participant_id: UUID, state: str) -> None:
        # the bus brings the event to every process by itself
        content = {"room_id": room_id, "participant_id": participant_id, "state": state}
        self.connections.tell(room_id, "presence", json_of(content))


@asynccontextmanager
async def open_realtime(
    resources: Resources, agents: AgentState, messages: MessageState
) -> AsyncIterator[RealtimeState]:
    presence = _presence(resources, agents.presence)
    connections = Connections(agents.credentials, presence)
    notices = Notices(resources.database)
    moves = Moves(resources.database)
    state = RealtimeState(
        resources, agents, messages, connections, notices, moves, secrets.token_hex(8), set()
    )
    checking = Loop("realtime.connections", connections.look, _EVERY)
    noticing = Loop("realtime.notices", notices.look, _EVERY)
    moving = Loop("realtime.moves", moves.look, _EVERY)
    resources.metrics.connections.set_function(lambda: len(connections))
    async with AsyncExitStack() as stack:
        for topic, hear in {
            CredentialsRevoked.topic: connections.hear_revocation,
            Notified.topic: notices.hear,
            MOVED: moves.hear,
            RoomJoined.topic: state.hear_joined,
            RoomLeft.topic: state.hear_left,
            _HINTS: state.hear_hint,
            CHANGED: from_elsewhere(state.hear_changes),
        }.items():
            stack.callback(resources.bus.subscribe(topic, hear))
        # by the commit itself, where it is this process's
        resources.database.hear(CredentialsRevoked.topic, connections.hear_revocation)
        resources.database.hear(Notified.topic, notices.hear)
        resources.database.hear(MOVED, moves.hear)
        resources.database.hear(RoomLeft.topic, state.hear_left_here)
        resources.database.hear(CHANGED, state.hear_changes)
        agents.presence.connections = presence
        stack.push_async_callback(connections.stop)
        for part in (presence, checking, noticing, moving):
            part.start()
            stack.push_async_callback(part.stop)
        yield state


def _presence(resources: Resources, buffer: PresenceBuffer) -> Presence:
    if resources.redis is None:
        return Presence(buffer, alone=resources.settings.embedded)
    from hubbub.realtime.redis import SharedPresence

    return SharedPresence(resources.redis, buffer)
