"""The base of every Pydantic schema, and the types that input is made of."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    model_validator,
)

MAX_JSON_DEPTH = 32


def _as_utc(value: object) -> object:
    """A time without offset is read as UTC; any other is turned into UTC."""
    if not isinstance(value, datetime):
        return value
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        msg = "lies outside of the calendar"
        raise ValueError(msg) from error


def _without_controls(value: str) -> str:
    # Cc has the line feeds and NUL; Zl and Zp are the line ends that Unicode adds
    if any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in value):
        msg = "must be one line without control characters"
        raise ValueError(msg)
    return value


def _without_nul(value: str) -> str:
    if "\x00" in value:
        msg = "must not contain the NUL character"
        raise ValueError(msg)
    return value


def _plain_json(value: dict[str, Any]) -> dict[str, Any]:
    """What every reader of JSON can take: Python's own accepts more than others can read."""
    try:
        _check_json(value, MAX_JSON_DEPTH)
        orjson.dumps(value)
    except TypeError as error:
        msg = "must be plain JSON: whole numbers of 64 bits, valid Unicode"
        raise ValueError(msg) from error
    return value


def _check_json(value: object, depth: int) -> None:
    if depth < 0:
        msg = f"must be nested at most {MAX_JSON_DEPTH} deep"
        raise ValueError(msg)
    if isinstance(value, float) and value - value != 0:
        msg = "must not contain NaN or Infinity"
        raise ValueError(msg)
    if isinstance(value, str):
        _without_nul(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _without_nul(key)
            _check_json(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check_json(inner, depth - 1)


def storable(text: str) -> str:
    """What came by a form, without what no database and no page can hold: NUL, and halves of
    characters, which a form can bring in by naming an odd charset for itself."""
    return text.encode(errors="replace").decode().replace("\x00", "?")


UtcDatetime = Annotated[datetime, BeforeValidator(_as_utc), AfterValidator(_as_utc)]
Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_without_controls)]
"""One line of text, stripped; add a length with `Field`."""
Text = Annotated[str, AfterValidator(_without_nul)]
"""Free text of any lines; PostgreSQL can't store NUL, so nobody can."""
JsonObject = Annotated[dict[str, Any], AfterValidator(_plain_json)]
"""An object whose content nobody here knows; it comes back as it was sent."""


class Schema(BaseModel):
    """For answers: reads from rows, writes times as ISO 8601 with an offset."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    def serializable_dict(self) -> dict[str, Any]:
        """The same content as values that any JSON encoder takes."""
        return self.model_dump(mode="json")


class Input(Schema):
    """For requests: a field that nobody reads is a mistake of the caller, so it is refused."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_unicode(cls, data: object) -> object:
        """JSON can escape half a character, and Python's reader lets it in; no database does."""
        for value in data.values() if isinstance(data, dict) else ():
            for text in value if isinstance(value, list) else (value,):
                if isinstance(text, str) and not _is_encodable(text):
                    msg = "must be valid Unicode"
                    raise ValueError(msg)
        return data


def _is_encodable(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False
