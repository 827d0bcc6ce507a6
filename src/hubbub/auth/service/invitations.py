from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from hubbub.activity import service as activity
from hubbub.auth import queries
from hubbub.auth.errors import InvalidToken, InvitationNotFound, InvitationRequired
from hubbub.auth.models import Invitation
from hubbub.auth.schemas import InvitationCreate, InvitationCreated, InvitationRead
from hubbub.auth.service.callers import check_signed_in
from hubbub.auth.tokens import Tokens
from hubbub.auth.types import Caller
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.outbox import Event, emit
from hubbub.users.queries import lock_user
from hubbub.users.types import Role

INVITATION = "invitation"


class Invited(Event):
    topic: ClassVar[str] = "auth.invited"
    invitation_id: UUID


def invitation_link(tokens: Tokens, public_url: str, invitation_id: UUID) -> str:
    return f"{public_url}/join?token={tokens.keys.token_for(INVITATION, invitation_id)}"


async def invite(
    session: AsyncWriteSession,
    tokens: Tokens,
    caller: Caller,
    new: InvitationCreate,
    public_url: str,
) -> InvitationCreated:
    if new.role is Role.ADMIN:
        check_signed_in(caller)
    if await lock_user(session, caller.user_id) is None:
        raise InvalidToken  # deleted since the credential was checked
    invitation = Invitation(
        email=new.email,
        role=new.role,
        inviter_id=caller.user_id,
        expires_at=tokens.now() + timedelta(days=tokens.settings.invitation_days),
    )
    session.add(invitation)
    await session.flush()
    await session.refresh(invitation)
    activity.record(
        session,
        "auth.invited",
        actor_id=caller.user_id,
        target_kind="invitation",
        target_id=invitation.id,
        role=new.role,
    )
    if new.email is not None:
        emit(session, Invited(invitation_id=invitation.id))
    read = InvitationRead.model_validate(invitation)
    link = invitation_link(tokens, public_url, invitation.id)
    return InvitationCreated(**read.model_dump(), link=link)


async def revoke_invitation(
    session: AsyncWriteSession, tokens: Tokens, caller: Caller, invitation_id: UUID
) -> None:
    invitation = await queries.lock_open_invitation(session, invitation_id, tokens.now())
    if invitation is None:
        raise InvitationNotFound
    invitation.revoked_at = tokens.now()
    activity.record(
        session,
        "auth.invitation_revoked",
        actor_id=caller.user_id,
        target_kind="invitation",
        target_id=invitation.id,
    )


def read_invitation(tokens: Tokens, token: str) -> UUID:
    """Which invitation a token is for; whether that one still counts is another question."""
    invitation_id = tokens.keys.subject_of(INVITATION, token)
    if invitation_id is None:
        raise InvitationRequired
    return invitation_id


async def accept_invitation(
    session: AsyncWriteSession, tokens: Tokens, invitation_id: UUID, email: str
) -> Invitation:
    """Uses the invitation up; of two people with one link, the first gets in."""
    invitation = await queries.lock_open_invitation(session, invitation_id, tokens.now())
    if invitation is None or (invitation.email is not None and invitation.email != email):
        raise InvitationRequired
    invitation.accepted_at = tokens.now()
    return invitation
