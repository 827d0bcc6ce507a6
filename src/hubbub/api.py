"""The list of routers under /api/v1."""

from fastapi import FastAPI

from hubbub.agents.router import router as agents_router
from hubbub.auth.router import router as auth_router
from hubbub.board.router import router as board_router
from hubbub.dashboard.router import router as dashboard_router
from hubbub.exports.router import router as exports_router
from hubbub.files.router import router as files_router
from hubbub.items.router import router as items_router
from hubbub.jobs.router import router as jobs_router
from hubbub.kit.http.lane import Lanes
from hubbub.kit.http.router import API, Router, join
from hubbub.messages.router import add_send_route
from hubbub.messages.router import router as messages_router
from hubbub.notifications.router import router as notifications_router
from hubbub.realtime.paths import add_sockets
from hubbub.realtime.router import router as realtime_router
from hubbub.reports.router import router as reports_router
from hubbub.rooms.router import router as rooms_router
from hubbub.settings import Settings

api_router = Router()
join(
    api_router,
    messages_router,
    auth_router,
    agents_router,
    rooms_router,
    files_router,
    board_router,
    items_router,
    dashboard_router,
    jobs_router,
    reports_router,
    exports_router,
    notifications_router,
    realtime_router,
)
_SEND = f"{API}/messages"
_send_route = add_send_route(api_router, _SEND)


_FORM_BYTES = 64 * 1024
"""What a form has beside its files."""


def add_api(app: FastAPI, settings: Settings) -> None:
    join(app.router, api_router)
    add_sockets(app.router)
    lanes: Lanes = app.state.lanes
    lanes["POST", _SEND] = _send_route
    files = settings.files
    larger: dict[str, int] = app.state.larger_bodies
    larger[f"{API}/files"] = files.max_bytes + _FORM_BYTES
    larger[f"{API}/files/batch"] = files.max_bytes * files.per_request + _FORM_BYTES
