"""Changing a password, and getting back in without one."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import update

from hubbub.activity import service as activity
from hubbub.auth import queries
from hubbub.auth.errors import InvalidToken, ResetExpired
from hubbub.auth.models import PasswordReset
from hubbub.auth.passwords import hash_password
from hubbub.auth.schemas import PasswordChange, ResetConfirm
from hubbub.auth.service.sessions import revoke_sessions
from hubbub.auth.tokens import Tokens
from hubbub.auth.types import Caller
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.outbox import Event, emit
from hubbub.users import service as users
from hubbub.users.queries import find_by_login, find_for_sign_in

RESET = "password_reset"


class ResetAsked(Event):
    """Names an address, not a user: whether somebody lives there is found out by the job, so that
    the answer comes as fast in either case."""

    topic: ClassVar[str] = "auth.reset_asked"
    email: str


async def change_password(
    session: AsyncWriteSession, tokens: Tokens, caller: Caller, change: PasswordChange
) -> None:
    """The current password has been checked; every other session ends."""
    password_hash = await hash_password(change.new_password.get_secret_value())
    assert caller.session_id is not None  # noqa: S101 - the route lets nobody else in
    if await queries.session_owner(session, caller.session_id, tokens.now()) is None:
        raise InvalidToken  # ended while the hashes were made, perhaps by a reset
    user = await users.get_user(session, caller, caller.user_id)
    users.set_password(user, password_hash)
    await end_resets(session, tokens, user.id)
    await revoke_sessions(session, tokens, user.id, keep=caller.session_id)
    activity.record(
        session,
        "auth.password_changed",
        actor_id=caller.user_id,
        target_kind="user",
        target_id=user.id,
    )


def ask_for_reset(session: AsyncWriteSession, email: str) -> None:
    emit(session, ResetAsked(email=email))


async def begin_reset(
    session: AsyncWriteSession, tokens: Tokens, email: str, reset_id: UUID
) -> tuple[str, str] | None:
    """The name and the token to be mailed, or None if there is nobody to mail it to.

    A repeated call with the same id gives the same token, so that a mail sent twice is one link.
    """
    user = await find_by_login(session, email)
    if user is None or not user.is_active:
        return None
    if await session.get(PasswordReset, reset_id) is None:
        ends = tokens.now() + timedelta(minutes=tokens.settings.reset_minutes)
        session.add(PasswordReset(id=reset_id, user_id=user.id, expires_at=ends))
        activity.record(
            session, "auth.reset_asked", actor_id=None, target_kind="user", target_id=user.id
        )
    return user.full_name, tokens.keys.token_for(RESET, reset_id)


async def finish_reset(session: AsyncWriteSession, tokens: Tokens, confirm: ResetConfirm) -> None:
    reset_id = tokens.keys.subject_of(RESET, confirm.token)
    if reset_id is None:
        raise ResetExpired
    password_hash = await hash_password(confirm.new_password.get_secret_value())
    reset = await queries.lock_reset(session, reset_id, tokens.now())
    user = await find_for_sign_in(session, reset.user_id) if reset else None
    if reset is None or user is None or not user.is_active:
        raise ResetExpired
    await end_resets(session, tokens, user.id)
    users.set_password(user, password_hash)
    await revoke_sessions(session, tokens, user.id)
    activity.record(
        session, "auth.password_reset", actor_id=user.id, target_kind="user", target_id=user.id
    )


async def end_resets(session: AsyncWriteSession, tokens: Tokens, user_id: UUID) -> None:
    """Links that were mailed before lie in mailboxes that somebody else may read."""
    await session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None))
        .values(used_at=tokens.now())
    )
