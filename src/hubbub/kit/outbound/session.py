"""The one pool of connections to servers that somebody else has named."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import structlog
from aiohttp import (
    AddrInfoType,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver, ResolveResult

from hubbub.kit.outbound.addresses import AddressRefused, AddressRules, rules_of
from hubbub.settings import Settings

log = structlog.get_logger()

TIMEOUT = ClientTimeout(total=30)
KEEPALIVE = 4.0
"""Less than the 5 seconds after which a Node server hangs up: a connection that ends just as it is
used again leaves open whether the request arrived."""
LOOKUPS = 32


class Lookups(AbstractResolver):
    """Resolves names in threads of its own. A name server that never answers, which anybody can
    have, holds up others that look up a gateway at the most, and never the hub's own work."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port, family)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, _, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: int) -> Sequence[AddrInfoType]:
    try:
        return socket.getaddrinfo(
            host, port, family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    except UnicodeError as error:  # what can't be written as a name has no address
        raise socket.gaierror(socket.EAI_NONAME, "not a name") from error


def open_session(settings: Settings, resolver: AbstractResolver | None = None) -> ClientSession:
    rules = rules_of(settings)

    def make_socket(found: AddrInfoType) -> socket.socket:
        family, kind, proto, _, address = found
        _check(rules, str(address[0]), int(address[1]))
        return socket.socket(family, kind, proto)

    connector = TCPConnector(
        resolver=resolver or Lookups(),
        socket_factory=make_socket,
        keepalive_timeout=KEEPALIVE,
        limit=0,  # a gateway that hangs must not keep a place that another one waits for
    )
    return ClientSession(
        connector=connector,
        timeout=TIMEOUT,
        middlewares=(_NotOurselves(settings.public_url),),
        # two gateways at one place know nothing of each other
        cookie_jar=DummyCookieJar(),
        # what is small on the wire may be endless when unpacked
        auto_decompress=False,
        headers={"Accept-Encoding": "identity", "User-Agent": f"Hubbub/{settings.version}"},
    )


def _check(rules: AddressRules, address: str, port: int) -> None:
    try:
        rules.check(address, port)
    except AddressRefused as refused:
        # for who runs the hub: the caller isn't told where a name leads
        log.warning("outbound.refused", address=address, port=port, for_good=refused.for_good)
        raise


class _NotOurselves:
    """The hub behind its proxy: by then it is an address like any other."""

    def __init__(self, own: str) -> None:
        parts = urlsplit(own)
        self._own = _plain(parts.hostname), parts.port or {"https": 443}.get(parts.scheme, 80)

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if (_plain(request.url.raw_host), request.url.port) == self._own:
            raise AddressRefused(for_good=True)
        return await handler(request)


def _plain(host: str | None) -> str:
    """A dot at the end names the same host."""
    return (host or "").removesuffix(".")
