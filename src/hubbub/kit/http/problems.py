"""Errors as RFC 9457 problem documents: the one place that turns exceptions into answers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from hubbub.kit.context import request_context
from hubbub.kit.errors import AppError
from hubbub.kit.http.validation import FieldError, shown_error

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 50

_CODES = {
    400: ("bad_request", "The request can't be read as it is"),
    401: ("unauthenticated", "A valid credential is required"),
    403: ("forbidden", "This credential may not do that"),
    404: ("not_found", "There is nothing at this address"),
    405: ("method_not_allowed", "This address doesn't take that method; see the Allow header"),
    406: ("not_acceptable", "No form of this is acceptable to you"),
    413: ("too_large", "The body is too large"),
    415: ("unsupported_media_type", "Send the body as one of the types the documentation names"),
    416: ("range_not_satisfiable", "The range lies outside of the content"),
    422: ("validation_failed", "The request has values that are not acceptable; see errors"),
    429: ("too_many_requests", "Too many requests"),
    503: ("unavailable", "The hub can't do this right now; try again"),
}


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    code: str = Field(description="Stable, for programs; the texts are for people.")
    request_id: str | None = None
    errors: list[FieldError] | None = None


def problem(
    status: int,
    code: str,
    title: str,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **extra: object,
) -> Response:
    body = problem_body(status, code, title, detail, **extra)
    content = orjson.dumps(body, default=_plain)
    return Response(content, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def problem_body(
    status: int, code: str, title: str, detail: str | None = None, **extra: object
) -> dict[str, Any]:
    context = request_context.get()
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": context.request_id if context else None,
    }
    # what an error adds never replaces what each problem has
    return {name: value for name, value in (extra | body).items() if value is not None}


def _plain(value: object) -> object:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def problem_of(error: AppError) -> Response:
    return problem(
        error.status, error.code, error.title, error.detail, headers=error.headers(), **error.extra
    )


def body_of(error: AppError | ValidationError) -> dict[str, Any]:
    """For an answer that tells of several things, of which some were refused."""
    if isinstance(error, AppError):
        return problem_body(error.status, error.code, error.title, error.detail, **error.extra)
    code, title = _CODES[422]
    errors = [shown_error(item).model_dump() for item in error.errors()[:MAX_ERRORS]]
    return problem_body(422, code, title, errors=errors)


async def _on_app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)  # noqa: S101 - registered for this type alone
    if error.status >= 500 and error.status != 503:
        log.error("request.failed", code=error.code, exc_info=error)
    else:
        log.warning("request.refused", code=error.code, status=error.status)
    del request
    return problem_of(error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type alone
    del request
    code, title = _CODES[422]
    errors = [shown_error(item) for item in error.errors()[:MAX_ERRORS]]
    log.warning("request.refused", code=code, status=422)
    return problem(422, code, title, errors=errors)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type alone
    del request
    code, title = _CODES.get(error.status_code) or ("http_error", _phrase(error.status_code))
    log.warning("request.refused", code=code, status=error.status_code)
    return problem(error.status_code, code, title, headers=error.headers)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "The request was refused"


def internal_problem() -> Response:
    return problem(
        500,
        AppError.code,
        AppError.title,
        "It has been written to the log under this request_id; tell it to the operator.",
    )


async def _on_crash(request: Request, error: Exception) -> Response:
    del request, error
    return internal_problem()


def add_exception_handlers(app: FastAPI) -> None:
    """Four, no more. A crash is logged once, by the middleware that sees it first."""
    app.add_exception_handler(AppError, _on_app_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_crash)


def responses(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Declares what a route may answer besides success: `responses=responses(PostNotFound)`."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        entry = by_status.setdefault(
            error.status,
            {
                "description": "",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )
        line = f"`{error.code}`: {error.title}"
        entry["description"] = "\n\n".join(filter(None, [entry["description"], line]))
    return by_status
