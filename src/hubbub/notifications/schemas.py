from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from hubbub.kit.pagination import PageOf
from hubbub.kit.schema import Input, Schema, UtcDatetime


class NotificationRead(Schema):
    id: UUID
    kind: str
    title: str
    body: str | None
    created_at: UtcDatetime
    read_at: UtcDatetime | None


class NotificationPage(PageOf[NotificationRead]):
    unread: int


class MarkRead(Input):
    """By ids, or everything up to now."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = None
    everything: bool = False

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if (self.ids is None) is not self.everything:
            msg = "give either ids or everything"
            raise ValueError(msg)
        return self


class Unread(Schema):
    unread: int
