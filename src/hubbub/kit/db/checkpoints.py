"""Moving what SQLite has committed from its log into its file, while others go on writing.

Left to SQLite, every so many pages one commit does it all before it returns: the slowest one in
ten. Done here all along, in a thread that nobody waits for, a commit finds little left to do when
the log has reached its bound and begins anew (`LOG_PAGES`).
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import structlog

log = structlog.get_logger()

LOG_PAGES = 16000
"""From here on a commit empties the log itself: it ends at some 64 MiB, unless somebody reads the
same old snapshot for long."""
LOG_KEPT_BYTES = 64 * 1024 * 1024
"""What such a reader made it grow beyond is given back to the disk."""
_CHANGES = 10000


class Checkpoints:
    """Belongs to one writing connection."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._running: Future[None] | None = None
        self._changes = 0

    def committed(self, changes: int) -> None:
        """Called after each commit with the number of rows changed so far."""
        if changes - self._changes < _CHANGES or (self._running and not self._running.done()):
            return
        self._changes = changes
        with suppress(RuntimeError):  # no thread to be had: a commit that is through stays so
            self._running = self._thread.submit(self._checkpoint)

    def close(self) -> None:
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _checkpoint(self) -> None:
        try:
            self._connection = self._connection or self._connect()
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            # nothing is lost: it stays in the log until the next one, or until a commit does it
            log.warning("database.checkpoint_failed", error=type(error).__name__)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
