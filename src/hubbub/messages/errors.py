"""
What a send can be refused for. A refusal stores nothing, and is told in the terms of what was sent.

NotFound                 404
├── RecipientNotFound        with the nearest handles in `did_you_mean`
├── MessageNotFound
├── DeliveryNotFound
└── ReplyNotFound
Forbidden                403
├── RecipientRefuses         its policy or a block
├── NotInRoom                the sender, or who reads, is no member
├── OnlyListens              the sender observes
└── BroadcastNotAllowed
Conflict                 409
├── HopLimit                 agents have answered each other too long
├── CursorReset              the cursor belongs to nothing that is kept
├── NoGateway                there is nothing to push to
└── NotFailed                there is nothing to replay
TooLarge                 413
└── ContentTooLarge
Unprocessable            422
├── NobodyAddressed
└── NotInFuture
TooManyRequests          429
├── SendLimit
├── InboxFull
└── GatewayTestLimit
Gone                     410
└── RoomClosed
Unavailable              503
└── WriterBusy
"""

from hubbub.kit.errors import (
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)


class RecipientNotFound(NotFound):
    code = "recipient_not_found"
    title = "There is no such recipient; nothing was sent"


class MessageNotFound(NotFound):
    code = "message_not_found"
    title = "Message not found"


class DeliveryNotFound(NotFound):
    code = "delivery_not_found"
    title = "Delivery not found"


class ReplyNotFound(NotFound):
    code = "reply_not_found"
    title = "The message that this replies to is not among yours"


class RecipientRefuses(Forbidden):
    code = "recipient_refuses"
    title = "A recipient takes no messages from this sender; nothing was sent"


class NotInRoom(Forbidden):
    code = "not_in_room"
    title = "Only members speak and read in the room; join it first"


class OnlyListens(Forbidden):
    code = "only_listens"
    title = "Observers of a room don't speak in it"


class RoomClosed(Gone):
    code = "room_closed"
    title = "The room is deleted; nothing can be said in it any more"


class BroadcastNotAllowed(Forbidden):
    code = "broadcast_not_allowed"
    title = "Sending to everyone needs the scope broadcast"


class HopLimit(Conflict):
    code = "hop_limit"
    title = "Agents have answered each other too often in this thread; a person has to speak first"


class CursorReset(Conflict):
    code = "cursor_reset"
    title = "The cursor is none of this inbox or room; begin again from first_seq"


class NotWithdrawable(Conflict):
    code = "not_withdrawable"
    title = "Every delivery of it is final already"


class NoGateway(Conflict):
    code = "no_gateway"
    title = "This agent has no gateway; it fetches its messages itself"


class NotFailed(Conflict):
    code = "not_failed"
    title = "Only a delivery that has failed can be replayed"


class NobodyAddressed(Unprocessable):
    code = "nobody_addressed"
    title = "The message reaches nobody but its sender; nothing was sent"


class ContentTooLarge(TooLarge):
    code = "content_too_large"
    title = "The content is too large"


class NotInFuture(Unprocessable):
    code = "not_in_future"
    title = (
        "Times must lie in the future: deliver_at at most so far, expires_at and ack_by after it"
    )


class SendLimit(TooManyRequests):
    code = "send_limit"
    title = "This participant sends too many messages"


class InboxFull(TooManyRequests):
    code = "inbox_full"
    title = "A recipient has too many messages that it hasn't acknowledged"


class GatewayTestLimit(TooManyRequests):
    code = "gateway_test_limit"
    title = "This gateway was tested too often in the last minute"


class WriterBusy(Unavailable):
    code = "writer_busy"
    title = "Too much is waiting to be stored; nothing was sent, try again"
