"""How far a long command is, for whoever sits before it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Progress:
    """Called with a kind and how many more of it are done."""

    shows = False

    def __call__(self, kind: str, count: int) -> None:
        pass

    def total(self, count: int) -> None:
        pass


class _Bar(Progress):
    shows = True

    def __init__(self, update: Callable[..., None]) -> None:
        self._update = update

    def __call__(self, kind: str, count: int) -> None:
        self._update(advance=count, description=kind)

    def total(self, count: int) -> None:
        self._update(total=count)


@contextmanager
def progress() -> Iterator[Progress]:
    """A bar on a terminal, and nothing anywhere else: standard output is for what is made."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console  # noqa: PLC0415 - not before it is needed
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield _Bar(lambda **changes: bar.update(task, **changes))
