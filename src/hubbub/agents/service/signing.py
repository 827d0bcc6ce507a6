"""The secrets that pushes to a webhook are signed with."""

import base64
import secrets
from uuid import UUID

from sqlalchemy import delete, update

from hubbub.activity import service as activity
from hubbub.agents.models import SigningSecret
from hubbub.agents.schemas import SigningSecretCreated
from hubbub.agents.service.rights import lock_own_agent
from hubbub.agents.types import SIGNING_SECRET_MARK, Actor
from hubbub.kit.crypto import Safe
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id

_BYTES = 32
_PLACE = ("agent_signing_secret", "secret")


async def make_secret(
    session: AsyncWriteSession, safe: Safe, actor: Actor, agent_id: UUID, overlap_seconds: int
) -> SigningSecretCreated:
    """The present one signs beside it for a while; one before that ends now: never more than
    two."""
    agent = await lock_own_agent(session, actor, agent_id)
    ended = delete(SigningSecret).where(SigningSecret.agent_id == agent.id)
    if overlap_seconds:
        ended = ended.where(SigningSecret.expires_at.is_not(None))
    await session.execute(ended)
    kept = await session.scalars(
        update(SigningSecret)
        .where(SigningSecret.agent_id == agent.id)
        .values(expires_at=db_now(overlap_seconds))
        .returning(SigningSecret.expires_at)
        .execution_options(synchronize_session=False)
    )
    ends = kept.one_or_none()
    secret = SIGNING_SECRET_MARK + base64.b64encode(secrets.token_bytes(_BYTES)).decode()
    row = SigningSecret(id=new_id(), agent_id=agent.id)
    row.secret = safe.seal(secret, *_PLACE, row.id)
    session.add(row)
    activity.record(
        session,
        "agent.signing_secret_made",
        actor_id=actor.recorded_as,
        target_kind="agent",
        target_id=agent.id,
        overlap_seconds=overlap_seconds,
    )
    return SigningSecretCreated(secret=secret, previous_expires_at=ends)


async def end_secrets(session: AsyncWriteSession, *agent_ids: UUID) -> None:
    await session.execute(delete(SigningSecret).where(SigningSecret.agent_id.in_(agent_ids)))


def opened(row: SigningSecret, safe: Safe) -> str:
    """In the clear, for whoever pushes to the webhook and for nobody else."""
    assert row.secret is not None  # noqa: S101 - none is stored without
    return safe.open(row.secret, *_PLACE, row.id)
