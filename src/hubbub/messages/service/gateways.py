"""From an agent to where and with what it is pushed to, and asking that place a question."""

from collections.abc import Sequence
from uuid import UUID

from hubbub.activity import service as activity
from hubbub.agents import queries as agents
from hubbub.agents.models import Agent, SigningSecret
from hubbub.agents.service import signing
from hubbub.agents.service.gateway import gateway_token
from hubbub.agents.service.rights import get_own_agent
from hubbub.agents.types import Actor
from hubbub.kit.counters import Counters, seconds_left
from hubbub.kit.crypto import Safe, SealBrokenError
from hubbub.kit.resources import Resources
from hubbub.messages.delivery.findings import ADVICE
from hubbub.messages.delivery.probe import Diagnosis, probe
from hubbub.messages.delivery.types import Target
from hubbub.messages.errors import GatewayTestLimit, NoGateway
from hubbub.messages.types import Finding

_WINDOW = 60


def target_of(agent: Agent, secrets: Sequence[SigningSecret], safe: Safe) -> Target | None:
    """None for one that fetches its messages itself. Raises `SealBrokenError` where a stored
    secret can't be opened."""
    if agent.gateway_url is None:
        return None
    return Target(
        kind=agent.gateway_kind,
        url=agent.gateway_url,
        token=gateway_token(agent.id, agent.gateway_token, safe),
        session_key=agent.session_key,
        signing_secrets=tuple(signing.opened(each, safe) for each in secrets),
        retry_ambiguous=agent.retry_ambiguous,
    )


async def test_gateway(resources: Resources, actor: Actor, agent_id: UUID) -> Diagnosis:
    async with resources.database.read() as session:
        agent = await get_own_agent(session, actor, agent_id)
        secrets = await agents.current_secrets(session, [agent.id])
    if agent.gateway_url is None:
        raise NoGateway
    settings = resources.settings.gateway
    _check_limit(resources.counters, agent.id, settings.tests_per_minute)
    async with resources.database.write() as session:
        activity.record(
            session,
            "gateway.tested",
            actor_id=actor.recorded_as,
            target_kind="agent",
            target_id=agent.id,
        )
    try:
        target = target_of(agent, secrets, resources.safe)
    except SealBrokenError:
        return Diagnosis(Finding.TOKEN_UNREADABLE, ADVICE[Finding.TOKEN_UNREADABLE])
    assert target is not None  # noqa: S101 - it has a URL
    return await probe(resources.http, target, settings, resources.clock.now())


def _check_limit(counters: Counters, agent_id: UUID, most: int) -> None:
    if counters.hit(f"gateway-test:{agent_id}", _WINDOW) > most:
        raise GatewayTestLimit(retry_after=seconds_left(_WINDOW))
