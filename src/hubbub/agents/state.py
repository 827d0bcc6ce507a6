"""What the hub remembers of participants while it runs: one for each process, on `app.state`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hubbub.agents.credentials import Credentials
from hubbub.agents.presence import PresenceBuffer, open_presence
from hubbub.auth.service.revocations import CredentialsRevoked
from hubbub.kit.resources import Resources


@dataclass(frozen=True, slots=True)
class AgentState:
    credentials: Credentials
    presence: PresenceBuffer


@asynccontextmanager
async def open_agents(resources: Resources) -> AsyncIterator[AgentState]:
    credentials = Credentials(resources)
    # by the commit in this process, by the bus from all others
    resources.database.hear(CredentialsRevoked.topic, credentials.hear)
    unsubscribe = resources.bus.subscribe(CredentialsRevoked.topic, credentials.hear)
    try:
        async with open_presence(resources) as presence:
            yield AgentState(credentials, presence)
    finally:
        unsubscribe()
