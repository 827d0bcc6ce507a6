"""Routes about participants."""

from fastapi import APIRouter

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

router = APIRouter()
for part in (agents, keys, signing, contacts, blocks, transfers, enrolments, activity):
    router.include_router(part.router)
