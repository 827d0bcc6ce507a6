"""What may be shown of a refused value: where it stood and what is wrong, never the value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

_HIDDEN = "?"
_MAX_DEPTH = 8
_GENERIC = "Value is not acceptable"


class FieldError(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


def shown_error(item: Mapping[str, Any]) -> FieldError:
    """Without `input` and `ctx`: they would echo passwords, and `ctx` may not even be JSON."""
    return FieldError(
        loc=_shown_loc(item["loc"], item["type"]), msg=_shown_msg(item), type=item["type"]
    )


def _shown_loc(loc: Sequence[str | int], kind: str) -> list[str | int]:
    """The path to the value; names that the caller made up are left out of it."""
    made_up = {len(loc) - 1} if kind == "extra_forbidden" else set()
    # pydantic marks the wrong key of a dictionary by this word after it
    made_up |= {place - 1 for place, part in enumerate(loc) if part == "[key]"}
    return [
        _HIDDEN if place in made_up or not _is_name(part) else part
        for place, part in enumerate(loc[:_MAX_DEPTH])
    ]


def _is_name(part: str | int) -> bool:
    if isinstance(part, int):
        return True
    return len(part) <= 64 and part.isascii() and part.replace("-", "_").isidentifier()


def _shown_msg(item: Mapping[str, Any]) -> str:
    """A validator's own sentence is shown, unless it quotes the value."""
    msg = str(item["msg"])
    if item["type"] not in {"value_error", "assertion_error"}:
        return msg
    if any(text in msg for text in _texts(item.get("input"), _MAX_DEPTH)):
        return _GENERIC
    return msg.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _texts(value: object, depth: int) -> Iterator[str]:
    """Each text in what was sent that is long enough to tell something."""
    if isinstance(value, str) and len(value) > 3:
        yield value
    elif depth and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(key, depth - 1)
            yield from _texts(inner, depth - 1)
    elif depth and isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, depth - 1)
