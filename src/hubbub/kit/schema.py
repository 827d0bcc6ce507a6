"""The base of every Pydantic schema, and the text types that input is made of."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints


def _as_utc(value: object) -> object:
    """A time without offset is read as UTC; any other is turned into UTC."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


def _without_controls(value: str) -> str:
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        msg = "must be one line without control characters"
        raise ValueError(msg)
    return value


def _without_nul(value: str) -> str:
    if "\x00" in value:
        msg = "must not contain the NUL character"
        raise ValueError(msg)
    return value


UtcDatetime = Annotated[datetime, BeforeValidator(_as_utc), AfterValidator(_as_utc)]
Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_without_controls)]
"""One line of text, stripped; add a length with `Field`."""
Text = Annotated[str, AfterValidator(_without_nul)]
"""Free text of any lines; PostgreSQL can't store NUL, so nobody can."""


class Schema(BaseModel):
    """For answers: reads from rows, writes times as ISO 8601 with an offset."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    def serializable_dict(self) -> dict[str, Any]:
        """The same content as values that any JSON encoder takes."""
        return self.model_dump(mode="json")


class Input(Schema):
    """For requests: a field that nobody reads is a mistake of the caller, so it is refused."""

    model_config = ConfigDict(extra="forbid")
