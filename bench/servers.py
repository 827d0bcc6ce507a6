"""Starting what is measured, each on a core of its own, and reading what it has used."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

SERVER_CORE = 0
LOAD_CORE = 1
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    pid: int
    port: int

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def use_load_core() -> None:
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {LOAD_CORE})


def use_server_core() -> None:
    """For what is measured in this very process."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {SERVER_CORE})


@contextmanager
def serving(
    command: list[str], port: int, env: dict[str, str] | None = None, log: Path | None = None
) -> Iterator[Server]:
    out = (log or Path(os.devnull)).open("w")
    process = subprocess.Popen(
        command, env=os.environ | (env or {}), stdout=out, stderr=subprocess.STDOUT
    )
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(process.pid, {SERVER_CORE})
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
                break
            except (URLError, OSError) as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the server didn't start") from error
                time.sleep(0.1)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(30)
        out.close()


@contextmanager
def listening(module: str, port: int) -> Iterator[None]:
    """A server of ours that is no hub, on the core of the load."""
    process = subprocess.Popen([sys.executable, "-m", module, str(port)])
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(process.pid, {LOAD_CORE})
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the server didn't start") from error
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def uvicorn(app: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", app, "--port", str(port)),
        *("--log-level", "warning", "--no-access-log"),
    ]


def hub(port: int) -> list[str]:
    return [sys.executable, "-m", "hubbub", "serve", "--port", str(port)]
