"""Structured logs: coloured lines on a terminal, JSON elsewhere, one stream for everything.

An event is named `domain.event` and carries fields. What must never be printed is masked by name
here, at any depth, so that a careless field can't leak. Tracebacks show code and no values, for
the same reason.
"""

import asyncio
import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import orjson
import structlog
from structlog.types import Processor

from hubbub.kit.context import request_context
from hubbub.settings import LogSettings

_SECRET_WORDS = ("password", "secret", "token", "authorization", "api_key", "api-key", "cookie")
_MASK = "***"
_CHATTY = (
    "aiosqlite",
    "alembic",
    "asyncio",
    "httpx2",
    "hubbub.kit.db.turns",  # SQLAlchemy names a pool's logger after the module of its class
    "sqlalchemy",
    "taskiq",
)
_MAX_DEPTH = 4


def mask_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        event[name] = _masked(name, value, _MAX_DEPTH)
    return event


def name_request(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = request_context.get()
    if context is not None:
        event.setdefault("request_id", context.request_id)
    return event


def _masked(name: object, value: object, depth: int) -> object:
    if isinstance(name, str) and any(word in name.lower() for word in _SECRET_WORDS):
        return _MASK
    if isinstance(value, Mapping) and depth:
        return {key: _masked(key, inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_masked(None, inner, depth - 1) for inner in value]
    return value


def _to_json(event: MutableMapping[str, Any], **_: object) -> str:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a number or a string that JSON can't carry must not cost the line
        return orjson.dumps({str(key): _plain(value) for key, value in event.items()}).decode()


def _plain(value: object) -> str:
    return value if isinstance(value, str) and value.isascii() else ascii(value)


def _renderers(*, console: bool, colours: bool) -> list[Processor]:
    if console:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_to_json),
    ]


class _AccessLines:
    """The lines of answered requests, gathered for a moment and written together.

    There is one for each request, so they go past the machinery that all others go through: it
    costs more than storing a message.
    """

    def __init__(self) -> None:
        self.stream: TextIO = sys.stdout
        self.enabled = False
        self.plain = True
        self._lines: list[str] = []
        self._due = False

    def add(self, line: str) -> None:
        self._lines.append(line)
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(_GATHER_SECONDS, self.flush)

    def flush(self) -> None:
        self._due = False
        lines, self._lines = self._lines, []
        if lines:
            self.stream.write("\n".join(lines) + "\n")
            self.stream.flush()


_GATHER_SECONDS = 0.1
_access = _AccessLines()
_log = structlog.get_logger()
flush_access = _access.flush


def access_line(request_id: str, method: str, route: str, status: int, seconds: float) -> None:
    """One line for an answered request. The id and the method hold nothing but plain letters."""
    if not _access.enabled:
        return
    ms = round(seconds * 1000, 2)
    if _access.plain:
        fields = {"method": method, "route": route, "status": status, "ms": ms}
        _log.info("http.request", **fields, request_id=request_id)
        return
    now = datetime.now(UTC).isoformat(timespec="microseconds")[:-6]
    _access.add(
        f'{{"event":"http.request","method":"{method}","route":{_quoted(route)},"status":{status},'
        f'"ms":{ms},"level":"info","timestamp":"{now}Z","request_id":"{request_id}"}}'
    )


@lru_cache(1000)
def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def setup_logging(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Configures structlog and the standard library's loggers alike. May be called again."""
    stream = stream or sys.stdout
    console = settings.format == "console" or (settings.format == "auto" and stream.isatty())
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    _access.flush()
    _access.stream, _access.plain, _access.enabled = stream, console, level <= logging.INFO
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        name_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    renderers = _renderers(console=console, colours=stream.isatty())
    structlog.configure(
        processors=[*shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"  # the hub writes its own access log
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
