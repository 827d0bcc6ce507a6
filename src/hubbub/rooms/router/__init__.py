"""Rooms and who is in them."""

from fastapi import APIRouter

from hubbub.rooms.router import invitations, members, membership, rooms

router = APIRouter()
for part in (rooms, membership, invitations, members):
    router.include_router(part.router)
