"""What of the hub is in its file, in the order in which it can be stored again, and what isn't.

Every table and every column is named here or goes into the file; a test looks after that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, String, Table
from sqlalchemy.orm import DeclarativeBase

from hubbub.activity.models import Activity, ActivityHead
from hubbub.agents.models import Agent, AgentPresence, Block, Contact, Transfer
from hubbub.auth.models import Setup
from hubbub.board.models import Comment, Post, PostTag
from hubbub.files.models import Attachment, File, FileUse
from hubbub.files.schemas import AttachedFile
from hubbub.items.models import Item, ItemChange, ItemDependency, ItemLabel
from hubbub.kit.db.base import Base
from hubbub.kit.db.counter import Counter
from hubbub.kit.db.plain import Column, Form, bytewise, forms_of, leaving
from hubbub.messages.models import (
    Announcement,
    Attempt,
    Delivery,
    FanOut,
    IdempotencyKey,
    Lane,
    Message,
    OverdueTold,
    PendingPush,
    RoomMessage,
)
from hubbub.notifications.models import Notification, NotificationPreference
from hubbub.rooms.models import Room, RoomInvite, RoomMember
from hubbub.users.models import User

FORMAT = 1

_CREDENTIAL = "it lets somebody in"
_SEALED = "sealed with keys that the other hub doesn't have"
_UNDER_WAY = "work that the hub that is exported does itself"
_DERIVED = "made anew from what is in the file"


def _text(name: str) -> str:
    """Some names are of a kind of text that knows how it is quoted, which JSON doesn't take."""
    return "".join(name)


@dataclass(frozen=True, slots=True)
class HubTable:
    model: type[DeclarativeBase]
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Columns, each with the reason."""
    first: Sequence[ColumnElement[bool]] = ()
    """What comes before its key in the order: others refer to it."""
    shapes: Mapping[str, type[Any]] = field(default_factory=dict)
    """Columns of JSON that are neither an object nor a list of texts."""

    @property
    def table(self) -> Table:
        return cast("Table", self.model.__table__)

    @property
    def name(self) -> str:
        return _text(self.table.name)

    @property
    def columns(self) -> dict[str, Column]:
        """By what they are called in a line."""
        return {
            self._called(column.name): column
            for column in self.table.columns
            if column.name not in self.left_out
        }

    def _called(self, column: str) -> str:
        """`kind` is what each line says of itself."""
        return f"{self.name}_kind" if column == "kind" else _text(column)

    @property
    def forms(self) -> dict[str, Form]:
        return forms_of(self.columns)

    def statement(self) -> Select[*tuple[object, ...]]:
        return leaving(self.columns).order_by(*self.first, *self._key())

    def _key(self) -> Iterator[Column]:
        """In the same order on both databases."""
        for column in self.table.primary_key:
            yield bytewise(column) if isinstance(column.type, String) else column


TABLES: Sequence[HubTable] = (
    HubTable(User, {"password_hash": _CREDENTIAL}),
    HubTable(Setup),
    HubTable(NotificationPreference),
    HubTable(Notification),
    HubTable(Agent, {"gateway_token": _SEALED}),
    HubTable(AgentPresence),
    HubTable(Transfer),
    HubTable(Contact),
    HubTable(Block),
    HubTable(File),
    HubTable(FileUse),
    HubTable(Attachment),
    HubTable(Room),
    HubTable(RoomMember),
    HubTable(RoomInvite),
    HubTable(Counter),
    HubTable(Message, shapes={"files": list[AttachedFile]}),
    HubTable(RoomMessage),
    HubTable(Delivery),
    HubTable(FanOut),
    HubTable(PendingPush),
    HubTable(Lane),
    HubTable(Attempt),
    HubTable(IdempotencyKey),
    HubTable(OverdueTold),
    HubTable(Announcement),
    HubTable(Post),
    HubTable(PostTag),
    HubTable(Comment, first=(Comment.parent_id.is_not(None),)),
    HubTable(Item),
    HubTable(ItemLabel),
    HubTable(ItemDependency),
    HubTable(ItemChange),
    HubTable(Activity),
    HubTable(ActivityHead, {"held_by": _UNDER_WAY, "held_until": _UNDER_WAY}),
)

LEFT_OUT: Mapping[str, str] = {
    "auth_session": _CREDENTIAL,
    "auth_refresh_token": _CREDENTIAL,
    "auth_api_key": _CREDENTIAL,
    "auth_invitation": _CREDENTIAL,
    "auth_password_reset": _CREDENTIAL,
    "agent_key": _CREDENTIAL,
    "agent_enrolment": _CREDENTIAL,
    "agent_signing_secret": _SEALED,
    "socket_ticket": _CREDENTIAL,
    "first_answer": _SEALED,
    "outbox_event": _UNDER_WAY,
    "job": _UNDER_WAY,
    "report": "made anew for whoever asks",
    "unindexed_batch": _DERIVED,
    "search_entry": _DERIVED,
    "epoch": "each hub has its own, so that every cursor of another is told so",
}

OF_NEW_HUBS = frozenset({OverdueTold.__tablename__})
"""A hub in which nothing has happened yet may have a row of these; the file's takes its place."""


def all_columns() -> Iterator[tuple[str, str]]:
    for table in Base.metadata.tables.values():
        for column in table.columns:
            yield table.name, column.name
