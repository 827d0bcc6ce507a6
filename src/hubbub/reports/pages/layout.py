from typing import Any


def drawn(content: dict[str, Any]) -> bytes:
    return b"%PDF-"
