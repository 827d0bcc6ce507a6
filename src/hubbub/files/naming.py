"""Names of files: what people typed, without what could do harm where it is shown or saved."""

import unicodedata
from urllib.parse import quote

LONGEST = 255
_NAMELESS = "file"
# controls, halves of characters, and what turns the direction of writing around
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_name(given: str) -> str:
    """The last part of whatever path it was, on one line, of at most so many bytes."""
    name = given.replace("\\", "/").rpartition("/")[2]
    name = "".join(char for char in name if unicodedata.category(char) not in _REFUSED)
    # behind that: what was taken out may have kept a letter and its accent apart
    name = unicodedata.normalize("NFC", name)
    name = " ".join(name.split()).strip(". ")
    # and again, where it was cut
    return _shortened(name).strip(". ") or _NAMELESS


def is_harmless(name: str) -> bool:
    """Less than being as clean as it is made today: names stay as they were once stored, and other
    versions of Python know other characters."""
    kinds = {unicodedata.category(char) for char in name}
    return (
        not kinds & (_REFUSED - {"Cn"})
        and 0 < len(name.encode()) <= LONGEST
        and name[0] not in ". "
        and not {"/", "\\"} & set(name)
    )


def _shortened(name: str) -> str:
    """Its ending is kept: it says what the file is."""
    if len(name.encode()) <= LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > LONGEST // 4:
        stem, dot, ending = name, "", ""
    room = LONGEST - len((dot + ending).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + ending


def disposition(name: str) -> str:
    """To be saved, never shown; for old readers without what they can't read."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    plain = plain.replace("\\", "_").replace('"', "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
