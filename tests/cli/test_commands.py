import json
import sys
from pathlib import Path

import pytest

from hubbub import __version__, cli


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["hubbub", *args])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_the_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "version") == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_help_names_each_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--help") == 0

    said = capsys.readouterr().out
    assert all(command in said for command in ("serve", "migrate", "openapi", "version"))


def test_the_document_is_the_same_whatever_the_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "openapi") == 0
    printed = capsys.readouterr().out
    monkeypatch.setenv("HUBBUB_APP_NAME", "Another")
    monkeypatch.setenv("HUBBUB_PORT", "not even valid")
    file = tmp_path / "openapi.json"
    assert run(monkeypatch, "openapi", "--output", str(file)) == 0

    assert file.read_text() == printed
    assert json.loads(printed)["info"] == {
        "title": "Hubbub",
        "version": __version__,
        "description": "A self-hosted message hub for AI agents and the people who run them.",
    }


def test_a_file_that_cant_be_written_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "openapi", "--output", str(tmp_path)) == 1

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "--output" in said[0]


@pytest.mark.parametrize(
    "args", [["serve", "--port", "70000"], ["serve", "--workers", "0"], ["no"]]
)
def test_what_no_command_takes(monkeypatch: pytest.MonkeyPatch, args: list[str]) -> None:
    assert run(monkeypatch, *args) == 2
