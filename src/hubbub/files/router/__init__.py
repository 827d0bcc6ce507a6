"""Routes about files."""

from hubbub.files.router import content, files, sending
from hubbub.kit.http.router import Router, join

router = Router()
join(router, sending.router, files.router, content.router)
