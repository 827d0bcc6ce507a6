"""Why a hub can't start, as one sentence each: what is wrong, and what to do about it.

Whoever starts a hub by hand reads these on a terminal, so there is no traceback with them. The
cause of one is logged at the level `debug`.
"""

import logging
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import structlog
from pydantic import ValidationError
from pydantic_settings import SettingsError

from hubbub.settings import Settings, describe_errors, get_settings, unknown_variables

log = structlog.get_logger()


class StartError(Exception):
    """The hub can't start; each sentence says what to do about it."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences

    def say(self) -> None:
        for sentence in self.sentences:
            tell(sentence)


def tell(sentence: str) -> None:
    """One line to whoever started us, after all that was logged before it."""
    sys.stdout.flush()
    sys.stderr.write(f"hubbub: {sentence}\n")
    sys.stderr.flush()


@contextmanager
def explained(settings: Settings) -> Iterator[None]:
    """Turns what the machine refuses us into a `StartError`; a bug of ours stays what it is."""
    try:
        yield
    except StartError:
        raise
    except Exception as error:
        from hubbub.start.reasons import reason  # noqa: PLC0415 - the drivers; rarely needed

        sentence = reason(error, settings)
        if sentence is None:
            raise
        log.debug("hub.not_started", exc_info=error)
        raise StartError(sentence) from error


@contextmanager
def last_word() -> Iterator[None]:
    """Says why the hub can't start, and lets nobody speak after that.

    The server reports a failed lifespan with a traceback and two lines of its own, below which
    the sentence would be lost. It ends with a non-zero exit code all the same.
    """
    try:
        yield
    except StartError as error:
        logging.getLogger("uvicorn.error").disabled = True
        error.say()
        raise


def load_settings() -> Settings:
    """The settings of this process, or a `StartError` with one line for each that is wrong."""
    try:
        settings = get_settings()
    except ValidationError as error:
        raise StartError(*describe_errors(error)) from error
    except SettingsError as error:
        # it names the field and the source, and never the value
        raise StartError(f"a setting can't be read: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        sentence = f"the settings file hubbub.toml or .env can't be read ({error})"
        raise StartError(sentence) from error
    warn_of_unknown_variables()
    return settings


@cache
def warn_of_unknown_variables() -> None:
    for name, nearest in unknown_variables():
        hint = f": did you mean {nearest}?" if nearest else ""
        tell(f"warning: there is no setting {name}{hint}")


def settings_or_exit() -> Settings:
    """For whoever is called by a server that would print a traceback."""
    try:
        return load_settings()
    except StartError as error:
        error.say()
        sys.exit(1)
