"""Running uvicorn: our sockets, our logging, our way to end."""

import ctypes
import errno
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
import uvicorn
from uvicorn.supervisors import ChangeReload, Multiprocess

import hubbub
from hubbub.cli.protocol import Protocol
from hubbub.cli.sockets import SocketProtocol
from hubbub.settings import Settings
from hubbub.start import StartError

log = structlog.get_logger()

APP = "hubbub.app:create_app"
BACKLOG = 2048
GRACE_SECONDS = 5
_M_ARENA_MAX = -8
"""The name of the limit in `malloc.h`."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Listens before anything else is touched: from here on the port is ours, and who connects
    while the hub starts waits instead of being refused."""
    sockets: list[socket.socket] = []
    try:
        addresses = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # a name such as `localhost` may have several addresses
        for family, _, _, _, address in sorted(set(addresses), key=lambda found: found[0]):
            sockets.append(_listen(family, address, alone=len(addresses) == 1))
            if port == 0:
                break
    except OSError as error:
        for made in sockets:
            made.close()
        raise StartError(_why_not(error, host, port)) from error
    return sockets


def _listen(family: int, address: tuple[str | int | bytes, ...], *, alone: bool) -> socket.socket:
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # alone, `::` takes IPv4 as well
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not alone))
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.set_inheritable(True)
    except BaseException:
        listener.close()
        raise
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} at {host} is taken by another program: end that one, or choose another"
            " port with --port or HUBBUB_PORT"
        )
    if error.errno == errno.EACCES:
        return f"port {port} needs privileges: choose one above 1023 with --port or HUBBUB_PORT"
    return (
        f"{host} is no address of this machine ({error.strerror}): choose another with --host or"
        " HUBBUB_HOST"
    )


def run(
    settings: Settings,
    sockets: list[socket.socket],
    *,
    workers: int = 1,
    reload: bool = False,
    app: str = APP,
) -> int:
    """Serves until a signal ends it; returns the exit code."""
    config = uvicorn_config(settings, workers=workers, reload=reload, app=app)
    if reload:
        ChangeReload(config, target=uvicorn.Server(config).run, sockets=sockets).run()
        return 0
    if workers > 1:
        log.info("hub.listening", url=settings.public_url, workers=workers)
        supervisor = Multiprocess(config, sockets)
        supervisor.run()
        # the supervisor gives up when a child can't start, and leaves it to us to say so
        return max(0, *(process.exitcode or 0 for process in supervisor.processes))
    _share_one_heap()
    server = _Server(config, settings.public_url)
    gc.disable()  # nothing that loading makes is garbage; looking for it takes a sixth of the time
    with _ending_is_success():
        server.run(sockets)
    return 0 if server.started else 1


def uvicorn_config(settings: Settings, *, workers: int, reload: bool, app: str) -> uvicorn.Config:
    # uvicorn only ever calls it; processes get it by pickle, which knows partials and no closures
    protocol: Any = partial(Protocol, request_timeout=settings.http.request_timeout)
    return uvicorn.Config(
        app,
        factory=True,
        http=protocol,
        ws=SocketProtocol,
        workers=workers,
        reload=reload,
        reload_dirs=[str(Path(hubbub.__file__).parent)] if reload else None,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(settings.http.trusted_proxies),
        forwarded_allow_ips=list(settings.http.trusted_proxies),
        backlog=BACKLOG,
        timeout_keep_alive=75,  # longer than the idle time of most proxies, which else see resets
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=10,  # a child on a busy machine is not a dead child
        ws_max_size=1024 * 1024,
        ws_ping_interval=settings.sockets.ping_seconds,
        ws_ping_timeout=settings.sockets.pong_seconds,
        ws_per_message_deflate=False,
    )


def _share_one_heap() -> None:
    """glibc gives a thread a heap of its own, and each of SQLite's threads would for ever keep what
    its largest batch took."""
    if "MALLOC_ARENA_MAX" not in os.environ:
        # another C library, or none that can be asked
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            # uvicorn says where it listens only when it has made the sockets
            log.info("hub.listening", url=self._url)
            # what is there now stays: looking through all of it for garbage, again and again while
            # messages come in, stopped every request for a tenth of a second
            gc.collect()
            gc.freeze()
            gc.enable()


@contextmanager
def _ending_is_success() -> Iterator[None]:
    """uvicorn shuts down in order and then raises the signal anew: what it would have done to a
    program without a handler. To be ended is what a server is for, so the exit code is 0."""

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        sys.exit(0)

    before = {name: signal.signal(name, end) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
