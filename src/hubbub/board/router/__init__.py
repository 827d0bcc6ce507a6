"""Posts and comments."""

from fastapi import APIRouter

from hubbub.board.router import comments, posts

router = APIRouter()
for part in (posts, comments):
    router.include_router(part.router)
