"""What the three kinds of sockets are about, and which frames they take."""

from collections.abc import Mapping
from typing import ClassVar

import orjson
from pydantic import TypeAdapter, ValidationError

from hubbub.auth.errors import ScopeMissing
from hubbub.auth.types import Scope as Right
from hubbub.messages.schemas import Cursor, MessageSend
from hubbub.messages.service import inbox as inboxes
from hubbub.notifications.queries import count_unread
from hubbub.notifications.service import reading as notifications
from hubbub.realtime.connections import Connection
from hubbub.realtime.conversation import Answer, Frame
from hubbub.realtime.errors import BadCursor
from hubbub.realtime.follower import Follower
from hubbub.realtime.forms import json_of
from hubbub.realtime.notices import NoticeReader
from hubbub.realtime.schemas import MarkFrame, PongFrame, ReadFrame, SendId, TypingFrame
from hubbub.realtime.state import RealtimeState
from hubbub.realtime.streams import Stream
from hubbub.rooms.queries import find_room

_CURSOR: TypeAdapter[str] = TypeAdapter(Cursor)


def checked_cursor(text: str | None) -> str | None:
    try:
        return None if text is None else _CURSOR.validate_python(text)
    except ValidationError as error:
        raise BadCursor from error


class StreamSocket:
    """Follows a stream, and takes messages."""

    __slots__ = ("_follower", "_state", "_stream", "connection")

    def __init__(self, state: RealtimeState, connection: Connection, stream: Stream) -> None:
        self.connection = connection
        self._state = state
        self._stream = stream
        self._follower = Follower(state.messages.watch, stream, connection.outlet)
        connection.follower = self._follower

    async def begin(self, cursor: str | None) -> None:
        await self._follower.start(checked_cursor(cursor), self._greet)

    def end(self) -> None:
        self._follower.stop()

    def _greet(self, seq: int, last_seq: int) -> None:
        epoch = self._stream.epoch
        hello = {"cursor": f"{epoch}:{seq}", "epoch": epoch, "last_seq": last_seq}
        self.connection.tell("hello", json_of(hello))

    async def _send(self, frame: Frame) -> None:
        said = {name: value for name, value in frame.items() if name not in {"type", "id"}}
        completed = await self._completed(said)
        await send(self._state, self.connection, frame.get("id"), completed)

    async def _completed(self, said: Frame) -> Frame:
        return said

    async def _pong(self, frame: Frame) -> None:
        PongFrame.model_validate(frame)

    frames: ClassVar[Mapping[str, Answer]] = {"send": _send, "pong": _pong}


class InboxSocket(StreamSocket):
    __slots__ = ()

    async def _completed(self, said: Frame) -> Frame:
        """Whose socket it is speaks, also when the owner has opened it."""
        if self.connection.subject_id == self.connection.actor.participant_id:
            return said
        return {"from_agent_id": str(self.connection.subject_id)} | said

    async def _mark(self, frame: Frame) -> None:
        may_write(self.connection)
        mark = MarkFrame.model_validate(frame)
        act = inboxes.ack if mark.type == "ack" else inboxes.mark_read
        inbox_id = self.connection.subject_id
        async with self._state.resources.database.write() as session:
            marked = await act(session, inbox_id, mark)
        self.connection.tell("ack", json_of({"id": mark.id, "marked": marked}))

    frames: ClassVar[Mapping[str, Answer]] = {**StreamSocket.frames, "ack": _mark, "read": _mark}


class RoomSocket(StreamSocket):
    __slots__ = ()

    async def _completed(self, said: Frame) -> Frame:
        """What names nobody is said in the room."""
        if "to" in said or "to_agent_id" in said:
            return said
        connection = self.connection
        async with self._state.resources.database.read() as session:
            room = await find_room(session, connection.actor, connection.subject_id)
        return said | {"to": [f"room:{room.name}"]} if room is not None else said

    async def _typing(self, frame: Frame) -> None:
        TypingFrame.model_validate(frame)
        actor, room_id = self.connection.actor, self.connection.subject_id
        if self._state.resources.counters.hit(f"typing:{actor.participant_id}:{room_id}", 1) > 1:
            return
        who = {"room_id": room_id, "participant_id": actor.participant_id, "state": "typing"}
        self._state.tell_everywhere(room_id, "presence", json_of(who))

    frames: ClassVar[Mapping[str, Answer]] = {**StreamSocket.frames, "typing": _typing}


class PrivateSocket:
    """A person's notifications, and what the person asks for."""

    def __init__(self, state: RealtimeState, connection: Connection) -> None:
        self.connection = connection
        self._state = state
        viewer = connection.actor.viewer
        self._reader = NoticeReader(state.notices, viewer, connection.outlet, None)

    async def begin(self, cursor: str | None) -> None:
        del cursor
        self.connection.tell("hello", b"{}")
        self._reader.start()

    def end(self) -> None:
        self._reader.stop()

    async def _send(self, frame: Frame) -> None:
        said = {name: value for name, value in frame.items() if name not in {"type", "id"}}
        await send(self._state, self.connection, frame.get("id"), said)

    async def _read(self, frame: Frame) -> None:
        may_write(self.connection)
        mark = ReadFrame.model_validate(frame)
        viewer = self.connection.actor.viewer
        async with self._state.resources.database.write() as session:
            await notifications.mark_read(session, viewer, mark)
            unread = await count_unread(session, viewer)
        self.connection.tell("ack", json_of({"id": mark.id, "unread": unread}))

    async def _pong(self, frame: Frame) -> None:
        PongFrame.model_validate(frame)

    frames: ClassVar[Mapping[str, Answer]] = {"send": _send, "read": _read, "pong": _pong}


async def send(state: RealtimeState, connection: Connection, key: object, said: Frame) -> None:
    """The same as by HTTP; the frame's id is the idempotency key."""
    may_write(connection)
    checked = SendId.model_validate({"id": key}).id
    message = MessageSend.model_validate(said)
    body, _ = await state.messages.sending.one(connection.actor, message, checked)
    message_id = orjson.loads(body)["id"]
    content = {"id": checked or message_id, "message_id": message_id, "state": "queued"}
    connection.tell("ack", json_of(content))


def may_write(connection: Connection) -> None:
    if Right.WRITE not in connection.actor.scopes:
        msg = f"It needs the scope {Right.WRITE}."
        raise ScopeMissing(msg)
