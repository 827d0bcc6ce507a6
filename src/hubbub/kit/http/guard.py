"""The innermost layer: what a request must pass before the app sees it, and the last resort when
the app fails."""

import re
from collections.abc import Mapping, Sequence

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.kit.errors import TooLarge
from hubbub.kit.http.edge import route_template
from hubbub.kit.http.headers import RawHeaders, headers_of
from hubbub.kit.http.limits import RateLimit
from hubbub.kit.http.problems import internal_problem, problem
from hubbub.settings import Settings

log = structlog.get_logger()

_CLOSE = {"Connection": "close"}
_MAX_DIGITS = 18
_MOST_KNOWN = 100


class Guard:
    """A host that we know, a body of a size that we take, an allowance that isn't used up."""

    def __init__(self, app: ASGIApp, settings: Settings, larger: Mapping[str, int]) -> None:
        """`larger`: the paths that take more, and how much."""
        self.app = app
        self.hosts = Hosts(settings.http.allowed_hosts)
        self.max_bytes = settings.http.max_body_bytes
        self.larger = larger
        self.rate = RateLimit(settings.limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._pass(scope, receive, send)
        elif scope["type"] != "websocket" or self.hosts.know(headers_of(scope)):
            await self.app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        max_bytes = self.larger.get(scope["path"], self.max_bytes)
        refusal = (
            self.hosts.refusal(headers)
            or _refusal_of_length(headers, max_bytes)
            or self.rate.enter(scope)
        )
        if refusal is not None:
            return await refusal(scope, receive, send)
        try:
            await self.app(scope, _counted(receive, max_bytes), send)
        except ClientDisconnect:
            log.info("request.left", route=route_template(scope))  # nobody is there to be answered
        except Exception:
            log.exception("request.crashed", route=route_template(scope))
            if scope["state"].get("answer_begun"):
                raise  # half an answer is out: let the server cut the connection
            await internal_problem()(scope, receive, send)
        finally:
            self.rate.leave(scope)
        return None


class Hosts:
    """The names that this server answers to."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self.anything = "*" in allowed
        self.exact = {host.lower() for host in allowed if not host.startswith("*.")}
        self.suffixes = tuple(host[1:].lower() for host in allowed if host.startswith("*."))
        self.known: set[bytes] = set()
        """As they came, of those that were allowed."""

    def know(self, headers: RawHeaders) -> bool:
        given = headers.get(b"host", b"")
        if self.anything or given in self.known:
            return True
        host = re.sub(r":\d*$", "", given.decode("latin-1")).lower()
        allowed = host in self.exact or (bool(self.suffixes) and host.endswith(self.suffixes))
        if allowed and len(self.known) < _MOST_KNOWN:
            self.known.add(given)
        return allowed

    def refusal(self, headers: RawHeaders) -> Response | None:
        if self.know(headers):
            return None
        return problem(
            400,
            "unknown_host",
            "This server doesn't answer under that host name",
            "The operator names the host names in HUBBUB_HTTP__ALLOWED_HOSTS.",
        )


def _refusal_of_length(headers: RawHeaders, max_bytes: int) -> Response | None:
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        return problem(
            400,
            "bad_request",
            "The request can't be read as it is",
            "Content-Length must be a number.",
            headers=_CLOSE,
        )
    # by its digits first: Python refuses to read a number of thousands of them
    if len(length) > _MAX_DIGITS:
        length = length.lstrip(b"0") or b"0"
    if len(length) > _MAX_DIGITS or int(length) > max_bytes:
        return problem(
            413,
            TooLarge.code,
            TooLarge.title,
            f"Send at most {max_bytes} bytes.",
            headers=_CLOSE,
        )
    return None


def _counted(receive: Receive, max_bytes: int) -> Receive:
    """Counts while reading, so that a body without a length is stopped just the same."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > max_bytes:
                raise HTTPException(413)  # FastAPI lets no other pass its reading of a body
        return message

    return counted
