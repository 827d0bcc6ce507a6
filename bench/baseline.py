"""What the hub is compared with: the same shape of request and answer, and nothing stored."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from fastapi import FastAPI
from pydantic import BaseModel, Field

app = FastAPI()


class Send(BaseModel):
    to_agent_id: UUID
    content: str = Field(min_length=1)
    metadata: dict[str, object] | None = None


class Sent(BaseModel):
    id: UUID
    from_agent_id: UUID
    to_agent_id: UUID
    content: str
    delivered: bool
    created_at: datetime


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/messages", status_code=201)
async def send(body: Send) -> Sent:
    return Sent(
        id=uuid4(),
        from_agent_id=uuid4(),
        to_agent_id=body.to_agent_id,
        content=body.content,
        delivered=False,
        created_at=datetime.now(UTC),
    )
