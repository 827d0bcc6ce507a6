"""Sending, reading, and the inbox."""

from fastapi import APIRouter

from hubbub.messages.router import inbox, messages, send

router = APIRouter()
for part in (send, messages, inbox):
    router.include_router(part.router)
