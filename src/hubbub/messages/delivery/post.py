"""One request to a gateway, and whatever becomes of it as a value."""

import asyncio
import base64
import ssl
import time
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import quote, urlsplit

import orjson
from aiohttp import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
    NonHttpUrlClientError,
    ServerConnectionError,
)

from hubbub.kit.outbound.addresses import SETTING, AddressRefused, refusal_in
from hubbub.messages.delivery.types import Answer, Fault, NoAnswer, Request

EXCERPT = 500
MAX_RETRY_AFTER = 86400.0
_MASK = "***"


async def post(http: ClientSession, request: Request) -> Answer | NoAnswer:
    """Never raises, but for being cancelled and for mistakes of our own."""
    begun = time.perf_counter()
    if not is_callable(request.url):
        return NoAnswer(Fault.BAD_URL, 0)
    try:
        async with http.post(
            request.url,
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            timeout=_timeout(request.connect_timeout, request.timeout),
        ) as response:
            body, is_whole = await _read(response, request.max_answer)
            if 200 <= response.status <= 299:
                # nobody needs to read anything of it; it may be what an agent has said
                return Answer(response.status, _ms_since(begun), body, is_whole)
            return Answer(
                response.status,
                _ms_since(begun),
                body,
                is_whole,
                excerpt(body, request.secrets),
                seconds_of(response.headers.get("Retry-After"), datetime.now(UTC)),
            )
    except (ClientError, OSError, UnicodeError) as error:
        return _no_answer(error, _ms_since(begun))


@lru_cache(64)
def _timeout(connect: float, then: float) -> ClientTimeout:
    return ClientTimeout(total=connect + then, connect=connect)


@lru_cache(4096)
def is_callable(url: str) -> bool:
    """Numbers that stand for addresses may be written in many ways: the socket judges those."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return known and "@" not in parts.netloc and "\\" not in url


async def _read(response: ClientResponse, most: int) -> tuple[bytes, bool]:
    """As much of the body as may be read. The status has been said by now, so that an end in its
    midst is no longer the end of the push."""
    body = b""
    try:
        while part := await response.content.read(most + 1 - len(body)):
            body += part
            if len(body) > most:
                response.close()
                return body[:most], False
    except (ClientError, OSError):
        response.close()
        return body, False
    return body, True


def _no_answer(error: Exception, ms: int) -> NoAnswer:
    refused = refusal_in(error)
    if refused is not None:
        return NoAnswer(Fault.ADDRESS_REFUSED, ms, _why_refused(refused))
    return NoAnswer(_fault(error), ms)


def _why_refused(refused: AddressRefused) -> str:
    if refused.for_good:
        return "This hub never calls itself, nor where a cloud keeps the credentials of machines."
    return (
        "The URL leads into a network that this hub doesn't call. Give one that is reached from"
        f" the internet, or ask whoever runs the hub to name the network in {SETTING}."
    )


_FAULTS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Fault], ...] = (
    ((InvalidURL, NonHttpUrlClientError, UnicodeError), Fault.BAD_URL),
    (ClientConnectorDNSError, Fault.UNRESOLVED),
    ((ClientSSLError, ssl.CertificateError), Fault.TLS_FAILED),
    ((ClientConnectorError, ConnectionTimeoutError), Fault.UNREACHABLE),
    (asyncio.TimeoutError, Fault.TIMEOUT),
    ((ClientPayloadError, ClientOSError, ServerConnectionError), Fault.CUT),
    (ClientResponseError, Fault.NOT_HTTP),
)
"""The first that fits: some of them are kinds of those below."""


def _fault(error: Exception) -> Fault:
    return next((fault for kinds, fault in _FAULTS if isinstance(error, kinds)), Fault.CUT)


def _ms_since(begun: float) -> int:
    return round((time.perf_counter() - begun) * 1000)


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """Both forms: a number of seconds, or a date. A gateway can't put us off for ever."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), MAX_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    wait = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(wait, 0.0), MAX_RETRY_AFTER)


def excerpt(body: bytes, secrets: Iterable[str]) -> str:
    text = body.decode(errors="replace")
    for secret in secrets:
        for form in _forms(secret):
            text = text.replace(form, _MASK)
    shown = "".join(
        " " if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} else char
        for char in text[:EXCERPT]
    )
    return shown.strip()


def _forms(secret: str) -> set[str]:
    """As it may be written in an answer."""
    raw = secret.encode()
    return {
        secret,
        orjson.dumps(secret).decode()[1:-1],
        quote(secret, safe=""),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }
