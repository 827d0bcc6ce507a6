"""Letting agents register themselves under an owner."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from hubbub.activity import service as activity
from hubbub.agents import queries
from hubbub.agents.errors import EnrolmentNotFound, InvalidEnrolment
from hubbub.agents.models import Enrolment
from hubbub.agents.schemas import EnrolmentCreate, EnrolmentCreated, EnrolmentRead
from hubbub.agents.types import ENROLMENT_MARK
from hubbub.auth.tokens import Tokens
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.users.types import Viewer

_PURPOSE = "enrolment"
_DAYS = 7


async def create_enrolment(
    session: AsyncWriteSession, tokens: Tokens, viewer: Viewer, new: EnrolmentCreate
) -> EnrolmentCreated:
    row = Enrolment(
        owner_id=viewer.user_id,
        uses=new.uses,
        uses_left=new.uses,
        expires_at=new.expires_at or tokens.now() + timedelta(days=_DAYS),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    activity.record(
        session,
        "agent.enrolment_created",
        actor_id=viewer.user_id,
        target_kind="enrolment",
        target_id=row.id,
        uses=row.uses,
    )
    token = ENROLMENT_MARK + tokens.keys.token_for(_PURPOSE, row.id)
    return EnrolmentCreated(**EnrolmentRead.model_validate(row).model_dump(), token=token)


async def read_enrolment(session: AsyncReadSession, tokens: Tokens, token: str) -> Enrolment:
    """The enrolment that a token is for, if it counts; whether uses are left is seen on use."""
    enrolment_id = tokens.keys.subject_of(_PURPOSE, token.removeprefix(ENROLMENT_MARK))
    if enrolment_id is None:
        raise InvalidEnrolment
    found = await queries.enrolment_in_time(session, enrolment_id, tokens.now())
    if found is None:
        raise InvalidEnrolment
    return found


async def use_enrolment(session: AsyncWriteSession, enrolment_id: UUID) -> None:
    """Of two that come for the last use, the second finds none left."""
    used = await session.execute(
        update(Enrolment)
        .where(Enrolment.id == enrolment_id, Enrolment.uses_left > 0)
        .values(uses_left=Enrolment.uses_left - 1)
        .returning(Enrolment.id)
        .execution_options(synchronize_session=False)
    )
    if used.first() is None:
        raise InvalidEnrolment


async def revoke_enrolment(session: AsyncWriteSession, viewer: Viewer, enrolment_id: UUID) -> None:
    row = await queries.lock_enrolment(session, viewer, enrolment_id)
    if row is None:
        raise EnrolmentNotFound
    await session.delete(row)
    activity.record(
        session,
        "agent.enrolment_revoked",
        actor_id=viewer.user_id,
        target_kind="enrolment",
        target_id=enrolment_id,
    )
