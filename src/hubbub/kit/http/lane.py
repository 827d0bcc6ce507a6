"""A lane past the router, for the one route that nearly all requests are for.

A router asks its routes one after the other and prepares for whatever they may need, which costs
as much as answering. A route in a lane stands in the application like all others, and answers the
same when it is reached through the router.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

type Lanes = dict[tuple[str, str], Route]
"""By method and path."""


class Lane:
    def __init__(self, app: ASGIApp, lanes: Mapping[tuple[str, str], Route]) -> None:
        self.app = app
        self.lanes = lanes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = None
        if scope["type"] == "http":
            route = self.lanes.get((scope["method"], scope["path"]))
        if route is None:
            return await self.app(scope, receive, send)
        scope["route"] = route
        try:
            await route.app(scope, receive, send)
        except Exception as error:
            handlers = scope["app"].exception_handlers
            handler = next(
                (handlers[kind] for kind in type(error).__mro__ if kind in handlers), None
            )
            if handler is None or handler is handlers.get(Exception):
                raise
            response = await handler(Request(scope), error)
            await response(scope, receive, send)
        return None
