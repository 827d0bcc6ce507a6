from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import joinedload

from hubbub.auth.models import ApiKey, AuthSession, Invitation, PasswordReset, RefreshToken, Setup
from hubbub.auth.types import Caller
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.users.models import User
from hubbub.users.types import Role, Viewer

# not by the last refresh: a session that is refreshed between two pages would be missed
_NEWEST_SESSIONS = Order("auth.sessions", AuthSession.created_at, AuthSession.id, descending=True)
_NEWEST_KEYS = Order("auth.api_keys", ApiKey.created_at, ApiKey.id, descending=True)
_NEWEST_INVITATIONS = Order(
    "auth.invitations", Invitation.created_at, Invitation.id, descending=True
)


def _live_session(now: datetime) -> ColumnElement[bool]:
    return and_(AuthSession.revoked_at.is_(None), AuthSession.expires_at > now)


def _live_key(now: datetime) -> ColumnElement[bool]:
    in_time = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now)
    return and_(ApiKey.revoked_at.is_(None), in_time)


def _open_invitation(now: datetime) -> ColumnElement[bool]:
    """It counts as long as its inviter might still invite: otherwise an admin could leave a
    way back in before being deposed."""
    may_invite = select(User.id).where(User.is_active, User.role == Role.ADMIN)
    return and_(
        Invitation.inviter_id.in_(may_invite),
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > now,
    )


async def session_owner(
    session: AsyncReadSession, session_id: UUID, now: datetime
) -> AuthSession | None:
    """The live session of an active user, with the user."""
    statement = (
        select(AuthSession)
        .join(AuthSession.user)
        .where(AuthSession.id == session_id, _live_session(now), User.is_active)
        .options(joinedload(AuthSession.user))
    )
    return (await session.scalars(statement)).one_or_none()


async def key_owner(session: AsyncReadSession, key_hash: bytes, now: datetime) -> ApiKey | None:
    statement = (
        select(ApiKey)
        .join(ApiKey.user)
        .where(ApiKey.key_hash == key_hash, _live_key(now), User.is_active)
        .options(joinedload(ApiKey.user))
    )
    return (await session.scalars(statement)).one_or_none()


async def live_sessions(session: AsyncReadSession, ids: Sequence[UUID], now: datetime) -> set[UUID]:
    """Which of these are those of active users, and not over."""
    statement = (
        select(AuthSession.id)
        .join(AuthSession.user)
        .where(AuthSession.id.in_(ids), _live_session(now), User.is_active)
    )
    return set(await session.scalars(statement))


async def live_keys(
    session: AsyncReadSession, hashes: Sequence[bytes], now: datetime
) -> set[bytes]:
    """The same, of API keys."""
    statement = (
        select(ApiKey.key_hash)
        .join(ApiKey.user)
        .where(ApiKey.key_hash.in_(hashes), _live_key(now), User.is_active)
    )
    return set(await session.scalars(statement))


async def find_refresh_token(session: AsyncReadSession, fingerprint: bytes) -> RefreshToken | None:
    statement = (
        select(RefreshToken)
        .where(RefreshToken.fingerprint == fingerprint)
        .options(joinedload(RefreshToken.session).joinedload(AuthSession.user))
    )
    return (await session.scalars(statement)).one_or_none()


async def list_sessions(
    session: AsyncReadSession, viewer: Viewer, now: datetime, page: PageRequest
) -> tuple[Sequence[AuthSession], str | None]:
    statement = select(AuthSession).where(AuthSession.user_id == viewer.user_id, _live_session(now))
    return await paginate(session, statement, _NEWEST_SESSIONS, page)


async def list_api_keys(
    session: AsyncReadSession, viewer: Viewer, now: datetime, page: PageRequest
) -> tuple[Sequence[ApiKey], str | None]:
    statement = select(ApiKey).where(ApiKey.user_id == viewer.user_id, _live_key(now))
    return await paginate(session, statement, _NEWEST_KEYS, page)


async def find_api_key(session: AsyncReadSession, caller: Caller, key_id: UUID) -> ApiKey | None:
    statement = select(ApiKey).where(
        ApiKey.id == key_id, ApiKey.user_id == caller.user_id, ApiKey.revoked_at.is_(None)
    )
    return (await session.scalars(statement)).one_or_none()


async def list_invitations(
    session: AsyncReadSession, now: datetime, page: PageRequest
) -> tuple[Sequence[Invitation], str | None]:
    """For admins alone: the route sees to that."""
    return await paginate(
        session, select(Invitation).where(_open_invitation(now)), _NEWEST_INVITATIONS, page
    )


async def find_open_invitation(
    session: AsyncReadSession, invitation_id: UUID, now: datetime
) -> Invitation | None:
    statement = select(Invitation).where(Invitation.id == invitation_id, _open_invitation(now))
    return (await session.scalars(statement)).one_or_none()


async def lock_open_invitation(
    session: AsyncWriteSession, invitation_id: UUID, now: datetime
) -> Invitation | None:
    statement = (
        select(Invitation)
        .where(Invitation.id == invitation_id, _open_invitation(now))
        .with_for_update()
    )
    return (await session.scalars(statement)).one_or_none()


async def count_open_invitations(session: AsyncReadSession, inviter_id: UUID, now: datetime) -> int:
    statement = (
        select(func.count())
        .select_from(Invitation)
        .where(Invitation.inviter_id == inviter_id, _open_invitation(now))
    )
    return await session.scalar(statement) or 0


async def lock_reset(
    session: AsyncWriteSession, reset_id: UUID, now: datetime
) -> PasswordReset | None:
    """With all others of its user, in one order: the first that is used ends them."""
    whose = select(PasswordReset.user_id).where(PasswordReset.id == reset_id).scalar_subquery()
    statement = (
        select(PasswordReset)
        .where(PasswordReset.user_id == whose, PasswordReset.used_at.is_(None))
        .order_by(PasswordReset.id)
        .with_for_update()
    )
    unused = (await session.scalars(statement)).all()
    return next((row for row in unused if row.id == reset_id and row.expires_at > now), None)


async def is_set_up(session: AsyncReadSession) -> bool:
    return await session.get(Setup, 1) is not None
