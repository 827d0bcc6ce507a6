"""What the hub would take from its callers, beyond what a column can hold: a file comes past the
services, so what they never let in is refused here.

Each value has to be as it is stored: what a schema would still have to mend is none of the hub's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy.orm import DeclarativeBase

from hubbub.activity.models import Activity
from hubbub.agents.models import Agent
from hubbub.agents.schemas import DisplayName, MaxInFlight, SessionKey, Skills, checked_gateway_url
from hubbub.agents.types import GatewayKind
from hubbub.board.models import COMMENT, POST, Comment, Post, PostTag
from hubbub.board.schemas import Content, Remark
from hubbub.board.schemas import Title as PostTitle
from hubbub.files.models import Attachment, File
from hubbub.files.naming import is_harmless
from hubbub.files.sniff import ALL as FILE_TYPES
from hubbub.items.models import ITEM, Item, ItemLabel
from hubbub.items.schemas import Body, Note
from hubbub.items.schemas import Title as ItemTitle
from hubbub.kit.db.counter import Counter
from hubbub.kit.idempotency import is_key
from hubbub.kit.schema import Line
from hubbub.messages.models import (
    MESSAGE,
    Announcement,
    Delivery,
    IdempotencyKey,
    Message,
    PendingPush,
    RoomMessage,
)
from hubbub.messages.schemas import MAX_METADATA_BYTES, Metadata, is_address
from hubbub.messages.types import RANKS, ContentType
from hubbub.notifications.models import NotificationPreference
from hubbub.notifications.types import Kind
from hubbub.rooms.models import Room
from hubbub.rooms.schemas import Title as RoomTitle
from hubbub.users.models import User
from hubbub.users.schemas import Email, FullName, Username, Website

type Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    holds: Callable[[Any], bool]
    otherwise: str
    """What the value is not, in words."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one table."""

    each: Mapping[str, Rule] = field(default_factory=dict)
    """By what a value is called in a line; asked of what has the type of its column."""
    together: tuple[Rule, ...] = ()
    """Asked of the whole line."""


def _as(kind: Any, otherwise: str) -> Rule:  # noqa: ANN401 - a type, with what Pydantic asks of it
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def holds(value: object) -> bool:
        try:
            return bool(adapter.validate_python(value) == value)
        except ValidationError:
            return False

    return Rule(holds, otherwise)


def _like(pattern: str, otherwise: str) -> Rule:
    compiled = re.compile(pattern)
    return Rule(lambda value: compiled.fullmatch(value) is not None, otherwise)


def _one_of(*words: str) -> Rule:
    return Rule(frozenset(words).__contains__, "a word that is known there")


def _is_web_address(value: str) -> bool:
    try:
        _WEBSITE.validate_python(value)
    except ValidationError:
        return False
    return True


def _is_gateway(value: str) -> bool:
    try:
        return checked_gateway_url(value) == value
    except ValueError:
        return False


def _are_addresses(values: list[str]) -> bool:
    return all(is_address(value) or _is_id(value) for value in values)


def _is_id(value: str) -> bool:
    try:
        return str(UUID(value)) == value
    except ValueError:
        return False


def _says_json(line: Given) -> bool:
    if line["content_type"] != ContentType.JSON:
        return True
    try:
        orjson.loads(line["content"])
    except orjson.JSONDecodeError:
        return False
    return True


def _counts_on(line: Given) -> bool:
    """The first one that is kept comes at most right behind the last one that was given."""
    first, last = line["first_seq"], line["last_seq"]
    return bool(1 <= first <= last + 1 and line["open"] <= last)


def _is_gone_or_says_something(line: Given) -> bool:
    if line["deleted_at"] is not None:
        return bool(line["content"] == "")
    return _REMARK.holds(line["content"])


