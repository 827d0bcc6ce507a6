"""What a client says over a socket, dealt with in its order."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson
import structlog
from pydantic import ValidationError
from starlette.types import Message

from hubbub.kit.context import request_context
from hubbub.kit.errors import AppError, RetryLater
from hubbub.kit.http.problems import body_of
from hubbub.kit.schema import MAX_JSON_DEPTH
from hubbub.realtime.connections import Connection
from hubbub.realtime.errors import GONE_WRONG, POLICY, BadFrame
from hubbub.realtime.forms import json_of
from hubbub.realtime.limits import count_frame
from hubbub.realtime.outlets import Line
from hubbub.realtime.state import RealtimeState

log = structlog.get_logger()

_MOST_BAD = 20

type Frame = dict[str, Any]
type Answer = Callable[[Any, Frame], Awaitable[None]]


class Talk(Protocol):
    """What a socket is about: it tells, and takes frames."""

    connection: Connection

    @property
    def frames(self) -> Mapping[str, Answer]:
        """What is done with a frame, by its type; called with the talk."""
        ...

    async def begin(self, cursor: str | None) -> None:
        """Raises what the caller is refused for."""
        ...

    def end(self) -> None: ...


class Conversation:
    __slots__ = ("_bad", "_context", "_line", "_said", "_state", "_talk")

    def __init__(self, state: RealtimeState, talk: Talk, line: Line | None = None) -> None:
        self._state = state
        self._talk = talk
        self._line = line
        self._bad = 0
        self._context = request_context.get()
        self._said: deque[Message] | None = None
        """What waits, while something is being dealt with."""

    async def begin(self, cursor: str | None) -> None:
        connections = self._state.connections
        since = connections.revocations
        await self._talk.begin(cursor)
        # from here on it is told what others do, but first of all it was greeted
        connections.add(self._talk.connection, since)

    def end(self) -> None:
        self._talk.end()
        self._state.connections.remove(self._talk.connection)

    def hear(self, message: Message) -> None:
        """For a server that calls; most of the time nothing of us is running."""
        if self._said is not None:
            self._said.append(message)
        elif message["type"] == "websocket.disconnect":
            self.end()
        elif self._line is not None:
            self._said = deque([message])
            self._line.start(self._deal(self._line, self._said))

    async def _deal(self, line: Line, said: deque[Message]) -> None:
        request_context.set(self._context)
        goes_on = True
        try:
            while said and goes_on:
                goes_on = await self.take(said.popleft())
        except Exception:
            log.exception("socket.crashed")
            goes_on = False
            outlet = self._talk.connection.outlet
            outlet.close(GONE_WRONG, "something went wrong on our side; connect again")
        finally:
            self._said = None
            if goes_on:
                line.go_on()
            else:
                self.end()

    async def take(self, message: Message) -> bool:
        """Whether it goes on."""
        if message["type"] == "websocket.disconnect":
            return False
        talk = self._talk
        frame_id: object = None
        try:
            frame = _read(message)
            frame_id = frame.get("id")
            answer = talk.frames.get(str(frame.get("type")))
            if answer is None:
                msg = f"This socket takes: {', '.join(talk.frames)}."
                raise BadFrame(msg)
            count_frame(self._state.resources, talk.connection.credential)
            await answer(talk, frame)
        except (AppError, ValidationError) as error:
            _tell_of(talk, frame_id, error)
            self._bad += isinstance(error, (BadFrame, ValidationError))
            if self._bad >= _MOST_BAD:
                talk.connection.outlet.close(POLICY, "too many bad frames")
                return False
        return True


def _tell_of(talk: Talk, frame_id: object, error: AppError | ValidationError) -> None:
    known = frame_id if isinstance(frame_id, str) and len(frame_id) <= 255 else None
    problem = body_of(error)
    if isinstance(error, RetryLater):
        problem["retry_after"] = error.retry_after  # a frame has no headers
    content = json_of({"id": known, "problem": problem}, default=_plain)
    talk.connection.tell("error", content)


def _plain(value: object) -> object:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def _read(message: Message) -> Frame:
    text = message.get("text")
    if text is None:
        msg = "Frames are text."
        raise BadFrame(msg)
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadFrame from error
    if not isinstance(frame, dict) or _depth(frame) > MAX_JSON_DEPTH + 2:
        raise BadFrame
    return frame


def _depth(value: object) -> int:
    """How deep it is nested; no further than it matters."""
    deep, level = 0, [value]
    while level and deep <= MAX_JSON_DEPTH + 2:
        deep += 1
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        level = [each for each in inner if isinstance(each, dict | list)]
    return deep
