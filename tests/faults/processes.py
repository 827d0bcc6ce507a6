"""Starting hubs as real processes, and seeing how they end."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.fixtures.peers import free_port

PATIENCE = 60.0
HUBBUB = [sys.executable, "-m", "hubbub"]
UVICORN = [sys.executable, "-m", "uvicorn", "--factory", "hubbub.app:create_app", "--port", "0"]


def until[T](look: Callable[[], T], *, patience: float = PATIENCE) -> T:
    """Looks again and again until there is something true to see."""
    deadline = time.monotonic() + patience
    while not (seen := look()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.002)
    return seen


@dataclass
class Workplace:
    folder: Path
    env: dict[str, str] = field(repr=False)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def database(self) -> Path:
        return self.data / "hubbub.db"

    def run(
        self, *args: str, program: list[str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            [*(program or HUBBUB), *args],
            check=False,
            text=True,
            timeout=PATIENCE,
            **self._options(options),
        )

    def start(
        self, *args: str, program: list[str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        return subprocess.Popen([*(program or HUBBUB), *args], text=True, **self._options(options))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        env = self.env | options.pop("env", {})
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return {"cwd": self.folder, "env": env} | pipes | options

    @contextmanager
    def serving(self, *args: str, **options: Any) -> Iterator["Running"]:
        """A hub that answers. It is told to stop at the end, and killed if it doesn't."""
        port = free_port()
        said = self.folder / f"said-{port}.log"
        with said.open("w") as log:
            output = {"stdout": log, "stderr": log}
            process = self.start("serve", "--port", str(port), *args, **(output | options))
        hub = Running(process, f"http://127.0.0.1:{port}")
        try:
            until(lambda: hub.answers() or process.poll() is not None)
            assert process.poll() is None, said.read_text()
            yield hub
        finally:
            end(process)

    def refuses(self, *args: str, program: list[str] | None = None, **options: Any) -> str:
        """Starts what can't start; returns the one line that it says about it."""
        program = program or HUBBUB
        if program is UVICORN:
            options |= {"stderr": subprocess.STDOUT}
            ended = self.run(*args, program=program, **options)
            said = ended.stdout.splitlines()
        else:
            ended = self.run(*args, program=program, **options)
            said = ended.stderr.splitlines()
            assert len(said) == 1, ended.stderr
        everything = ended.stdout + (ended.stderr or "")
        assert ended.returncode not in {0, None}, everything
        assert "Traceback" not in everything, everything
        assert said[-1].startswith("hubbub: "), everything
        return said[-1].removeprefix("hubbub: ")

    def works(self) -> None:
        """A hub starts here, and is ready."""
        with self.serving() as hub:
            assert hub.ready()


@dataclass
class Running:
    process: subprocess.Popen[str]
    url: str

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(self.url + path, timeout=PATIENCE)

    def answers(self) -> bool:
        try:
            return self.get("/healthz").status_code == 200
        except httpx2.TransportError:
            return False

    def ready(self) -> bool:
        return self.get("/readyz").status_code == 200


def end(process: subprocess.Popen[str]) -> int:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
    finally:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def obeying_modes() -> None:
    """For `preexec_fn`: root is made to obey the modes of files, like anybody else."""
    if os.geteuid() != 0:
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    drop_from_bounding_set, override, read_search = 24, 1, 2
    for capability in (override, read_search):
        if prctl(drop_from_bounding_set, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def clean_environment() -> dict[str, str]:
    """This one, without anybody's settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
    return env | {"HUBBUB_ENVIRONMENT": "local", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
