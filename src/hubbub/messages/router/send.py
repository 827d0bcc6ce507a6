"""The one route that every message goes through.

It is written without the framework's machinery for a request: no dependency graph, no response
model, one read of the body and one write of the answer. What it does is what the others do: the
caller comes from the same function, the errors from the same tree, and it stands in the document.
"""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.routing import request_response

from hubbub.agents.dependencies import CurrentActor, actor_of_request
from hubbub.agents.types import Actor
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.counters import seconds_left
from hubbub.kit.http.problems import responses
from hubbub.kit.resources import Resources
from hubbub.messages import queries
from hubbub.messages.errors import (
    HopLimit,
    InboxFull,
    KeyReused,
    MessageNotFound,
    NobodyAddressed,
    NotYourParticipant,
    RecipientNotFound,
    RecipientRefuses,
    ReplyNotFound,
    SendLimit,
    WriterBusy,
)
from hubbub.messages.schemas import MessageRead, MessageSend
from hubbub.messages.service import messages as read_back
from hubbub.messages.service.explain import explained
from hubbub.messages.service.send import (
    ContentTooLarge,
    InvalidKey,
    NotInFuture,
    draft_of,
    settled,
    shown,
    speaks_for_itself,
)
from hubbub.messages.state import MessageState
from hubbub.messages.writer.draft import Stored

_REPLAYED = {"Idempotency-Replayed": "true"}


async def handle(request: Request) -> Response:
    actor = await actor_of_request(request)
    raw = await request.body()
    try:
        body = MessageSend.model_validate_json(raw)
    except ValidationError as error:
        located = [item | {"loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(located) from error
    return await send(request, actor, body, request.headers.get("idempotency-key"))


async def send(request: Request, actor: Actor, body: MessageSend, key: str | None) -> Response:
    resources: Resources = request.app.state.resources
    state: MessageState = request.app.state.messages
    sender_id = actor.participant_id
    if not speaks_for_itself(actor, body):
        assert body.from_agent_id is not None  # noqa: S101 - that is what was asked
        async with resources.database.read() as session:
            if not await queries.owns(session, actor, body.from_agent_id):
                raise NotYourParticipant
        sender_id = body.from_agent_id
    limit_sending(resources, str(sender_id))
    settings = resources.settings.messages
    draft = draft_of(sender_id, body, key, resources.clock.now(), settings)
    outcome = await state.writer.send(draft)
    if isinstance(outcome, RecipientNotFound):
        raise await explained(resources.database, actor, outcome)
    stored = settled(outcome)
    if isinstance(stored, Stored):
        return _answer(orjson.dumps(shown(stored)))
    async with resources.database.read() as session:
        first = await read_back.as_first_answered(session, UUID(stored.message_id))
    if first is None:
        raise MessageNotFound
    return _answer(orjson.dumps(first.model_dump(mode="json")), _REPLAYED)


def limit_sending(resources: Resources, sender_id: str) -> None:
    most = resources.settings.messages.sends_per_minute
    if resources.counters.hit(f"send:{sender_id}", 60) > most:
        raise SendLimit(f"At most {most} a minute.", retry_after=seconds_left(60))


def _answer(content: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(content, status.HTTP_201_CREATED, headers, media_type="application/json")


class _LeanRoute(APIRoute):
    """Stands in the document as its signature says, and is answered by `handle`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = request_response(handle)


async def send_message(
    request: Request,
    actor: CurrentActor,
    body: MessageSend,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> Response:
    return await send(request, actor, body, idempotency_key)


def add_send_route(router: APIRouter, path: str) -> None:
    """Directly on the application's own router: a router that includes routers asks them all for
    changes on each request."""
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
            RecipientNotFound,
            MessageNotFound,
            ReplyNotFound,
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
