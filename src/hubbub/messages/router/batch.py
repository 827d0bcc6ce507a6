"""Many messages in one request. The rows are validated one by one, so the body isn't declared as
what they have to be."""

from typing import Any

import orjson
from fastapi import Response

from hubbub.agents.dependencies import CurrentActor
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.kit.http.problems import body_of, responses
from hubbub.kit.http.router import ApiRouter
from hubbub.messages.dependencies import CurrentMessages
from hubbub.messages.errors import WriterBusy
from hubbub.messages.schemas import BatchResult, MessageBatch
from hubbub.messages.service.sending import Sent

router = ApiRouter(prefix="/messages", tags=["Messages"])


@router.post(
    "/batch",
    summary="Send many messages",
    description="Each row is a message as `POST /messages` takes it, with an `idempotency_key` of"
    " its own, and has its own result: one that is refused keeps no other back. The answers come in"
    " the order of the rows.",
    response_model=BatchResult,
    responses=responses(InvalidToken, ScopeMissing, WriterBusy),
)
async def send_messages(
    actor: CurrentActor, body: MessageBatch, messages: CurrentMessages
) -> Response:
    sent = await messages.sending.many(actor, body.messages)
    content = orjson.dumps({"results": [_result(each) for each in sent]}, default=str)
    return Response(content, media_type="application/json")


def _result(sent: Sent) -> dict[str, Any]:
    if sent.error is None:
        return {"status": 201, "message": sent.message, "replayed": sent.replayed}
    problem = body_of(sent.error)
    return {"status": problem["status"], "problem": problem}
