"""How an entry looks on each transport. What is the same for all readers is made once."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import orjson


class Entry(NamedTuple):
    """One of a stream."""

    seq: int
    state: str | None
    """Of the delivery; a room's entry has none."""
    message: bytes | None
    """JSON; None where only the place is left."""


class Form(Protocol):
    name: str

    def event(self, kind: str, content: bytes, cursor: str | None = None) -> bytes:
        """`content` is a JSON object; with a cursor it is where a reader may go on from."""
        ...


class Plain:
    """A frame's JSON, for a server that builds the frame itself."""

    name = "json"

    def event(self, kind: str, content: bytes, cursor: str | None = None) -> bytes:
        del cursor
        head = b'{"type":"%s"' % kind.encode()
        return head + (b"}" if content == b"{}" else b"," + content[1:])


class Framed(Plain):
    """The whole frame, ready to be written: from a server it isn't masked."""

    name = "frame"

    def event(self, kind: str, content: bytes, cursor: str | None = None) -> bytes:
        payload = super().event(kind, content, cursor)
        size = len(payload)
        if size < 126:
            return b"\x81" + size.to_bytes(1) + payload
        if size < 1 << 16:
            return b"\x81\x7e" + size.to_bytes(2) + payload
        return b"\x81\x7f" + size.to_bytes(8) + payload


class Events:
    """As a browser's EventSource reads them. JSON has no line ends, so the data is one line."""

    name = "sse"

    def event(self, kind: str, content: bytes, cursor: str | None = None) -> bytes:
        mark = b"id: %s\n" % cursor.encode() if cursor is not None else b""
        return mark + b"event: %s\ndata: %s\n\n" % (kind.encode(), content)


PLAIN, FRAMED, EVENTS = Plain(), Framed(), Events()


def entry_event(form: Form, epoch: str, entry: Entry) -> bytes:
    cursor = f"{epoch}:{entry.seq}"
    state = b'"state":"%s",' % entry.state.encode() if entry.state is not None else b""
    content = b'{"seq":%d,"cursor":"%s",%s"message":%s}' % (
        entry.seq,
        cursor.encode(),
        state,
        entry.message or b"null",
    )
    return form.event("message", content, cursor)


def json_of(content: dict[str, Any], default: Callable[[Any], Any] = str) -> bytes:
    return orjson.dumps(content, default=default)
