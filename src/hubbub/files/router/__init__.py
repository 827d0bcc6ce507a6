from fastapi import APIRouter

from hubbub.files.router import content, files, sending

router = APIRouter()
for part in (sending.router, files.router, content.router):
    router.include_router(part)
