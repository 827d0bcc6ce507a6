"""What the domains bring, by name: nothing registers itself by being imported."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from sqlalchemy.orm import InstrumentedAttribute

from hubbub.agents import jobs as agent_jobs
from hubbub.agents.models import Agent, SigningSecret
from hubbub.agents.service.owned import OwnedAgents
from hubbub.auth import jobs as auth_jobs
from hubbub.auth.service.people import Owned, OwnedInvitations
from hubbub.board import jobs as board_jobs
from hubbub.board import models as board
from hubbub.board.queries import sees_comment, sees_post
from hubbub.files import jobs as file_jobs
from hubbub.files.queries import Sights
from hubbub.items import jobs as item_jobs
from hubbub.items.models import ITEM
from hubbub.items.queries import sees_item
from hubbub.kit.idempotency import FirstAnswer
from hubbub.kit.jobs import Job
from hubbub.kit.jobs.prune import prune, prune_answers
from hubbub.messages import jobs as message_jobs
from hubbub.messages.models import MESSAGE
from hubbub.messages.queries.visible import sees_message
from hubbub.notifications import jobs as notification_jobs
from hubbub.reports import jobs as report_jobs
from hubbub.rooms import jobs as room_jobs

_MODELS = (
    "hubbub.kit.outbox",
    "hubbub.kit.idempotency",
    "hubbub.kit.db.counter",
    "hubbub.kit.db.search",
    "hubbub.kit.jobs.models",
    "hubbub.activity.models",
    "hubbub.users.models",
    "hubbub.auth.models",
    "hubbub.agents.models",
    "hubbub.notifications.models",
    "hubbub.files.models",
    "hubbub.rooms.models",
    "hubbub.messages.models",
    "hubbub.board.models",
    "hubbub.items.models",
    "hubbub.reports.models",
    "hubbub.realtime.models",
)

JOBS: Sequence[Job[Any]] = (
    prune,
    prune_answers,
    *auth_jobs.JOBS,
    *agent_jobs.JOBS,
    *notification_jobs.JOBS,
    *file_jobs.JOBS,
    *room_jobs.JOBS,
    *message_jobs.JOBS,
    *board_jobs.JOBS,
    *item_jobs.JOBS,
    *report_jobs.JOBS,
)

OWNED: Sequence[Owned] = (OwnedInvitations(), OwnedAgents())
"""What becomes of these is asked before a user is deleted."""

SIGHTS: Sights = {
    MESSAGE: sees_message,
    board.POST: sees_post,
    board.COMMENT: sees_comment,
    ITEM: sees_item,
}
"""Who sees what files are on, and with it the files."""

SEALED: Sequence[InstrumentedAttribute[bytes | None]] = (
    Agent.gateway_token,
    SigningSecret.secret,
    FirstAnswer.answer,
)
"""The columns that are sealed with the encryption keys, for `hubbub secrets rotate`."""


def load_models() -> None:
    """Fills the metadata; only migrations need all tables at once."""
    for module in _MODELS:
        import_module(module)
