"""The list of routers under /api/v1."""

from fastapi import APIRouter, FastAPI

from hubbub.agents.router import router as agents_router
from hubbub.auth.router import router as auth_router
from hubbub.files.router import router as files_router
from hubbub.kit.http.lane import Lanes
from hubbub.messages.router import add_send_route
from hubbub.messages.router import router as messages_router
from hubbub.notifications.router import router as notifications_router
from hubbub.realtime.paths import add_sockets
from hubbub.realtime.router import router as realtime_router
from hubbub.rooms.router import router as rooms_router
from hubbub.settings import Settings

PREFIX = "/api/v1"

api_router = APIRouter(prefix=PREFIX)
for part in (
    messages_router,
    auth_router,
    agents_router,
    rooms_router,
    files_router,
    notifications_router,
    realtime_router,
):
    api_router.include_router(part)


_FORM_BYTES = 64 * 1024
"""What a form has beside its files."""


def add_api(app: FastAPI, settings: Settings) -> None:
    app.include_router(api_router)
    add_sockets(app.router)
    lanes: Lanes = app.state.lanes
    path = f"{PREFIX}/messages"
    lanes["POST", path] = add_send_route(app.router, path)
    larger: dict[str, int] = app.state.larger_bodies
    larger[f"{PREFIX}/files"] = settings.files.max_bytes + _FORM_BYTES
    larger[f"{PREFIX}/files/batch"] = (
        settings.files.max_bytes * settings.files.per_request + _FORM_BYTES
    )
