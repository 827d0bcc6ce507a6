"""Every user is a participant too, so that people write and read with the same machinery."""

import re
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select

from hubbub.agents import queries
from hubbub.agents.models import Agent
from hubbub.agents.types import Kind
from hubbub.kit.db.dialect import insert_or_ignore
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.users.models import User

_NOT_IN_HANDLES = re.compile(r"[^a-z0-9._-]+")
_HANDLE_LENGTH = 64
_NUMBERED = 50
"""How many numbers are tried behind a name before a random end makes it unique."""


async def ensure_person(session: AsyncWriteSession, user_id: UUID) -> Agent | None:
    """The user's participant, made if there is none yet; None if there is no such user."""
    person = await queries.find_person(session, user_id)
    if person is not None:
        return person
    # locked, so that of two that come at once the second finds what the first has made
    statement = select(User).where(User.id == user_id).with_for_update()
    user = (await session.scalars(statement)).one_or_none()
    if user is None:
        return None
    for handle in _handles(user.username):
        person = await queries.find_person(session, user_id)
        if person is not None:
            return person
        await _insert(session, user, handle)
    return await queries.find_person(session, user_id)


def _handles(username: str) -> Iterator[str]:
    stem = _NOT_IN_HANDLES.sub("-", username.lower()).lstrip("._-")[:_HANDLE_LENGTH] or "person"
    yield stem
    for number in range(2, _NUMBERED):
        end = f"-{number}"
        yield stem[: _HANDLE_LENGTH - len(end)] + end
    yield f"{stem[: _HANDLE_LENGTH - 13]}-{new_id().hex[-12:]}"


async def _insert(session: AsyncWriteSession, user: User, handle: str) -> None:
    """Nothing happens where the handle is taken."""
    row = {
        "id": new_id(),
        "kind": Kind.PERSON,
        "handle": handle,
        "display_name": user.full_name,
        "display_key": user.full_name.casefold(),
        "owner_id": user.id,
        "person_of": user.id,
    }
    await session.execute(insert_or_ignore(session, Agent, unique=["handle"]).values(row))
