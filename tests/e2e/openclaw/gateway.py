"""A real OpenClaw gateway, with a home of its own and a model that only seems to think.

async with Gateway.running(hooks=True, token="…", prefix="hook:") as gateway:
    …  # post to gateway.url
    await gateway.model.asked("hello")
"""

import asyncio
import json
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2

from tests.e2e.openclaw.config import Options, configuration
from tests.e2e.openclaw.install import openclaw
from tests.e2e.openclaw.model import FakeModel
from tests.fixtures.peers import free_port
from tests.fixtures.waiting import eventually

PATIENCE = 120.0

# it neither looks for others, nor asks the internet, nor starts a second process in its place
ALONE = {
    "OPENCLAW_DISABLE_BONJOUR": "1",
    "OPENCLAW_EXEC_SHELL_SNAPSHOT": "0",
    "OPENCLAW_NO_AUTO_UPDATE": "1",
    "OPENCLAW_NO_RESPAWN": "1",
    "OPENCLAW_OFFLINE": "1",
    "OPENCLAW_SKIP_CHANNELS": "1",
    "NO_COLOR": "1",
}


@dataclass
class Gateway:
    model: FakeModel
    folder: Path
    options: Options
    port: int = field(default_factory=free_port)
    _process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """For its hooks."""
        return self.options.token

    @property
    def operator_token(self) -> str:
        """For everything but its hooks: what OpenClaw calls the gateway's token."""
        return self.options.operator_token

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self.folder / "gateway.log").read_text(errors="replace")

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        *,
        hooks: bool = True,
        token: str = "hooks-secret",
        prefix: str | None = "hook:",
        session_keys: bool = True,
        chat: bool = True,
        started: bool = True,
    ) -> AsyncIterator["Gateway"]:
        """`prefix`: how the session keys of requests must begin. `session_keys`: whether requests
        may name any. `started=False` leaves the start to the test."""
        options = Options(hooks, token, prefix, session_keys, chat)
        folder = Path(tempfile.mkdtemp(prefix="hubbub-openclaw-"))
        try:
            async with FakeModel.running() as model:
                gateway = cls(model, folder, options)
                try:
                    if started:
                        await gateway.start()
                        await gateway.ready()
                    yield gateway
                finally:
                    await gateway.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def start(self) -> None:
        """Begins to start: `ready` waits for the end of that."""
        program = (await asyncio.to_thread(openclaw)).program
        config = self._configure()
        env = ALONE | {
            # nobody's settings and keys of other models
            "PATH": f"{Path(program[0]).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "OPENCLAW_STATE_DIR": str(self.folder / "state"),
            "OPENCLAW_CONFIG_PATH": str(config),
        }
        with (self.folder / "gateway.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(*program, "gateway", "--port", str(self.port), "--bind", "loopback"),
                cwd=self.folder,
                env=env,
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                start_new_session=True,
            )

    def _configure(self) -> Path:
        """A gateway that runs sees the new file, and soon does as it says."""
        config, new = self.folder / "openclaw.json", self.folder / "openclaw.json.new"
        new.write_text(json.dumps(configuration(self.options, self.folder, self.model.url)))
        new.replace(config)
        return config

    @contextmanager
    def set_otherwise(self, **options: object) -> Iterator[None]:
        """As its owner may change its configuration, and back. It takes a moment to take effect."""
        before = self.options
        self.options = replace(before, **options)  # type: ignore[arg-type]
        self._configure()
        try:
            yield
        finally:
            self.options = before
            self._configure()

    async def ready(self) -> None:
        async with httpx2.AsyncClient(base_url=self.url) as client:
            await eventually(lambda: self._is_ready(client), within=PATIENCE)

    async def _is_ready(self, client: httpx2.AsyncClient) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, self.log[-4000:]
        try:
            return (await client.get("/readyz")).status_code == 200
        except httpx2.TransportError:
            return False

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """SIGKILL is a crash. What it started itself goes with it."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.returncode is None:
            process.send_signal(how)
        try:
            async with asyncio.timeout(20):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
