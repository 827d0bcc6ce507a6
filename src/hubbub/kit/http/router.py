"""Routers whose routes are finished as they are declared.

FastAPI's `include_router` keeps routers inside one another: every request is matched against each
level of them twice, and every application builds all routes a second time. Ours are lists, which
are joined.
"""

from operator import attrgetter
from typing import Any

from fastapi import APIRouter

API = "/api/v1"


class Router(APIRouter):
    def __init__(self, prefix: str = "", **options: Any) -> None:
        # the name of its function is what an operation is called in the document
        super().__init__(prefix=prefix, generate_unique_id_function=attrgetter("name"), **options)


class ApiRouter(Router):
    def __init__(self, prefix: str = "", **options: Any) -> None:
        super().__init__(prefix=API + prefix, **options)


def join(router: APIRouter, *parts: APIRouter) -> None:
    """Gives it the routes of others, as they are."""
    for part in parts:
        router.routes.extend(part.routes)
