"""`hubbub version`."""

import typer

from hubbub import __version__


def version() -> None:
    """Print the version."""
    typer.echo(__version__)
