"""Routes about participants."""

from hubbub.agents.router import agents, blocks, contacts, enrolments, keys, signing, transfers
from hubbub.kit.http.router import Router, join

router = Router()
join(
    router,
    *(part.router for part in (agents, keys, signing, contacts, blocks, transfers, enrolments)),
)
