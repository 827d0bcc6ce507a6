"""Routes about credentials and people."""

from fastapi import APIRouter

from hubbub.auth.router import account, api_keys, invitations, tokens, users

router = APIRouter()
for part in (tokens, account, api_keys, invitations, users):
    router.include_router(part.router)
router.include_router(users.sign_up_router)
