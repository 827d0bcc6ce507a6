from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from hubbub.activity import service as activity
from hubbub.agents.errors import HandleTaken
from hubbub.agents.models import Agent
from hubbub.agents.schemas import AgentCreate, AgentCreated
from hubbub.agents.service.enrolments import use_enrolment
from hubbub.agents.service.gateway import Gateway, changed, put_gateway
from hubbub.agents.service.keys import new_agent_key
from hubbub.agents.service.reading import full_read
from hubbub.agents.types import GatewayKind, Kind
from hubbub.kit.crypto import Safe
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id

_RESERVED = frozenset({"everyone"})
"""What an address can be beside a name."""


@dataclass(frozen=True, slots=True)
class Registrant:
    """Whose agent it will be: the user's who calls, or that of an enrolment's owner."""

    owner_id: UUID
    enrolment_id: UUID | None = None

    @property
    def identity(self) -> str:
        """Whose idempotency keys count."""
        return str(self.enrolment_id or self.owner_id)


async def register(
    session: AsyncWriteSession, safe: Safe, registrant: Registrant, new: AgentCreate
) -> AgentCreated:
    handle = new.name.lower()
    if handle in _RESERVED:
        raise HandleTaken
    gateway = changed(
        Gateway(),
        handle,
        kind=new.gateway_kind or (GatewayKind.OPENCLAW if new.gateway_url else None),
        url=new.gateway_url,
        gives_token=new.gateway_token is not None,
        session_key=new.session_key,
    )
    display_name = new.display_name or new.name
    agent = Agent(
        id=new_id(),
        kind=Kind.AGENT,
        handle=handle,
        display_name=display_name,
        display_key=display_name.casefold(),
        description=new.description,
        skills=new.skills,
        owner_id=registrant.owner_id,
        accepts=new.accepts,
        ordered=new.ordered,
        max_in_flight=new.max_in_flight,
        retry_ambiguous=new.retry_ambiguous,
    )
    token = new.gateway_token.get_secret_value() if new.gateway_token else None
    put_gateway(agent, gateway, safe, token)
    key, row = new_agent_key(agent.id)
    if registrant.enrolment_id is not None:
        await use_enrolment(session, registrant.enrolment_id)
    session.add(agent)
    await _flush_unique(session)
    session.add(row)
    activity.record(
        session,
        "agent.created",
        actor_id=registrant.owner_id,
        target_kind="agent",
        target_id=agent.id,
        enrolment=str(registrant.enrolment_id) if registrant.enrolment_id else None,
    )
    await session.refresh(agent)
    return AgentCreated(**full_read(agent).model_dump(), key=key)


async def _flush_unique(session: AsyncWriteSession) -> None:
    """The database decides who was first; asking before would only guess."""
    try:
        await session.flush()
    except IntegrityError as error:
        if "handle" in str(error.orig):
            raise HandleTaken from error
        raise
