"""Having a report drawn by a process of its own, which is there as long as it draws: a hub that
makes no report carries nothing of what draws, and what is drawn holds nobody up."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress

_PATIENCE = 120.0


class DrawingError(Exception):
    """The process that draws has failed."""


async def draw(content: bytes) -> bytes:
    """The PDF of a content in JSON. Whoever is cancelled takes the process along."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "hubbub.reports.pages",
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            drawn, _ = await process.communicate(content)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        msg = f"it ended with {process.returncode}"
        raise DrawingError(msg)
    return drawn
