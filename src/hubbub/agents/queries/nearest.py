"""What somebody may have meant who mistyped a name."""

import re
from difflib import get_close_matches
from string import ascii_lowercase, digits

from sqlalchemy import select

from hubbub.agents.models import Agent
from hubbub.kit.db.sessions import AsyncReadSession
from hubbub.users.types import Viewer

_CHARACTERS = ascii_lowercase + digits + "._-"
_NOT_IN_HANDLES = re.compile(r"[^a-z0-9._-]+")
_AFTER_ALL = "\x7f"
_SHORT = 16
_SOME = 100
_ENOUGH = 300


async def nearest_handles(
    session: AsyncReadSession, viewer: Viewer, wanted: str, limit: int = 3
) -> list[str]:
    """What somebody may have meant who wrote `wanted`. Looks at few rows, however many there are:
    those one slip away, and some that begin alike."""
    del viewer
    wanted = _NOT_IN_HANDLES.sub("", wanted.lower())[:64]
    if not wanted:
        return []
    handles = select(Agent.handle).where(Agent.deleted_at.is_(None))
    found = set(await session.scalars(handles.where(Agent.handle.in_(_one_slip_away(wanted)))))
    for length in sorted({len(wanted), len(wanted) * 3 // 4, len(wanted) // 2, 2}, reverse=True):
        start = wanted[:length]
        if not start or len(found) >= _ENOUGH:
            continue
        alike = handles.where(Agent.handle >= start, Agent.handle < start + _AFTER_ALL)
        found |= set(await session.scalars(alike.order_by(Agent.handle).limit(_SOME)))
    return get_close_matches(wanted, found, n=limit)


def _one_slip_away(word: str) -> set[str]:
    """Every name with one character more, less or other than `word`, or two of them swapped."""
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    slips = {head + tail[1:] for head, tail in cuts if tail}
    slips |= {head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1}
    if len(word) <= _SHORT:  # of a long one, a wrong character leaves enough to begin alike
        slips |= {head + char + tail for head, tail in cuts for char in _CHARACTERS}
        slips |= {head + char + tail[1:] for head, tail in cuts if tail for char in _CHARACTERS}
    return slips
