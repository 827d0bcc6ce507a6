"""The files of a form, one after the other, while the body is still on its way. The framework's own
reading of forms stores all of them before anybody can refuse one."""

import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from hubbub.kit.errors import BadRequest

_FORM = b"multipart/form-data"
# also quoted: what stands in a name is none of its neighbours
_OPTION = re.compile(rb';\s*([^=;"\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_EXTENDED = re.compile(rb"(utf-8|iso-8859-1)'[^']*'([!#$&+\-.^_`|~0-9A-Za-z%]+)", re.IGNORECASE)
_END = b""
"""Behind the last piece of a part; no piece is empty."""


class NotAForm(BadRequest):
    code = "not_a_form"
    title = "Files are sent as multipart/form-data, each with a file name"


@dataclass(slots=True)
class Upload:
    """One file. Its pieces are read before the next file is asked for, or passed over."""

    filename: str
    pieces: AsyncIterator[bytes]


async def uploads(request: Request) -> AsyncIterator[Upload]:
    """Fields that are no files are passed over. A form that ends too early is refused, at the
    latest when all of it should have been read."""
    form = _Form(request)
    while await form.next_part():
        pieces = form.pieces()
        filename = form.filename
        if filename is not None:
            yield Upload(filename, pieces)
        async for _ in pieces:
            pass


@dataclass(slots=True)
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    pieces: deque[bytes] = field(default_factory=deque)


class _Form:
    def __init__(self, request: Request) -> None:
        kind, options = parse_options_header(request.headers.get("content-type"))
        boundary = options.get(b"boundary")
        if kind != _FORM or not boundary:
            raise NotAForm
        self._body = request.stream()
        self._parts: deque[_Part] = deque()
        self._filling: _Part | None = None
        self._field, self._value = b"", b""
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise NotAForm from error

    @property
    def filename(self) -> str | None:
        given = self._parts[0].headers.get(b"content-disposition", b"")
        extended = _extended_name(given)
        if extended is not None:
            return extended
        name = parse_options_header(given)[1].get(b"filename")
        return None if name is None else name.decode(errors="replace")

    async def next_part(self) -> bool:
        while not self._parts:
            if not await self._read():
                return False
        return True

    async def pieces(self) -> AsyncIterator[bytes]:
        part = self._parts[0]
        while True:
            while not part.pieces:
                if not await self._read():
                    raise NotAForm
            piece = part.pieces.popleft()
            if piece == _END:
                self._parts.popleft()
                return
            yield piece

    async def _read(self) -> bool:
        """Takes in what has come next; False at the end."""
        if self._ended:
            return False
        piece = await anext(self._body, b"")
        if not piece:
            raise NotAForm  # the body ends before the form does
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise NotAForm from error
        return True

    # what the parser tells

    def _on_part_begin(self) -> None:
        self._filling = _Part()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        assert self._filling is not None  # noqa: S101 - the parser's order
        self._filling.headers[self._field.lower()] = self._value
        self._field, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        assert self._filling is not None  # noqa: S101 - the parser's order
        self._parts.append(self._filling)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        assert self._filling is not None  # noqa: S101 - the parser's order
        if end > start:
            self._filling.pieces.append(data[start:end])

    def _on_part_end(self) -> None:
        assert self._filling is not None  # noqa: S101 - the parser's order
        self._filling.pieces.append(_END)

    def _on_end(self) -> None:
        self._ended = True


def _extended_name(given: bytes) -> str | None:
    """`filename*`, which forms ought not to have (RFC 7578) and some clients send all the same: of
    what they say beside it, they mean this one."""
    for name, value in _OPTION.findall(given):
        found = _EXTENDED.fullmatch(value.strip()) if name.lower() == b"filename*" else None
        if found is not None:
            return unquote_to_bytes(found[2]).decode(found[1].decode(), errors="replace")
    return None
