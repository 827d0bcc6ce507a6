"""One socket from its opening to its end, whatever it is about."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog
from starlette.types import Receive, Scope, Send

from hubbub.kit.errors import AppError
from hubbub.realtime.admission import Admitted, admit, query_of, subprotocol_of
from hubbub.realtime.conversation import Conversation, Talk
from hubbub.realtime.errors import GONE_WRONG, close_code
from hubbub.realtime.forms import PLAIN
from hubbub.realtime.outlets import Line, Outlet, QueueOutlet
from hubbub.realtime.state import RealtimeState

log = structlog.get_logger()

_LINE = "hubbub.line"

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
        line: Line | None = scope.get("extensions", {}).get(_LINE)
        if line is not None:
            with _told(line):
                conversation = Conversation(state, self._make(state, admitted, line, scope), line)
                await _begin(conversation, cursor)
                # this call ends, the conversation goes on
                line.listen(conversation.hear)
            return
        queue = QueueOutlet(PLAIN)
        sender = asyncio.create_task(_send_all(queue, send))
        try:
            with _told(queue):
                conversation = Conversation(state, self._make(state, admitted, queue, scope))
                await _begin(conversation, cursor)
                await _listen(conversation, receive)
        finally:
            queue.close(1000, "")
            await sender


@contextmanager
def _told(outlet: Outlet) -> Iterator[None]:
    """Whatever goes wrong, the client is told by the code of the end."""
    try:
        yield
    except AppError as error:
        outlet.close(*close_code(error))
    except Exception:
        log.exception("socket.crashed")
        outlet.close(GONE_WRONG, "something went wrong on our side; connect again")


async def _begin(conversation: Conversation, cursor: str | None) -> None:
    try:
        await conversation.begin(cursor)
    except BaseException:
        conversation.end()
        raise


async def _listen(conversation: Conversation, receive: Receive) -> None:
    """For a server that isn't ours."""
    try:
        while await conversation.take(await receive()):
            pass
    finally:
        conversation.end()


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
