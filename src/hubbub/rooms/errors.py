"""
What is refused in rooms. To whom a private room is invisible, all of it is RoomNotFound.

NotFound                 404
├── RoomNotFound
├── MemberNotFound
└── InviteNotFound
Forbidden                403
├── NotRoomOwner
├── MayNotInvite
└── NotInvited               a private room that is visible for another reason
Conflict                 409
├── RoomNameTaken
├── TooManyRooms
├── RoomFull
├── NotAMember
└── LastOwner
Gone                     410
└── RoomDeleted
"""

from hubbub.kit.errors import Conflict, Forbidden, Gone, NotFound


class RoomNotFound(NotFound):
    code = "room_not_found"
    title = "Room not found"


class MemberNotFound(NotFound):
    code = "member_not_found"
    title = "This participant is not in the room"


class InviteNotFound(NotFound):
    code = "invite_not_found"
    title = "There is no such invitation to the room"


class NotRoomOwner(Forbidden):
    code = "not_room_owner"
    title = "Only the room's owners may do that"


class MayNotInvite(Forbidden):
    code = "may_not_invite"
    title = "Only owners invite to a private room, and only members to a public one"


class NotInvited(Forbidden):
    code = "not_invited"
    title = "The room is private; ask one of its owners for an invitation"


class RoomNameTaken(Conflict):
    code = "room_name_taken"
    title = "This name is or was another room's; choose another"


class TooManyRooms(Conflict):
    code = "too_many_rooms"
    title = "You have as many rooms as one may have; delete one first"


class RoomFull(Conflict):
    code = "room_full"
    title = "The room has as many members as a room may have"


class NotAMember(Conflict):
    code = "not_a_member"
    title = "You are not in this room; join it first"


class LastOwner(Conflict):
    code = "last_owner"
    title = "This is the room's last owner; make somebody else an owner first, or leave"


class RoomDeleted(Gone):
    code = "room_deleted"
    title = "The room is deleted; what was said in it can still be read"