_WEBSITE: TypeAdapter[Any] = TypeAdapter(Website)
_REMARK = _as(Remark, "a text")
_HANDLE = _like(
    r"[a-z0-9][a-z0-9._-]{0,63}",
    "a name of at most 64 lower-case letters, digits, dots, dashes and underlines",
)
_LOWER = Annotated[Line, Field(min_length=1)]
_SHA256 = _like(r"[0-9a-f]{64}", "64 hexadecimal digits")
_COUNTED = Rule(lambda value: value >= 1, "1 or more")
_METADATA = _as(Metadata, f"an object of at most {MAX_METADATA_BYTES} bytes")
_DESCRIBED_BY_ACT = _like(r"[a-z_]+\.[a-z_]+", "an act")


def _label(otherwise: str) -> Rule:
    line = _as(_LOWER, otherwise)
    return Rule(lambda value: line.holds(value) and value == value.lower(), otherwise)


RULES: Mapping[type[DeclarativeBase], Rules] = {
    User: Rules(
        {
            "email": _as(Email, "an e-mail address in lower case"),
            "username": _as(Username, "a user name of letters, digits, dashes and underlines"),
            "full_name": _as(FullName, "a name of one line and at most 100 characters"),
            "website": Rule(_is_web_address, "a URL"),
        },
        (
            Rule(
                lambda line: line["username_key"] == line["username"].lower(),
                "username_key is not the username in lower case",
            ),
        ),
    ),
    NotificationPreference: Rules({"notification_preference_kind": _one_of(*Kind)}),
    Agent: Rules(
        {
            "handle": _HANDLE,
            "display_name": _as(DisplayName, "a name of one line"),
            "skills": _as(Skills, "a list of at most 50 short lines"),
            "gateway_url": Rule(_is_gateway, "the URL of a gateway"),
            "session_key": _as(SessionKey, "printable ASCII without spaces"),
            "max_in_flight": _as(MaxInFlight, "a number from 1 to 64"),
        },
        (
            Rule(
                lambda line: (
                    (line["gateway_kind"] == GatewayKind.NONE) is (line["gateway_url"] is None)
                ),
                "gateway_url doesn't fit gateway_kind",
            ),
        ),
    ),
    File: Rules(
        {
            "name": Rule(is_harmless, "the name of a file"),
            "content_type": _one_of(*FILE_TYPES),
            "sha256": _SHA256,
        }
    ),
    Attachment: Rules({"attachment_kind": _one_of(MESSAGE, POST, COMMENT, ITEM)}),
    Room: Rules({"name": _HANDLE, "title": _as(RoomTitle, "a title of one line")}),
    Counter: Rules(
        together=(Rule(_counts_on, "first_seq, last_seq and open don't fit each other"),)
    ),
    Message: Rules(
        {
            "addressed": Rule(_are_addresses, "a list of agent:NAME, room:NAME or everyone"),
            "metadata": _METADATA,
        },
        (Rule(_says_json, "content is not JSON, as its content_type says"),),
    ),
    RoomMessage: Rules({"seq": _COUNTED}),
    Delivery: Rules({"seq": _COUNTED}),
    PendingPush: Rules({"seq": _COUNTED}),
    IdempotencyKey: Rules(
        {
            "key": Rule(is_key, "1 to 255 printable ASCII characters"),
            "body_hash": _SHA256,
        }
    ),
    Announcement: Rules(
        {
            "addressed": Rule(is_address, "agent:NAME, room:NAME or everyone"),
            "metadata": _METADATA,
        }
    ),
    Post: Rules(
        {
            "title": _as(PostTitle, "a title of one line"),
            "content": _as(Content, "a text of at most 65536 characters"),
        }
    ),
    PostTag: Rules({"tag": _label("a tag in lower case")}),
    Comment: Rules(
        together=(
            Rule(_is_gone_or_says_something, "content is not a text of at most 16384 characters"),
        )
    ),
    Item: Rules(
        {
            "title": _as(ItemTitle, "a title of one line"),
            "body": _as(Body, "a text of at most 65536 characters"),
            "result": _as(Note, "a text of at most 16384 characters"),
        },
        (
            Rule(
                lambda line: line["rank"] == RANKS[line["priority"]],
                "rank is not that of the priority",
            ),
        ),
    ),
    ItemLabel: Rules({"label": _label("a label in lower case")}),
    Activity: Rules({"action": _DESCRIBED_BY_ACT}),
}
