"""The list of routers under /api/v1."""

from fastapi import APIRouter

from hubbub.auth.router import router as auth_router
from hubbub.notifications.router import router as notifications_router

api_router = APIRouter(prefix="/api/v1")
api_router.include_router(auth_router)
api_router.include_router(notifications_router)
