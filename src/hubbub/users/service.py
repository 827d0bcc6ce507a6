"""What happens to people. Rights are decided here; credentials are the business of `auth`."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from pydantic import MISSING
from sqlalchemy.exc import IntegrityError

from hubbub.activity import service as activity
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.outbox import Event, emit
from hubbub.kit.pagination import PageRequest
from hubbub.users import queries
from hubbub.users.errors import (
    AdminsOnly,
    EmailTaken,
    LastAdmin,
    NotYourself,
    UsernameTaken,
    UserNotFound,
)
from hubbub.users.models import NAME_KEY_LENGTH, User
from hubbub.users.schemas import UserCreate, UserRead, UserUpdate
from hubbub.users.types import Role, UserSort, Viewer


class AccountCreated(Event):
    topic: ClassVar[str] = "users.account_created"
    user_id: UUID


class UserDeleted(Event):
    topic: ClassVar[str] = "users.user_deleted"
    user_id: UUID


def shown_to(viewer: Viewer, user: User) -> UserRead:
    read = UserRead.model_validate(user)
    if not viewer.is_admin and viewer.user_id != user.id:
        read.email = None
    return read


async def get_user(session: AsyncReadSession, viewer: Viewer, user_id: UUID) -> User:
    user = await queries.find_user(session, viewer, user_id)
    if user is None:
        raise UserNotFound
    return user


async def list_users(
    session: AsyncReadSession,
    viewer: Viewer,
    page: PageRequest,
    *,
    search: str | None,
    sort_by: UserSort,
) -> tuple[Sequence[User], str | None]:
    if sort_by is UserSort.EMAIL and not viewer.is_admin:
        msg = "Addresses are hidden from members, so is their order; sort by name."
        raise AdminsOnly(msg)
    return await queries.list_users(session, viewer, page, search=search, sort_by=sort_by)


async def create_user(
    session: AsyncWriteSession,
    new: UserCreate,
    *,
    role: Role,
    password_hash: str,
    actor_id: UUID | None = None,
) -> User:
    """`actor_id` is left out by people who make their own account."""
    user = User(
        email=new.email,
        username=new.username,
        username_key=new.username.lower(),
        full_name=new.full_name,
        name_key=_name_key(new.full_name),
        website=str(new.website) if new.website else None,
        role=role,
        password_hash=password_hash,
    )
    session.add(user)
    await _flush_unique(session)
    activity.record(
        session,
        "user.account_created",
        actor_id=actor_id or user.id,
        target_kind="user",
        target_id=user.id,
        role=role,
    )
    emit(session, AccountCreated(user_id=user.id))
    await session.refresh(user)
    return user


async def update_user(
    session: AsyncWriteSession, viewer: Viewer, user_id: UUID, changes: UserUpdate
) -> User:
    user = await get_user(session, viewer, user_id)
    check_may_change(viewer, user)
    wanted = changes.model_dump(exclude={"current_password"})
    if not viewer.is_admin and wanted.keys() & {"role", "is_active"}:
        msg = "Roles and activation are for admins to change."
        raise AdminsOnly(msg)
    if changes.role is not MISSING and changes.role is not Role.ADMIN:
        await _keep_an_admin(session, user)
    if changes.is_active is not MISSING and not changes.is_active:
        await _keep_an_admin(session, user)
    for name, value in wanted.items():
        setattr(user, name, value)
    user.username_key = user.username.lower()
    user.name_key = _name_key(user.full_name)
    await _flush_unique(session)
    activity.record(
        session,
        "user.updated",
        actor_id=viewer.user_id,
        target_kind="user",
        target_id=user.id,
        fields=", ".join(sorted(wanted)),
        **{name: wanted[name] for name in ("role", "is_active") if name in wanted},
    )
    await session.refresh(user)
    return user


async def delete_user(session: AsyncWriteSession, viewer: Viewer, user: User) -> None:
    """Takes the person away; what they owned has found its heir or its end before."""
    check_may_change(viewer, user)
    await _keep_an_admin(session, user)
    await session.delete(user)
    activity.record(
        session, "user.deleted", actor_id=viewer.user_id, target_kind="user", target_id=user.id
    )
    emit(session, UserDeleted(user_id=user.id))


def set_password(user: User, password_hash: str) -> None:
    user.password_hash = password_hash


def check_may_change(viewer: Viewer, user: User) -> None:
    if not viewer.is_admin and viewer.user_id != user.id:
        raise NotYourself


def _name_key(full_name: str) -> str:
    """Cut to its column: one character may become three, and its beginning is enough to sort by."""
    return full_name.casefold()[:NAME_KEY_LENGTH]


async def _keep_an_admin(session: AsyncWriteSession, leaving: User) -> None:
    if leaving.role == Role.ADMIN and not await queries.lock_active_admins(session) - {leaving.id}:
        raise LastAdmin


async def _flush_unique(session: AsyncWriteSession) -> None:
    """The database decides who was first; asking before would only guess."""
    try:
        await session.flush()
    except IntegrityError as error:
        text = str(error.orig)
        if "username_key" in text:
            raise UsernameTaken from error
        if "email" in text:
            raise EmailTaken from error
        raise
