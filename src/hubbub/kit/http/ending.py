"""An answer that waits for something to happen would keep a server from ending. It says here what
to call when the server wants to end."""

from collections.abc import Callable

from starlette.types import Scope

ENDING = "when_ending"


def when_ending(scope: Scope, end: Callable[[], None]) -> None:
    scope.setdefault("state", {})[ENDING] = end
