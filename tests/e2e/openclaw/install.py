"""OpenClaw as npm brings it, kept in `.cache/` for the next run.

`package.json` and its lock file pin OpenClaw, all that it needs, and the Node that it runs on.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "openclaw"
PINS = ("package.json", "package-lock.json")
QUIET = ("--loglevel=error", "--no-audit", "--no-fund", "--no-update-notifier")


class NoOpenClaw(Exception):
    """There is nothing here to install OpenClaw with, or from."""


@dataclass(frozen=True)
class OpenClaw:
    folder: Path

    @property
    def program(self) -> list[str]:
        """The command, to which arguments are added."""
        modules = self.folder / "node_modules"
        # npm has no Node of the pinned version for every kind of machine
        node = shutil.which("node", path=f"{modules / '.bin'}{os.pathsep}{os.environ['PATH']}")
        assert node is not None, "npm is here, Node isn't"
        return [node, str(modules / "openclaw" / "openclaw.mjs")]


@cache
def openclaw() -> OpenClaw:
    """Installed now if it isn't yet: half a minute and 900 MB."""
    pins = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in PINS)).hexdigest()
    found = OpenClaw(CACHE / pins[:16])
    complete = found.folder / "complete"
    with _alone():
        if not complete.exists():
            _check_registry()
            shutil.rmtree(found.folder, ignore_errors=True)
            _install(found)
            complete.touch()
    return found


@contextmanager
def _alone() -> Iterator[None]:
    """Of several test processes one installs, and the others wait."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check_registry() -> None:
    """What fails after this is a failure; up to here, it's how this machine is."""
    npm = shutil.which("npm")
    if npm is None:
        raise NoOpenClaw("there is no npm on this machine")
    try:
        asked = subprocess.run(
            [npm, "ping", "--fetch-retries=0", "--fetch-timeout=15000", *QUIET],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
    except subprocess.TimeoutExpired:
        raise NoOpenClaw("npm's registry doesn't answer") from None
    if asked.returncode:
        said = asked.stderr.strip().partition("\n")[0]
        raise NoOpenClaw(f"npm's registry doesn't answer: {said}")


def _install(wanted: OpenClaw) -> None:
    wanted.folder.mkdir()
    for name in PINS:
        shutil.copyfile(HERE / name, wanted.folder / name)
    # none of the packages' scripts is needed, and OpenClaw's own refuses an npm on an older Node
    _run(wanted.folder, "npm", "ci", "--ignore-scripts", "--omit=dev", *QUIET)
    # the first call finishes the installation, which two gateways at once shouldn't
    _run(wanted.folder, *wanted.program, "--version")


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
