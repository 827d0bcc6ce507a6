from typing import ClassVar
from uuid import UUID

from hubbub.kit.outbox import Event


class RoomJoined(Event):
    topic: ClassVar[str] = "room.joined"
    room_id: UUID
    participant_id: UUID


class RoomLeft(Event):
    """By its own will, removed, or deleted."""

    topic: ClassVar[str] = "room.left"
    room_id: UUID
    participant_id: UUID


class RoomChanged(Event):
    """What it says about itself, or the role of a member."""

    topic: ClassVar[str] = "room.changed"
    room_id: UUID


class RoomDeleted(Event):
    topic: ClassVar[str] = "room.deleted"
    room_id: UUID


class RoomInvited(Event):
    topic: ClassVar[str] = "room.invited"
    room_id: UUID
    participant_id: UUID
