"""A thread that does one thing after the other for the event loop."""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any


class Worker:
    """An executor of one thread, at half its price: what waits for it are futures of the loop, and
    nothing is locked."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def run[T](self, work: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def do() -> None:
            # whatever is raised is somebody else's to see, KeyboardInterrupt included
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001
                loop.call_soon_threadsafe(_settle, done, None, error)
            else:
                loop.call_soon_threadsafe(_settle, done, result, None)

        if self._thread is None:
            self._thread = Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        self._work.put(do)
        return done

    def stop(self) -> None:
        """Ends the thread once all that was asked for is done."""
        self._work.put(None)

    def _serve(self) -> None:
        while (do := self._work.get()) is not None:
            do()


def _settle(done: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
