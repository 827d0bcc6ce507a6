from hubbub.auth import queries
from hubbub.auth.errors import SessionRequired
from hubbub.auth.tokens import API_KEY_MARK, Tokens
from hubbub.auth.types import Caller, Scope
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.kit.keys import token_hash
from hubbub.users.types import Role


async def caller_of(session: AsyncReadSession, tokens: Tokens, credential: str) -> Caller | None:
    """The user behind an API key or an access token; None if it doesn't count."""
    if credential.startswith(API_KEY_MARK):
        return await _holder(session, tokens, credential)
    claims = tokens.read_access(credential)
    if claims is None:
        return None
    signed_in = await queries.session_owner(session, claims.session_id, tokens.now())
    if signed_in is None or signed_in.user_id != claims.user_id:
        return None
    return Caller(
        signed_in.user_id,
        signed_in.user.role,
        _counting(signed_in.user.role, frozenset(Scope)),
        expires_at=claims.expires_at,
        session_id=signed_in.id,
    )


async def _holder(session: AsyncReadSession, tokens: Tokens, credential: str) -> Caller | None:
    key = await queries.key_owner(session, token_hash(credential), tokens.now())
    if key is None:
        return None
    scopes = _counting(key.user.role, frozenset(Scope(scope) for scope in key.scopes))
    # without the scope, an admin's key is a member's: decided here once, for every finder
    role = key.user.role if Scope.ADMIN in scopes else Role.MEMBER
    return Caller(key.user_id, role, scopes, expires_at=key.expires_at, api_key_id=key.id)


def _counting(role: Role, scopes: frozenset[Scope]) -> frozenset[Scope]:
    """Who was an admin when the key was made may be none by now."""
    return scopes if role is Role.ADMIN else scopes - {Scope.BROADCAST}


def check_signed_in(caller: Caller) -> None:
    """For what an API key must not do, since it would outlive its own revocation."""
    if caller.session_id is None:
        raise SessionRequired
