"""Items, claims, and what waits for what."""

from fastapi import APIRouter

from hubbub.items.router import claims, dependencies, items

router = APIRouter()
for part in (items, claims, dependencies):
    router.include_router(part.router)
