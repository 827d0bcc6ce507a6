"""Routes about credentials and people."""

from hubbub.auth.router import account, api_keys, invitations, tokens, users
from hubbub.kit.http.router import Router, join

router = Router()
join(router, *(part.router for part in (tokens, account, api_keys, invitations, users)))
join(router, users.sign_up_router)
