"""Counting events in fixed windows of time, for rate limits and login throttling.

Counting never waits: each process counts in memory, and where processes share a Redis they trade
their sums a few times a second. Without Redis, or while it is away, each process limits by what it
has seen itself.
"""

import time
from collections import defaultdict
from typing import NamedTuple, Protocol


class Counters(Protocol):
    def hit(self, key: str, window: int) -> int:
        """Counts one, and returns how many there were in this window, itself included."""
        ...

    def count(self, key: str, window: int) -> int: ...

    def forget(self, key: str, window: int) -> None: ...


def seconds_left(window: int) -> int:
    return window - int(time.time()) % window


class Place(NamedTuple):
    """One key in one window of time."""

    window: int
    number: int
    key: str

    @property
    def is_over(self) -> bool:
        return int(time.time()) // self.window != self.number


def place_now(key: str, window: int) -> Place:
    return Place(window, int(time.time()) // window, key)


class LocalCounters:
    """A dictionary for each window; the whole of it is dropped when the window is over."""

    def __init__(self) -> None:
        self._windows: dict[int, tuple[int, defaultdict[str, int]]] = {}

    def _counts(self, window: int) -> defaultdict[str, int]:
        current = int(time.time()) // window
        number, counts = self._windows.get(window, (None, None))
        if counts is None or number != current:
            counts = defaultdict(int)
            self._windows[window] = current, counts
        return counts

    def hit(self, key: str, window: int) -> int:
        counts = self._counts(window)
        counts[key] = used = counts[key] + 1
        return used

    def count(self, key: str, window: int) -> int:
        return self._counts(window).get(key, 0)

    def forget(self, key: str, window: int) -> None:
        self._counts(window).pop(key, None)
