"""
What a socket is refused for, beside what a request would be. Told as close code, or in a frame.

BadRequest               400
├── BadFrame                 a frame that is none of ours
└── BadCursor
Forbidden                403
└── ForeignOrigin            a browser's page that this hub doesn't know
NotFound                 404
└── NoSuchStream             the path names none
TooManyRequests          429
└── RateLimited              connections, frames and requests together
"""

from hubbub.kit.errors import AppError, BadRequest, Forbidden, NotFound, TooManyRequests


class BadFrame(BadRequest):
    code = "bad_frame"
    title = "Send JSON objects with a type that this socket knows"


class BadCursor(BadRequest):
    code = "bad_cursor"
    title = "after must be EPOCH:SEQ or SEQ"


class ForeignOrigin(Forbidden):
    code = "foreign_origin"
    title = "Pages of this origin may not connect; see HUBBUB_HTTP__CORS_ORIGINS"


class NoSuchStream(NotFound):
    code = "no_such_stream"
    title = "There is no such agent or room, or it is not visible to you"


class RateLimited(TooManyRequests):
    code = "rate_limited"
    title = "Too many requests from this credential or address"


SLOW, SLOW_REASON = 4408, "you read too slowly; connect again with your cursor"
GONE_WRONG = 1011
LATER = 1013
POLICY = 1008

_CLOSE_CODES = {400: 4400, 401: 4401, 403: 4403, 404: 4404, 422: 4400, 429: 4429, 503: LATER}


def close_code(error: AppError) -> tuple[int, str]:
    """With a reason that fits into a close frame."""
    code = _CLOSE_CODES.get(error.status, GONE_WRONG)
    return code, error.title.encode()[:120].decode(errors="ignore")
