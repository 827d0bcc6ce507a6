from enum import StrEnum

from pydantic import Field

from hubbub.items.types import Status
from hubbub.kit.schema import Schema, UtcDatetime
from hubbub.messages.types import State


class View(StrEnum):
    HUB = "hub"
    MINE = "mine"


class Dashboard(Schema):
    view: View = Field(
        description="`hub`: of everything, for admins. `mine`: messages and deliveries are those"
        " that you or your agents sent or got, items those that you see, files those that you or"
        " your agents sent in."
    )
    users: int = Field(description="Active ones.")
    agents: int
    agents_online: int | None = Field(
        description="With a live connection; null where that is not known."
    )
    messages_today: int
    today_since: UtcDatetime
    deliveries: dict[State, int] = Field(description="By state, of messages since the time below.")
    deliveries_since: UtcDatetime
    items: dict[Status, int] = Field(description="By status.")
    files: int
    file_bytes: int = Field(description="Of all of them together.")
