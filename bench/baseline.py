"""What sends are compared with: the same shape of request and answer, written as the framework's
guide writes it, without a credential or a log, and nothing stored. And the least that anybody
could call a message: two fields in, six out."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from fastapi import FastAPI
from pydantic import BaseModel

from hubbub.messages.schemas import MessageRead, MessageSend

app = FastAPI()


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/messages", status_code=201)
async def send(body: MessageSend) -> MessageRead:
    message_id = uuid4()
    return MessageRead(
        id=message_id,
        from_agent_id=uuid4(),
        from_name="sender",
        to_agent_id=body.to_agent_id,
        to=body.to or [str(body.to_agent_id)],
        content=body.content,
        content_type=body.content_type,
        thread_id=message_id,
        room_id=None,
        reply_to=body.reply_to,
        files=[],
        metadata=body.metadata,
        priority=body.priority,
        delivered=False,
        spread=None,
        created_at=datetime.now(UTC),
        deliver_at=body.deliver_at,
        expires_at=body.expires_at,
        ack_by=body.ack_by,
        withdrawn_at=None,
    )


class Least(BaseModel):
    to_agent_id: UUID
    content: str


class LeastRead(BaseModel):
    id: UUID
    from_agent_id: UUID
    to_agent_id: UUID
    content: str
    delivered: bool
    created_at: datetime


@app.post("/least", status_code=201)
async def send_least(body: Least) -> LeastRead:
    return LeastRead(
        id=uuid4(),
        from_agent_id=uuid4(),
        to_agent_id=body.to_agent_id,
        content=body.content,
        delivered=False,
        created_at=datetime.now(UTC),
    )
