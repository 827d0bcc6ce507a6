from typing import Annotated
from uuid import UUID

from fastapi import Path, status

from hubbub.auth import queries
from hubbub.auth.dependencies import CurrentAdmin, CurrentTokens
from hubbub.auth.errors import InvalidToken, InvitationNotFound, ScopeMissing, SessionRequired
from hubbub.auth.schemas import InvitationCreate, InvitationCreated, InvitationRead
from hubbub.auth.service import invitations
from hubbub.kit.http.dependencies import CurrentResources, Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.users.errors import AdminsOnly

router = ApiRouter(prefix="/auth/invitations", tags=["Invitations"])


@router.get(
    "",
    summary="List open invitations",
    responses=responses(InvalidCursor, InvalidToken, AdminsOnly, ScopeMissing),
)
async def list_invitations(
    _: CurrentAdmin, session: ReadSession, tokens: CurrentTokens, page: Page
) -> PageOf[InvitationRead]:
    rows, cursor = await queries.list_invitations(session, tokens.now(), page)
    return PageOf(items=[InvitationRead.model_validate(row) for row in rows], next_cursor=cursor)


@router.post(
    "",
    summary="Invite somebody",
    description="By mail when an address is given, and by the link in the answer in any case."
    " An API key invites members only.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        InvalidToken, AdminsOnly, ScopeMissing, SessionRequired, InvalidKey, KeyReused
    ),
)
async def invite(
    new: InvitationCreate,
    caller: CurrentAdmin,
    session: WriteSession,
    tokens: CurrentTokens,
    resources: CurrentResources,
    once: Once,
) -> InvitationCreated:
    making = invitations.invite(session, tokens, caller, new, resources.settings.public_url)
    return await once(session, caller.identity, new, making)


@router.delete(
    "/{invitation_id}",
    summary="Take an invitation back",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(InvalidToken, AdminsOnly, ScopeMissing, InvitationNotFound),
)
async def revoke_invitation(
    invitation_id: Annotated[UUID, Path(description="An invitation that is still open.")],
    caller: CurrentAdmin,
    session: WriteSession,
    tokens: CurrentTokens,
) -> None:
    await invitations.revoke_invitation(session, tokens, caller, invitation_id)
