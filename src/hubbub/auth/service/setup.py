"""The first admin of a new hub."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError

from hubbub.auth import queries
from hubbub.auth.errors import SetupDone
from hubbub.auth.models import Setup
from hubbub.auth.passwords import hash_password
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.keys import Keyring
from hubbub.users import service as users
from hubbub.users.models import User
from hubbub.users.schemas import UserCreate
from hubbub.users.types import Role

_PURPOSE = "setup"
_THE_HUB = UUID(int=0)


async def needs_setup(session: AsyncReadSession) -> bool:
    return not await queries.is_set_up(session)


def setup_token(keys: Keyring) -> str:
    """What the first start prints: worthless as soon as there is an admin."""
    return keys.token_for(_PURPOSE, _THE_HUB)


def is_setup_token(keys: Keyring, token: str) -> bool:
    return keys.subject_of(_PURPOSE, token) == _THE_HUB


async def create_first_admin(session: AsyncWriteSession, new: UserCreate) -> User:
    password_hash = await hash_password(new.password.get_secret_value())
    if not await needs_setup(session):
        raise SetupDone
    session.add(Setup(id=1))
    try:
        await session.flush()
    except IntegrityError as error:
        raise SetupDone from error
    return await users.create_user(session, new, role=Role.ADMIN, password_hash=password_hash)
