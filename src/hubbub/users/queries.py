"""Statements and finders. Whoever looks comes first, and sees inactive people only as an admin."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, true

from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import Order, PageRequest, paginate
from hubbub.users.models import User
from hubbub.users.types import Role, UserSort, Viewer

_ORDERS = {
    UserSort.CREATED_AT: Order("users.created_at", User.created_at, User.id, descending=True),
    UserSort.NAME: Order("users.name", User.name_key, User.id),
    UserSort.EMAIL: Order("users.email", User.email, User.id),
}


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.is_admin:
        return true()
    return or_(User.is_active, User.id == viewer.user_id)


async def find_user(session: AsyncReadSession, viewer: Viewer, user_id: UUID) -> User | None:
    statement = select(User).where(User.id == user_id, _visible(viewer))
    return (await session.scalars(statement)).one_or_none()


async def list_users(
    session: AsyncReadSession,
    viewer: Viewer,
    page: PageRequest,
    *,
    search: str | None,
    sort_by: UserSort,
) -> tuple[Sequence[User], str | None]:
    statement = select(User).where(_visible(viewer))
    if search:
        wanted = search.casefold()
        columns = [User.name_key, User.username_key]
        if viewer.is_admin:
            columns.append(User.email)
        statement = statement.where(or_(*(c.contains(wanted, autoescape=True) for c in columns)))
    return await paginate(session, statement, _ORDERS[sort_by], page)


async def find_by_login(session: AsyncReadSession, login: str) -> User | None:
    """By e-mail address or username; for signing in, where nobody is looking yet."""
    key = login.strip().lower()
    column = User.email if "@" in key else User.username_key
    return (await session.scalars(select(User).where(column == key))).one_or_none()


async def find_for_sign_in(session: AsyncReadSession, user_id: UUID) -> User | None:
    """Only to check a credential of that very user."""
    return await session.get(User, user_id)


async def lock_user(session: AsyncWriteSession, user_id: UUID) -> User | None:
    """The user as the row is now and stays until the end of this transaction, for whoever acts on
    what was found out before it began."""
    return await session.get(User, user_id, with_for_update={"read": True}, populate_existing=True)


async def lock_active_admins(session: AsyncWriteSession) -> set[UUID]:
    """Locked, so that two admins can't remove each other at the same moment."""
    statement = (
        select(User.id)
        .where(User.role == Role.ADMIN, User.is_active)
        .order_by(User.id)
        .with_for_update()
    )
    return set(await session.scalars(statement))
