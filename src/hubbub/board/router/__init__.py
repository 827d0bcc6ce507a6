"""Posts and comments."""

from hubbub.board.router import comments, posts
from hubbub.kit.http.router import Router, join

router = Router()
for part in (posts, comments):
    join(router, part.router)
