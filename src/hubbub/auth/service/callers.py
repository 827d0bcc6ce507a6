from hubbub.auth import queries
from hubbub.auth.errors import SessionRequired
from hubbub.auth.tokens import AccessClaims, Tokens
from hubbub.auth.types import Caller, Scope
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.keys import token_hash
from hubbub.users.types import Role


async def caller_of(
    session: AsyncReadSession,
    credential: str,
    claims: AccessClaims | None,
    tokens: Tokens,
) -> Caller | None:
    """The user behind an access token, whose claims these are, or behind an API key."""
    if claims is not None:
        signed_in = await queries.session_owner(session, claims.session_id, tokens.now())
        if signed_in is None or signed_in.user_id != claims.user_id:
            return None
        return Caller(
            signed_in.user_id,
            signed_in.user.role,
            frozenset(Scope),
            expires_at=claims.expires_at,
            session_id=signed_in.id,
        )
    key = await queries.key_owner(session, token_hash(credential), tokens.now())
    if key is None:
        return None
    scopes = frozenset(Scope(scope) for scope in key.scopes)
    # without the scope, an admin's key is a member's: decided here once, for every finder
    role = key.user.role if Scope.ADMIN in scopes else Role.MEMBER
    return Caller(key.user_id, role, scopes, expires_at=key.expires_at, api_key_id=key.id)


def check_signed_in(caller: Caller) -> None:
    """For what an API key must not do, since it would outlive its own revocation."""
    if caller.session_id is None:
        raise SessionRequired
