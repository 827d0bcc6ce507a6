"""Who may become a user, and what becomes of what a user leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from pydantic import MISSING
from sqlalchemy import update

from hubbub.activity import service as activity
from hubbub.auth import queries
from hubbub.auth.errors import (
    HeirNotFound,
    InvitationRequired,
    OwnsThings,
    SignUpClosed,
)
from hubbub.auth.models import Invitation
from hubbub.auth.passwords import hash_password
from hubbub.auth.service.callers import check_signed_in
from hubbub.auth.service.invitations import accept_invitation, read_invitation
from hubbub.auth.service.passwords import end_resets
from hubbub.auth.service.revocations import announce_revocation
from hubbub.auth.service.sessions import revoke_sessions
from hubbub.auth.tokens import Tokens
from hubbub.auth.types import Caller
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.settings import SignUp
from hubbub.users import service as users
from hubbub.users.errors import AdminsOnly
from hubbub.users.models import User
from hubbub.users.queries import find_user
from hubbub.users.schemas import UserCreate, UserRead, UserUpdate
from hubbub.users.types import Role


class Owned(Protocol):
    """One kind of thing that a user can own. Each domain that has such things brings one; the
    application hands the whole list to whoever deletes a user."""

    name: str

    async def count(self, session: AsyncReadSession, user_id: UUID, now: datetime) -> int: ...

    async def pass_on(self, session: AsyncWriteSession, user_id: UUID, heir_id: UUID) -> None: ...

    async def discard(self, session: AsyncWriteSession, user_id: UUID) -> None: ...


class OwnedInvitations:
    name = "invitations"

    async def count(self, session: AsyncReadSession, user_id: UUID, now: datetime) -> int:
        return await queries.count_open_invitations(session, user_id, now)

    async def pass_on(self, session: AsyncWriteSession, user_id: UUID, heir_id: UUID) -> None:
        await session.execute(
            update(Invitation).where(Invitation.inviter_id == user_id).values(inviter_id=heir_id)
        )

    async def discard(self, session: AsyncWriteSession, user_id: UUID) -> None:
        """Invitations go with their inviter by themselves."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who may have an account, as far as that is known without the database."""

    new: UserCreate
    password_hash: str
    invitation_id: UUID | None
    admin_id: UUID | None
    """Who makes the account, if the newcomer doesn't."""


async def admit(tokens: Tokens, caller: Caller | None, new: UserCreate) -> Newcomer:
    """An admin makes any account; others make their own, as far as the hub lets them.

    Comes before the transaction, since it hashes the password."""
    invitation_id = admin_id = None
    if caller is not None and caller.is_admin:
        if new.role is Role.ADMIN:
            check_signed_in(caller)
        admin_id = caller.user_id
    else:
        invitation_id = _check_may_sign_up(tokens, new)
    password_hash = await hash_password(new.password.get_secret_value())
    return Newcomer(new, password_hash, invitation_id, admin_id)


async def sign_up(session: AsyncWriteSession, tokens: Tokens, newcomer: Newcomer) -> UserRead:
    new, role = newcomer.new, newcomer.new.role
    if newcomer.invitation_id is not None:
        role = (await accept_invitation(session, tokens, newcomer.invitation_id, new.email)).role
    user = await users.create_user(
        session,
        new,
        role=role,
        password_hash=newcomer.password_hash,
        actor_id=newcomer.admin_id,
    )
    if newcomer.invitation_id is not None:
        activity.record(
            session,
            "auth.invitation_accepted",
            actor_id=user.id,
            target_kind="invitation",
            target_id=newcomer.invitation_id,
        )
    return UserRead.model_validate(user)


def _check_may_sign_up(tokens: Tokens, new: UserCreate) -> UUID | None:
    """What can be refused without hashing a password; returns the invitation that is used."""
    if tokens.settings.sign_up is SignUp.CLOSED:
        raise SignUpClosed
    if new.role is not Role.MEMBER:
        msg = "Leave role out: it comes with the invitation, or from an admin."
        raise AdminsOnly(msg)
    if new.invitation is not None:
        return read_invitation(tokens, new.invitation)
    if tokens.settings.sign_up is SignUp.INVITE:
        raise InvitationRequired
    return None


async def update_user(
    session: AsyncWriteSession, tokens: Tokens, caller: Caller, user_id: UUID, changes: UserUpdate
) -> User:
    if caller.is_admin and changes.role is Role.ADMIN:
        check_signed_in(caller)
    user = await users.update_user(session, caller, user_id, changes)
    opened = changes.email is not MISSING or changes.is_active is True
    if user.role is Role.ADMIN and user.id != caller.user_id and opened:
        # another way to an admin's account that would outlive a key
        check_signed_in(caller)
    if changes.email is not MISSING:
        await end_resets(session, tokens, user.id)  # they went to the address before
    if changes.is_active is not MISSING and not changes.is_active:
        await revoke_sessions(session, tokens, user.id)
    if changes.is_active is not MISSING or changes.role is not MISSING:
        # what the user may do has changed too, and with it what the user's agents may
        announce_revocation(session, user.id)
    return user


async def delete_user(
    session: AsyncWriteSession,
    tokens: Tokens,
    caller: Caller,
    user_id: UUID,
    owned: Sequence[Owned],
    *,
    heir_id: UUID | None,
    discard: bool,
) -> None:
    user = await users.get_user(session, caller, user_id)
    users.check_may_change(caller, user)
    if user.id == caller.user_id:
        check_signed_in(caller)
    counts = {kind.name: await kind.count(session, user.id, tokens.now()) for kind in owned}
    left = {name: count for name, count in counts.items() if count}
    if left and heir_id is None and not discard:
        msg = "Repeat with heir_id (who inherits all of it) or with discard=true (it is deleted)."
        raise OwnsThings(msg, owned=left)
    if heir_id is not None:
        heir = await find_user(session, caller, heir_id)
        if heir is None or not heir.is_active or heir.id == user.id:
            raise HeirNotFound
    for kind in owned:
        if heir_id is not None:
            await kind.pass_on(session, user.id, heir_id)
        else:
            await kind.discard(session, user.id)
    await users.delete_user(session, caller, user)
    announce_revocation(session, user.id)
