from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from hubbub.kit.pagination import PageOf
from hubbub.kit.schema import Input, Schema, UtcDatetime
from hubbub.notifications.types import Kind


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
    """By ids, all up to one of them, or everything up to now."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = None
    up_to: UUID | None = None
    everything: bool = False

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        given = self.ids is not None, self.up_to is not None, self.everything
        if sum(given) != 1:
            msg = "give either ids, up_to or everything"
            raise ValueError(msg)
        return self


class Preference(Input):
    kind: Kind
    hub: bool
    """Whether it is listed in the hub and shown live."""
    email: bool


class PreferenceRead(Schema):
    kind: Kind
    about: str
    hub: bool
    email: bool


class PreferencesRead(Schema):
    preferences: list[PreferenceRead]


class PreferencesUpdate(Input):
    """Those that are left out stay as they are."""

    preferences: Annotated[list[Preference], Field(min_length=1, max_length=len(Kind))]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({each.kind for each in self.preferences}) != len(self.preferences):
            msg = "give each kind once"
            raise ValueError(msg)
        return self


class Unread(Schema):
    unread: int
