"""How a domain says what its jobs are. Declaring registers nothing: `registry.py` lists them."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, get_type_hints, overload
from uuid import UUID

from pydantic import BaseModel, ValidationError

from hubbub.kit.jobs.progress import Progress
from hubbub.kit.outbox import Event
from hubbub.kit.resources import Resources

DEFAULT_ATTEMPTS = 8
LONGEST_INTERVAL = timedelta(days=1)
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a running job is given beside its arguments; it opens its own sessions."""

    resources: Resources
    id: UUID
    attempt: int
    progress: Progress = field(default_factory=Progress)

    def tell(self, step: str, percent: int, message: str | None = None) -> None:
        """Says how far it is. Is cheap: written at most once a second, and at the end."""
        self.progress.tell(step, percent, message)


class NoArgs(BaseModel):
    """For jobs that need none, such as scheduled ones."""


class GiveUp(Exception):
    """A handler raises it `from` what went wrong when trying again would end the same way."""


class InvalidArgsError(Exception):
    """The stored arguments aren't what this version of the job takes."""


type Handler[A: BaseModel] = Callable[[JobContext, A], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job[A: BaseModel]:
    """A declared job. May run more than once for one row, so it looks at the state first."""

    name: str
    args: type[A]
    handler: Handler[A]
    on: type[Event] | None = None
    every: timedelta | None = None
    max_attempts: int = DEFAULT_ATTEMPTS
    at_once: int | None = None
    """How many of these one process runs at a time: long ones leave room for all others."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > 64:
            msg = f"a job is named domain.verb, {self.name!r} isn't"
            raise ValueError(msg)
        if self.max_attempts < 1:
            msg = f"{self.name} needs at least one attempt"
            raise ValueError(msg)
        if self.at_once is not None and self.at_once < 1:
            msg = f"{self.name} would never run"
            raise ValueError(msg)
        if self.on is not None and self.args is not self.on:
            msg = f"{self.name} takes the event that it is declared on"
            raise TypeError(msg)
        if self.every is not None and not timedelta(seconds=1) <= self.every <= LONGEST_INTERVAL:
            # pruning must not delete the row of the present interval: another would be made
            msg = f"{self.name} can run every second at most and every day at least"
            raise ValueError(msg)

    async def __call__(self, context: JobContext, args: A) -> None:
        await self.handler(context, args)

    async def run(self, context: JobContext, stored: dict[str, Any]) -> None:
        try:
            args = self.args.model_validate(stored)
        except ValidationError as error:
            # its text would carry the values into the log
            places = sorted({".".join(map(str, part["loc"])) for part in error.errors()})
            raise InvalidArgsError(f"{self.name}: {', '.join(places)}") from None
        await self.handler(context, args)


@overload
def job[E: Event](
    name: str, *, on: type[E], max_attempts: int = ..., at_once: int | None = ...
) -> Callable[[Handler[E]], Job[E]]: ...
@overload
def job[A: BaseModel](
    name: str,
    *,
    args: type[A],
    every: timedelta | None = ...,
    max_attempts: int = ...,
    at_once: int | None = ...,
) -> Callable[[Handler[A]], Job[A]]: ...
@overload
def job[A: BaseModel](
    name: str,
    *,
    every: timedelta | None = ...,
    max_attempts: int = ...,
    at_once: int | None = ...,
) -> Callable[[Handler[A]], Job[A]]: ...
def job(
    name: str,
    *,
    on: type[Event] | None = None,
    every: timedelta | None = None,
    max_attempts: int = DEFAULT_ATTEMPTS,
    at_once: int | None = None,
    args: type[Any] | None = None,
) -> Callable[[Handler[Any]], Job[Any]]:
    """Declares `async def handler(context, args)` as a job.

    `on` makes one for each such event, `every` one for each interval of that length. The type of
    the arguments is read from the handler's annotation.
    """

    def declare(handler: Handler[Any]) -> Job[Any]:
        taken = args or on or _annotated(handler)
        return Job(
            name,
            taken,
            handler,
            on=on,
            every=every,
            max_attempts=max_attempts,
            at_once=at_once,
        )

    return declare


def _annotated(handler: Handler[Any]) -> type[BaseModel]:
    hints = get_type_hints(handler)
    hints.pop("return", None)
    kinds = list(hints.values())
    if len(kinds) != 2 or not (isinstance(kinds[1], type) and issubclass(kinds[1], BaseModel)):
        msg = "a job takes a JobContext and a Pydantic model"
        raise TypeError(msg)
    return kinds[1]
