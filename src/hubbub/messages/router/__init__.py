"""Sending, reading, and the inbox."""

from fastapi import APIRouter

from hubbub.messages.router import gateways, inbox, messages
from hubbub.messages.router.send import add_send_route

__all__ = ["add_send_route", "router"]

router = APIRouter()
for part in (messages, inbox, gateways):
    router.include_router(part.router)
