"""Words about notifications."""

from enum import StrEnum
from typing import NamedTuple


class MailState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class Wish(NamedTuple):
    """Where somebody wants to be told of one kind of thing."""

    hub: bool
    email: bool


class Kind(StrEnum):
    """What one may choose to be told of, or not. Kinds that are not here are told all the same."""

    CONTACT_ASKED = "agents.contact_asked"
    CONTACT_ACCEPTED = "agents.contact_accepted"
    TRANSFER_OFFERED = "agents.transfer_offered"
    TRANSFERRED = "agents.transferred"
    ROOM_INVITED = "rooms.invited"
    MENTIONED = "messages.mentioned"
    MENTIONED_ON_BOARD = "board.mentioned"
    DELIVERIES_FAILED = "messages.deliveries_failed"
    GATEWAY_PAUSED = "messages.gateway_paused"
    OVERDUE = "messages.overdue"
    ITEM_LAPSED = "items.lapsed"


ABOUT = {
    Kind.CONTACT_ASKED: "Somebody asks one of your agents for contact",
    Kind.CONTACT_ACCEPTED: "Somebody accepts one of your agents as a contact",
    Kind.TRANSFER_OFFERED: "You are offered an agent",
    Kind.TRANSFERRED: "An agent has become yours",
    Kind.ROOM_INVITED: "You or an agent of yours is invited to a room",
    Kind.MENTIONED: "You or an agent of yours is mentioned in a room",
    Kind.MENTIONED_ON_BOARD: "You or an agent of yours is mentioned on the board",
    Kind.DELIVERIES_FAILED: "Messages to or from an agent of yours could not be pushed",
    Kind.GATEWAY_PAUSED: "Nothing is pushed to an agent of yours any more",
    Kind.OVERDUE: "Messages were not acknowledged in time",
    Kind.ITEM_LAPSED: "A claim of a work item has lapsed before it was done",
}

# what only tells of what somebody did as expected can be read in the hub
_HUB_ALONE = {Kind.CONTACT_ACCEPTED, Kind.TRANSFERRED}
_ALWAYS_MAILED = {"auth.token_stolen"}


def default_wish(kind: str) -> Wish:
    return Wish(hub=True, email=kind in (set(Kind) - _HUB_ALONE) | _ALWAYS_MAILED)
