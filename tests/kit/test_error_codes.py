"""Programs rely on the codes, so a change of one is noticed here.

After a change that is meant: `python -m tests.kit.test_error_codes` writes the file anew.
"""

import importlib
import json
import pkgutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hubbub
from hubbub.kit.errors import AppError

SNAPSHOT = Path(__file__).with_name("error_codes.json")
NO_MODULES = ("hubbub.__main__", "hubbub.migrations")


def import_everything() -> None:
    for module in pkgutil.walk_packages(hubbub.__path__, "hubbub."):
        if not module.name.startswith(NO_MODULES):
            importlib.import_module(module.name)


def descendants(kind: type[AppError]) -> Iterator[type[AppError]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("hubbub."):
            yield child
        yield from descendants(child)


def errors() -> list[type[AppError]]:
    import_everything()
    return sorted(set(descendants(AppError)), key=path_of)


def path_of(kind: type[AppError]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def snapshot() -> dict[str, list[object]]:
    return {path_of(kind): [kind.status, kind.code] for kind in errors()}


def test_no_code_changes_unnoticed() -> None:
    assert snapshot() == json.loads(SNAPSHOT.read_text())


def test_every_error_can_be_told_from_every_other() -> None:
    codes = Counter(kind.code for kind in errors() if "code" in vars(kind))

    assert [code for code, times in codes.items() if times > 1] == []


def test_every_error_that_is_raised_says_what_it_is() -> None:
    for kind in errors():
        if kind.__subclasses__() and "code" not in vars(kind):
            continue  # only a common trunk
        assert "code" in vars(kind), path_of(kind)
        assert kind.title, path_of(kind)
        assert 400 <= kind.status <= 599, path_of(kind)
        assert kind.code == kind.code.lower(), path_of(kind)


def test_the_docstring_shows_the_tree() -> None:
    module = importlib.import_module(AppError.__module__)
    assert module.__doc__ is not None
    lines = [line.split() for line in module.__doc__.splitlines() if "── " in line]

    shown = {line[-2]: int(line[-1]) for line in lines}

    assert shown == {
        kind.__name__: kind.status
        for kind in errors()
        if kind.__module__ == AppError.__module__ and "code" in vars(kind)
    }


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(snapshot(), indent=2) + "\n")
