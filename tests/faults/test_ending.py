"""How a hub ends, by a word or by force, and that it starts again."""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from tests.faults.processes import Running, Workplace, end, until
from tests.fixtures.peers import free_port

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_a_hub_that_is_told_to_stop(workplace: Workplace, word: signal.Signals) -> None:
    with workplace.serving() as hub:
        before = monotonic()
        hub.process.send_signal(word)

        assert hub.process.wait(10) == 0
        assert monotonic() - before < 5


def test_a_request_in_flight_is_answered(workplace: Workplace) -> None:
    port = free_port()
    slow = workplace.start(
        program=[sys.executable, "-m", "tests.faults.slow"],
        env={"HUBBUB_PORT": str(port), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )
    hub = Running(slow, f"http://127.0.0.1:{port}")
    try:
        until(lambda: hub.answers() or slow.poll() is not None)
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(hub.get, "/slow")
            until((workplace.folder / "begun").exists)
            slow.send_signal(signal.SIGTERM)
            until(lambda: not hub.answers())  # it takes no new ones
            (workplace.folder / "go").touch()

            assert answer.result(10).json() == "done"
        assert slow.wait(10) == 0
    finally:
        end(slow)


@pytest.mark.parametrize("file", ["hub.lock", "secret_key", "hubbub.db", "hubbub.db-wal"])
def test_killed_while_starting(workplace: Workplace, file: str) -> None:
    process = workplace.start("serve", "--port", "0")
    try:
        until(lambda: (workplace.data / file).exists() or process.poll() is not None)
        assert process.poll() is None
        process.kill()
        assert process.wait() == -signal.SIGKILL
    finally:
        end(process)

    workplace.works()


@pytest.mark.parametrize("milliseconds", [0, 10, 40])
def test_killed_while_migrating(workplace: Workplace, milliseconds: int) -> None:
    """At some moment after the database file came to be; which step that is, is up to chance."""
    process = workplace.start("migrate")
    try:
        until(lambda: workplace.database.exists() or process.poll() is not None)
        moment = monotonic() + milliseconds / 1000
        until(lambda: monotonic() > moment)
        process.kill()
        process.wait()
    finally:
        end(process)

    assert workplace.run("migrate").returncode == 0


def test_killed_while_serving(workplace: Workplace) -> None:
    with workplace.serving() as hub:
        hub.process.kill()
        assert hub.process.wait() == -signal.SIGKILL

    workplace.works()
