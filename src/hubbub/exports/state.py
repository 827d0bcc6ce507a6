"""How many exports run in this process."""

from hubbub.exports.errors import TooManyExports

_WAIT = 15.0


class Gate:
    """Each export keeps a connection and a thread for as long as it takes."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self.running = 0

    def enter(self) -> None:
        if self.running >= self._at_once:
            raise TooManyExports(retry_after=_WAIT)
        self.running += 1

    def leave(self) -> None:
        self.running -= 1
