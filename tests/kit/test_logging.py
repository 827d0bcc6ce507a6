import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog

from hubbub.kit.logging import setup_logging
from hubbub.settings import LogSettings

Level = Literal["debug", "info", "warning", "error"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Loggers are global; what a test sets up must not outlive it."""
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**config)


def into(stream: io.StringIO, level: Level = "info") -> structlog.typing.FilteringBoundLogger:
    setup_logging(LogSettings(level=level), stream)
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_off_a_terminal_each_event_is_one_line_of_json() -> None:
    stream = io.StringIO()

    into(stream).info("user.found", user_id=7)

    (line,) = lines(stream)
    assert line["event"] == "user.found"
    assert line["user_id"] == 7
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_on_a_terminal_it_is_a_line_for_people() -> None:
    stream = Terminal()

    into(stream).info("user.found", user_id=7)

    assert "user.found" in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        lines(stream)


@pytest.mark.parametrize(
    ("level", "heard"),
    [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)],
)
def test_the_level_holds_for_both_kinds_of_loggers(level: Level, heard: int) -> None:
    stream = io.StringIO()
    ours, theirs = into(stream, level), logging.getLogger("a.library")

    for name in ("debug", "info", "warning", "error"):
        getattr(ours, name)("ours")
        getattr(theirs, name)("theirs")

    events = [line["event"] for line in lines(stream)]
    assert events == ["ours", "theirs"] * heard


def check(password: str) -> None:
    raise ValueError(f"wrong after {len(password)}")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["json", "console"])
@pytest.mark.parametrize("library", [False, True])
def test_a_traceback_is_kept_and_shows_no_values(stream: io.StringIO, library: bool) -> None:
    stream.truncate(0)
    logger, secret = into(stream, "debug"), "hunter2"
    try:
        check(secret)
    except ValueError:
        (logging.getLogger("a.library") if library else logger).exception("it.failed")

    written = stream.getvalue()
    assert "Traceback (most recent call last)" in written
    assert "ValueError: wrong after 7" in written
    assert secret not in written


def test_a_library_is_named_and_its_arguments_are_filled_in() -> None:
    stream = io.StringIO()
    into(stream)

    logging.getLogger("a.library").warning("lost %d of %s", 3, "many")

    (line,) = lines(stream)
    assert line["event"] == "lost 3 of many"
    assert line["logger"] == "a.library"
    assert line["level"] == "warning"


def test_what_is_bound_to_the_request_is_in_each_line_within_it() -> None:
    stream = io.StringIO()
    ours = into(stream)

    with structlog.contextvars.bound_contextvars(request_id="abc"):
        ours.info("ours")
        logging.getLogger("a.library").info("theirs")
    ours.info("after")

    assert [line.get("request_id") for line in lines(stream)] == ["abc", "abc", None]


def test_secrets_are_masked_by_name_at_any_depth() -> None:
    stream = io.StringIO()
    headers = {"Authorization": "Bearer hunter2", "accept": "*/*"}

    into(stream).info(
        "x.y", password="hunter2", new_api_key="hunter2", nested=[{"a": {"headers": headers}}]
    )

    assert "hunter2" not in stream.getvalue()
    assert "*/*" in stream.getvalue()


@pytest.mark.parametrize(
    "value", [object(), {1: {2, 3}}, 2**70, "\ud800", b"\xff", float("nan"), sys]
)
def test_no_value_costs_the_line(value: object) -> None:
    stream = io.StringIO()

    into(stream).info("x.y", value=value)

    assert lines(stream)[0]["event"] == "x.y"


def test_setting_up_again_does_not_double_the_lines() -> None:
    stream = io.StringIO()
    into(stream)
    into(stream)

    logging.getLogger("a.library").warning("once")

    assert len(lines(stream)) == 1
