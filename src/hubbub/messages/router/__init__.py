"""Sending, reading, and the inbox."""

from fastapi import APIRouter

from hubbub.messages.router import (
    admin,
    batch,
    deliveries,
    gateways,
    inbox,
    listing,
    messages,
    rooms,
)
from hubbub.messages.router.send import add_send_route

__all__ = ["add_send_route", "router"]

router = APIRouter()
# before `messages`, where whatever follows the slash is an id
for part in (batch, listing, admin, deliveries, messages, inbox, gateways, rooms):
    router.include_router(part.router)
