"""Plain forms: what people typed goes to a use case, and what it says comes back as sentences."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from hubbub.kit.db.database import Database
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.errors import AppError, RetryLater
from hubbub.kit.schema import storable

type Typed = Mapping[str, str]

_MAX_FIELDS = 16


async def typed(request: Request) -> Typed:
    """The fields of a submitted form, as text."""
    try:
        async with request.form(max_files=0, max_fields=_MAX_FIELDS) as form:
            return {name: storable(text) for name, text in form.items() if isinstance(text, str)}
    except ClientDisconnect as error:
        # nobody reads the answer, but it is no failure of ours to be counted and logged as one
        raise HTTPException(400) from error


TypedForm = Annotated[Typed, Depends(typed)]


async def submit[M: BaseModel](
    database: Database,
    model: type[M],
    values: Mapping[str, object],
    act: Callable[[AsyncWriteSession, M], Awaitable[object]],
) -> list[str]:
    """Validates, acts in a transaction of its own, and returns what was wrong, if anything."""
    try:
        content = model.model_validate(values)
    except ValidationError as error:
        return [_sentence(item["loc"], item["msg"]) for item in error.errors()]
    try:
        async with database.write() as session:
            await act(session, content)
    except RetryLater:
        raise  # nothing is wrong with what was typed
    except AppError as error:
        return [error.title + "."]
    return []


def _sentence(loc: tuple[int | str, ...], message: str) -> str:
    field = str(loc[0]).replace("_", " ") if loc else ""
    return f"{field}: {message.removeprefix('Value error, ')}".removeprefix(": ")


def given(values: Typed, *names: str) -> dict[str, str]:
    """Those fields, without the empty ones: a form sends an empty text where nothing was typed."""
    return {name: values[name] for name in names if values.get(name)}


def token_of(request: Request) -> str:
    token = request.query_params.get("token", "")
    if len(token) > 200:
        raise HTTPException(404)
    return token
