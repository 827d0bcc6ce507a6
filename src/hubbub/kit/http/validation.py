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
    kind = item["type"]
    msg = _shown_msg(item)
    if kind in {"too_long", "too_short"} and isinstance(item.get("input"), str):
        # what pydantic says of a text whose length is checked after a validator: "items"
        msg = msg.replace("Value", "String").replace("items after validation", "characters")
    return FieldError(loc=_shown_loc(item["loc"], kind), msg=msg, type=kind)


def _shown_loc(loc: Sequence[str | int], kind: str) -> list[str | int]:
    """The path to the value; names that the caller made up are left out of it."""
    shown = [part if _is_name(part) else _HIDDEN for part in loc[:_MAX_DEPTH]]
    if kind == "extra_forbidden":
        shown[-1] = _HIDDEN
    return shown


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
