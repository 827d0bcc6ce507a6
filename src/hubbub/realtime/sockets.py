"""One socket from its opening to its end, whatever it is about."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

import orjson
import structlog
from pydantic import ValidationError
from starlette.types import Message, Receive, Scope, Send

from hubbub.kit.errors import AppError, RetryLater
from hubbub.kit.http.problems import body_of
from hubbub.kit.resources import Resources
from hubbub.kit.schema import MAX_JSON_DEPTH
from hubbub.realtime.admission import Admitted, admit, query_of, subprotocol_of
from hubbub.realtime.connections import Connection
from hubbub.realtime.errors import GONE_WRONG, POLICY, BadFrame, close_code
from hubbub.realtime.forms import PLAIN, json_of
from hubbub.realtime.limits import count_frame
from hubbub.realtime.outlets import Outlet, QueueOutlet, RawOutlet
from hubbub.realtime.state import RealtimeState

log = structlog.get_logger()

_RAW = "hubbub.frames"
_MOST_BAD = 20

type Frame = dict[str, Any]
type Answer = Callable[[Frame], Awaitable[None]]


class Talk(Protocol):
    """What a socket is about: it tells, and takes frames."""

    connection: Connection
    frames: Mapping[str, Answer]
    """What is done with a frame, by its type."""

    async def begin(self, cursor: str | None) -> None:
        """Raises what the caller is refused for."""
        ...

    def end(self) -> None: ...


type MakeTalk = Callable[[RealtimeState, Admitted, Outlet, Scope], Talk]


class SocketApp:
    """What a path of a socket leads to."""

    def __init__(self, make: MakeTalk) -> None:
        self._make = make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the request to connect, which says nothing that isn't in the scope
        state: RealtimeState = scope["app"].state.realtime
        accept = {"type": "websocket.accept", "subprotocol": subprotocol_of(scope)}
        try:
            cursor = query_of(scope).after
            admitted = await admit(scope, state.resources, state.agents)
        except AppError as error:
            await send(accept)
            await _refuse(send, error)
            return
        await send(accept)
        raw = scope.get("extensions", {}).get(_RAW)
        if raw is not None:
            await self._talk(state, admitted, RawOutlet(raw), scope, receive, cursor)
            return
        outlet = QueueOutlet(PLAIN)
        sender = asyncio.create_task(_send_all(outlet, send))
        try:
            await self._talk(state, admitted, outlet, scope, receive, cursor)
        finally:
            outlet.close(1000, "")
            await sender

    async def _talk(
        self,
        state: RealtimeState,
        admitted: Admitted,
        outlet: Outlet,
        scope: Scope,
        receive: Receive,
        cursor: str | None,
    ) -> None:
        talk: Talk | None = None
        try:
            talk = self._make(state, admitted, outlet, scope)
            since = state.connections.revocations
            await talk.begin(cursor)
            # from here on it is told what others do, but first of all it was greeted
            state.connections.add(talk.connection, since)
            await _listen(state.resources, talk, receive)
        except AppError as error:
            outlet.close(*close_code(error))
        except Exception:
            log.exception("socket.crashed")
            outlet.close(GONE_WRONG, "something went wrong on our side; connect again")
        finally:
            if talk is not None:
                talk.end()
                state.connections.remove(talk.connection)


async def _refuse(send: Send, error: AppError) -> None:
    code, reason = close_code(error)
    log.info("socket.refused", code=error.code)
    await send({"type": "websocket.close", "code": code, "reason": reason})


async def _send_all(outlet: QueueOutlet, send: Send) -> None:
    """For a server that isn't ours."""
    with suppress(OSError, RuntimeError):  # the client is gone
        while (events := await outlet.taken()) is not None:
            for event in events:
                await send({"type": "websocket.send", "text": event.decode()})
        if outlet.closed is not None:
            code, reason = outlet.closed
            await send({"type": "websocket.close", "code": code, "reason": reason})


async def _listen(resources: Resources, talk: Talk, receive: Receive) -> None:
    bad = 0
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        frame_id: object = None
        try:
            frame = _read(message)
            frame_id = frame.get("id")
            answer = talk.frames.get(str(frame.get("type")))
            if answer is None:
                msg = f"This socket takes: {', '.join(talk.frames)}."
                raise BadFrame(msg)
            count_frame(resources, talk.connection.credential)
            await answer(frame)
        except (AppError, ValidationError) as error:
            _tell_of(talk, frame_id, error)
            bad += isinstance(error, (BadFrame, ValidationError))
            if bad >= _MOST_BAD:
                talk.connection.outlet.close(POLICY, "too many bad frames")
                return


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
