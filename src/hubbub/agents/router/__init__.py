"""Routes about participants."""

from hubbub.agents.router import (
    activity,
    agents,
    blocks,
    contacts,
    enrolments,
    keys,
    signing,
    transfers,
)
from hubbub.kit.http.router import Router, join

router = Router()
for part in (agents, keys, signing, contacts, blocks, transfers, enrolments, activity):
    join(router, part.router)
