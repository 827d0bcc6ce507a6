"""The list of routers under /api/v1."""

from fastapi import APIRouter

from hubbub.auth.router import router as auth_router
from hubbub.messages.router import router as messages_router
from hubbub.notifications.router import router as notifications_router

api_router = APIRouter(prefix="/api/v1")
# first: routers are asked in this order, and most of what comes is messages
api_router.include_router(messages_router)
api_router.include_router(auth_router)
api_router.include_router(notifications_router)
