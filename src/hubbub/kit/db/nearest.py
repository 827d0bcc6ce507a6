"""What somebody may have meant who mistyped a name."""

import re
from difflib import get_close_matches
from string import ascii_lowercase, digits

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.kit.db.sessions import AsyncReadSession

_CHARACTERS = ascii_lowercase + digits + "._-"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._-]+")
_AFTER_ALL = "\x7f"
_SHORT = 16
_SOME = 100
_ENOUGH = 300


async def nearest(
    session: AsyncReadSession,
    names: Select[str],
    name: InstrumentedAttribute[str],
    wanted: str,
    limit: int,
) -> list[str]:
    """Those of `names`, a select of the column `name`, that are most like `wanted`. Looks at few
    rows, however many there are: those one slip away, and some that begin alike."""
    wanted = _NOT_IN_NAMES.sub("", wanted.lower())[:64]
    if not wanted:
        return []
    found = set(await session.scalars(names.where(name.in_(_one_slip_away(wanted)))))
    for length in sorted({len(wanted), len(wanted) * 3 // 4, len(wanted) // 2, 2}, reverse=True):
        start = wanted[:length]
        if not start or len(found) >= _ENOUGH:
            continue
        alike = names.where(name >= start, name < start + _AFTER_ALL)
        found |= set(await session.scalars(alike.order_by(name).limit(_SOME)))
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
