"""`hubbub openapi`."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from hubbub.settings import Settings
from hubbub.start import StartError


def openapi(
    output: Annotated[
        Path | None, typer.Option(help="The file to write; without it, standard output.")
    ] = None,
) -> None:
    """Write the OpenAPI document of this version: the same bytes on every machine."""
    from hubbub.app import create_app  # noqa: PLC0415 - the whole server; other commands need none

    # the defaults alone, so that nobody's environment gets into the document
    document = create_app(Settings.model_construct()).openapi()
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_bytes(text)
    except OSError as error:
        msg = f"{output} can't be written ({error.strerror}): name another file with --output"
        raise StartError(msg) from error
