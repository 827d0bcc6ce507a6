"""Statements and finders about rooms. Whoever looks comes first."""

from hubbub.rooms.queries.invites import (
    blocked_by,
    invitations_of,
    invite_for_notice,
    open_invite,
    open_invites,
)
from hubbub.rooms.queries.members import (
    has_owner,
    list_members,
    lock_member,
    membership,
    memberships_of,
    roles_of,
    rooms_left_behind,
    successor,
)
from hubbub.rooms.queries.sets import readable_from
from hubbub.rooms.queries.sight import (
    count_created,
    find_room,
    find_room_by_name,
    is_open,
    list_rooms,
    lock_any_room,
    lock_room,
    nearest_names,
    open_rooms,
    visible_rooms,
)

__all__ = [
    "blocked_by",
    "count_created",
    "find_room",
    "find_room_by_name",
    "has_owner",
    "invitations_of",
    "invite_for_notice",
    "is_open",
    "list_members",
    "list_rooms",
    "lock_any_room",
    "lock_member",
    "lock_room",
    "membership",
    "memberships_of",
    "nearest_names",
    "open_invite",
    "open_invites",
    "open_rooms",
    "readable_from",
    "roles_of",
    "rooms_left_behind",
    "successor",
    "visible_rooms",
]
