"""Rooms and who is in them."""

from hubbub.kit.http.router import Router, join
from hubbub.rooms.router import invitations, members, membership, rooms

router = Router()
join(router, *(part.router for part in (rooms, membership, invitations, members)))
