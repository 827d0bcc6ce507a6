from typing import Annotated, Literal

from pydantic import Field

from hubbub.kit.schema import Input, Schema
from hubbub.messages.schemas import Mark
from hubbub.notifications.schemas import MarkRead


class TicketAsk(Input):
    """Nothing to say so far."""


class TicketRead(Schema):
    ticket: str = Field(description="For `?ticket=` of one socket; shown once, used once.")
    expires_in: int = Field(description="Seconds.")


FrameId = Annotated[str, Field(min_length=1, max_length=255)]


class SendId(Input):
    id: FrameId | None = Field(description="The idempotency key of what is sent.")


class MarkFrame(Mark):
    type: Literal["ack", "read"]
    id: FrameId | None = None


class ReadFrame(MarkRead):
    """Notifications."""

    type: Literal["read"]
    id: FrameId | None = None


class TypingFrame(Input):
    type: Literal["typing"]


class PongFrame(Input):
    type: Literal["pong"]
