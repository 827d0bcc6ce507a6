from uuid import UUID

from hubbub.activity import service as activity
from hubbub.auth import queries
from hubbub.auth.errors import ApiKeyNotFound, InvalidToken, ScopeMissing
from hubbub.auth.models import ApiKey
from hubbub.auth.schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyRead
from hubbub.auth.service.revocations import announce_revocation
from hubbub.auth.tokens import Tokens, new_api_key
from hubbub.auth.types import Caller, Scope
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.keys import token_hash
from hubbub.users.queries import lock_user

_PREFIX_LENGTH = 12


async def create_api_key(
    session: AsyncWriteSession, caller: Caller, new: ApiKeyCreate
) -> ApiKeyCreated:
    if new.scopes & {Scope.ADMIN, Scope.BROADCAST} and not caller.is_admin:
        msg = "Only an admin can make a key with the scopes admin or broadcast."
        raise ScopeMissing(msg)
    if await lock_user(session, caller.user_id) is None:
        raise InvalidToken  # deleted since the credential was checked
    key = new_api_key()
    row = ApiKey(
        user_id=caller.user_id,
        name=new.name,
        prefix=key[:_PREFIX_LENGTH],
        key_hash=token_hash(key),
        scopes=sorted(new.scopes),
        expires_at=new.expires_at,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    activity.record(
        session,
        "auth.api_key_created",
        actor_id=caller.user_id,
        target_kind="api_key",
        target_id=row.id,
        scopes=" ".join(row.scopes),
    )
    read = ApiKeyRead.model_validate(row)
    return ApiKeyCreated(**read.model_dump(), key=key)


async def revoke_api_key(
    session: AsyncWriteSession, tokens: Tokens, caller: Caller, api_key_id: UUID
) -> None:
    row = await queries.find_api_key(session, caller, api_key_id)
    if row is None:
        raise ApiKeyNotFound
    row.revoked_at = tokens.now()
    announce_revocation(session, caller.user_id)
    activity.record(
        session,
        "auth.api_key_revoked",
        actor_id=caller.user_id,
        target_kind="api_key",
        target_id=row.id,
    )
