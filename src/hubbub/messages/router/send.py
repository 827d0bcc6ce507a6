"""The one route that every message goes through.

It is written without the framework's machinery for a request: no dependency graph, no response
model, one read of the body and one write of the answer. What it does is what the others do: the
caller comes from the same function, the errors from the same tree, and it stands in the document.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, status
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hubbub.agents.dependencies import CurrentActor, actor_of_scope
from hubbub.agents.errors import NotYourParticipant
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.files.errors import FileNotFound
from hubbub.kit.http.headers import headers_of
from hubbub.kit.http.problems import responses
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.messages.errors import (
    BroadcastNotAllowed,
    ContentTooLarge,
    HopLimit,
    InboxFull,
    MessageNotFound,
    NobodyAddressed,
    NotInFuture,
    NotInRoom,
    OnlyListens,
    RecipientNotFound,
    RecipientRefuses,
    ReplyNotFound,
    RoomClosed,
    SendLimit,
    WriterBusy,
)
from hubbub.messages.schemas import MessageRead, MessageSend
from hubbub.messages.state import MessageState

_JSON = (b"content-type", b"application/json")
_REPLAYED = (b"idempotency-replayed", b"true")


async def _handle(scope: Scope, receive: Receive, send: Send) -> None:
    actor = await actor_of_scope(scope)
    raw = await _body(receive)
    try:
        body = MessageSend.model_validate_json(raw)
    except ValidationError as error:
        located = [item | {"loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(located) from error
    messages: MessageState = scope["app"].state.messages
    content, replayed = await messages.sending.one(actor, body, _key(scope))
    headers = [_JSON, (b"content-length", b"%d" % len(content))]
    if replayed:
        headers.append(_REPLAYED)
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _body(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _key(scope: Scope) -> str | None:
    key = headers_of(scope).get(b"idempotency-key")
    return None if key is None else key.decode("latin-1")


class _LeanRoute(APIRoute):
    """Stands in the document as its signature says, and is answered by `_handle`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = _handle


async def send_message(
    actor: CurrentActor,
    body: MessageSend,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> None:
    """What the document shows of the route."""


def add_send_route(router: APIRouter, path: str) -> Route:
    router.add_api_route(
        path,
        send_message,
        methods=["POST"],
        route_class_override=_LeanRoute,
        tags=["Messages"],
        summary="Send a message",
        description="Answered once the message is on disk. Sent again under the same"
        " Idempotency-Key, it is stored once and answered the same, with"
        " `Idempotency-Replayed: true`.",
        status_code=status.HTTP_201_CREATED,
        response_model=MessageRead,
        responses=responses(
            InvalidToken,
            ScopeMissing,
            NotYourParticipant,
            RecipientRefuses,
            BroadcastNotAllowed,
            NotInRoom,
            OnlyListens,
            RoomClosed,
            RecipientNotFound,
            MessageNotFound,
            ReplyNotFound,
            FileNotFound,
            KeyReused,
            HopLimit,
            ContentTooLarge,
            InvalidKey,
            NotInFuture,
            NobodyAddressed,
            SendLimit,
            InboxFull,
            WriterBusy,
        ),
    )
    route = router.routes[-1]
    assert isinstance(route, Route)  # noqa: S101 - it has just been added
    return route
