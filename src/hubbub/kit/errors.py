"""The one tree of errors that a caller may see.

A domain derives its own leaves in its `errors.py`; the class is the code, so nothing else
decides how an error is answered.

AppError
├── BadRequest          400
├── Unauthenticated     401
├── Forbidden           403
├── NotFound            404
├── Conflict            409
├── Gone                410
├── TooLarge            413
├── Unprocessable       422
├── TooManyRequests     429
└── Unavailable         503
"""

from collections.abc import Mapping
from typing import ClassVar


class AppError(Exception):
    """Carries nothing that the caller sent: `detail` is read by people and never echoes input."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"
    keeps_writes: ClassVar[bool] = False
    """Whether the boundary commits what was written before this was raised."""

    def __init__(self, detail: str | None = None, **extra: object) -> None:
        self.detail = detail
        self.extra: Mapping[str, object] = extra
        super().__init__(detail or self.title)

    def headers(self) -> dict[str, str]:
        return {}


class BadRequest(AppError):
    status = 400
    code = "bad_request"
    title = "The request can't be read as it is"


class Unauthenticated(AppError):
    status = 401
    code = "unauthenticated"
    title = "A valid credential is required"

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="hubbub"'}


class Forbidden(AppError):
    status = 403
    code = "forbidden"
    title = "This credential may not do that"


class NotFound(AppError):
    status = 404
    code = "not_found"
    title = "There is no such thing, or it is not visible to you"


class Conflict(AppError):
    status = 409
    code = "conflict"
    title = "This contradicts the present state"


class Gone(AppError):
    status = 410
    code = "gone"
    title = "This is over and won't come back"


class TooLarge(AppError):
    status = 413
    code = "too_large"
    title = "The body is too large"


class Unprocessable(AppError):
    status = 422
    code = "unprocessable"
    title = "A value is not acceptable"


class RetryLater(AppError):
    """Any refusal that passes by itself."""

    def __init__(
        self, detail: str | None = None, *, retry_after: float = 1, **extra: object
    ) -> None:
        super().__init__(detail, **extra)
        self.retry_after = max(1, round(retry_after))

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class TooManyRequests(RetryLater):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"


class Unavailable(RetryLater):
    status = 503
    code = "unavailable"
    title = "The hub can't do this right now; try again"
