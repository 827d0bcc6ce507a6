"""What a file is, by what is in it. What the sender calls it decides nothing but the kind of text.

Nothing that a browser would run is taken as an image or a text, whatever it is called.
"""

import codecs
import re
from pathlib import PurePosixPath

from hubbub.files.errors import FileEmpty, FileTypeRefused

HEAD = 4096
"""So many bytes are looked at first; text is looked at to its end."""

ZIP = "application/zip"
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"%PDF-"), "application/pdf"),
    (re.compile(rb"PK\x03\x04|PK\x05\x06"), ZIP),
)
_TEXTS = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
}
PLAIN = "text/plain"
ALL = frozenset({PLAIN, *_TEXTS.values(), *(each for _, each in _SIGNATURES)})
"""What a file can turn out to be."""
_JSON_BEGINS = re.compile(r'\s*[\[{"\d\-tfn]')
# behind blanks and comments: what makes a document of it. What is behind is never gone back into:
# a row of comments can be parted in more ways than anybody can try
_MARKUP = re.compile(
    r"(?:\s|<!--(?:-?>|.*?--!?>))*+(?:<\?xml|<!doctype\s|<!entity\s|<!--(?!.*-->)"
    r"|<(?:html|head|body|svg|script|style|iframe|object|embed|meta|link|base|title|frameset)"
    r"[\s>/])",
    re.IGNORECASE | re.DOTALL,
)


class Sniffer:
    """Is shown the head of a file, then the rest of it piece by piece, then its end. Each raises
    what is wrong with it."""

    def __init__(self, name: str, *, zips: bool) -> None:
        self._name = name
        self._zips = zips
        self._text = codecs.getincrementaldecoder("utf-8-sig")()
        self._is_text = False

    def head(self, head: bytes) -> str:
        """The type; `head` is all of the file, or at least `HEAD` bytes of it."""
        if not head:
            raise FileEmpty
        for signature, content_type in _SIGNATURES:
            if signature.match(head):
                if content_type == ZIP and not self._zips:
                    raise FileTypeRefused
                return content_type
        self._is_text = True
        text = self._decode(head)
        if _MARKUP.match(text):
            raise FileTypeRefused
        found = _TEXTS.get(PurePosixPath(self._name).suffix.lower(), PLAIN)
        if found == "application/json" and not _JSON_BEGINS.match(text):
            return PLAIN
        return found

    def more(self, piece: bytes) -> None:
        if self._is_text:
            self._decode(piece)

    def end(self) -> None:
        if self._is_text:
            self._decode(b"", final=True)

    def _decode(self, piece: bytes, *, final: bool = False) -> str:
        try:
            text = self._text.decode(piece, final)
        except UnicodeDecodeError as error:
            raise FileTypeRefused from error
        if "\x00" in text:
            raise FileTypeRefused
        return text
