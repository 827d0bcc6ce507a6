"""Options that several commands share, and how they reach the settings."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TextIO

import typer

from hubbub.settings import Settings, get_settings
from hubbub.start import load_settings

DataDir = Annotated[
    Path | None, typer.Option(help="The folder of the hub's data. [HUBBUB_DATA_DIR]")
]


def settings_with(options: Mapping[str, object], *, logs: TextIO | None = None) -> Settings:
    """The settings, with the options that were given before all else; and logging as they say.

    They go by the environment because a server's child processes read nothing else. A command's
    own output is on stdout, so its logs are on stderr; a server's logs are its output.
    """
    from hubbub.kit.logging import setup_logging  # noqa: PLC0415 - not before it is needed

    for name, value in options.items():
        if value is not None:
            os.environ[f"HUBBUB_{name.upper()}"] = str(value)
    get_settings.cache_clear()
    settings = load_settings()
    setup_logging(settings.log, logs or sys.stderr)
    return settings
