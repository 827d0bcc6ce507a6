"""Statements and finders about participants."""

from hubbub.agents.queries.directory import (
    agent_for_notice,
    agents_of,
    find_agent,
    find_by_handle,
    find_person,
    held_keys,
    key_holder,
    last_seen,
    list_agents,
    lock_agent,
)
from hubbub.agents.queries.enrolments import enrolment_in_time, list_enrolments, lock_enrolment
from hubbub.agents.queries.nearest import nearest_handles
from hubbub.agents.queries.sets import (
    blocked_pairs,
    parties_by_handle,
    parties_by_id,
)
from hubbub.agents.queries.signing import current_secrets
from hubbub.agents.queries.speaking import lock_spoken_for, speaks_for, spoken_for
from hubbub.agents.queries.standing import (
    contact_between,
    contact_for_notice,
    find_block,
    is_blocked,
    list_blocks,
    list_contacts,
    lock_contact,
    lock_pair,
)

__all__ = [
    "agent_for_notice",
    "agents_of",
    "blocked_pairs",
    "contact_between",
    "contact_for_notice",
    "current_secrets",
    "enrolment_in_time",
    "find_agent",
    "find_block",
    "find_by_handle",
    "find_person",
    "held_keys",
    "is_blocked",
    "key_holder",
    "last_seen",
    "list_agents",
    "list_blocks",
    "list_contacts",
    "list_enrolments",
    "lock_agent",
    "lock_contact",
    "lock_enrolment",
    "lock_pair",
    "lock_spoken_for",
    "nearest_handles",
    "parties_by_handle",
    "parties_by_id",
    "speaks_for",
    "spoken_for",
]
