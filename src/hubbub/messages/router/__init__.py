"""Sending, reading, and the inbox."""

from hubbub.kit.http.router import Router, join
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

router = Router()
# before `messages`, where whatever follows the slash is an id
join(
    router,
    *(
        part.router
        for part in (batch, listing, admin, deliveries, messages, inbox, gateways, rooms)
    ),
)
