"""Items, claims, and what waits for what."""

from hubbub.items.router import claims, dependencies, items
from hubbub.kit.http.router import Router, join

router = Router()
for part in (items, claims, dependencies):
    join(router, part.router)
