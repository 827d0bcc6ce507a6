"""`hubbub export`."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp
from typing import IO, TYPE_CHECKING, Annotated

import typer

from hubbub.cli.options import DataDir, settings_with
from hubbub.cli.progress import Progress, progress
from hubbub.settings import Settings
from hubbub.start import StartError, explained

if TYPE_CHECKING:
    from hubbub.exports.types import Compress, Format
    from hubbub.kit.db.spans import Span

_ALL = "all"
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def export(
    kind: Annotated[
        str,
        typer.Argument(
            help="users, agents, rooms, messages, deliveries, items, posts or activity as a table;"
            " or all, the whole hub for `hubbub import`."
        ),
    ],
    *,
    written: Annotated[
        str | None, typer.Option("--format", help="csv (if nothing is said) or jsonl.")
    ] = None,
    output: Annotated[str, typer.Option(help="A file; - is standard output.")] = "-",
    gzip: Annotated[bool, typer.Option("--gzip", help="Compress it.")] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=_TIMES, help="Made then or later, in UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_TIMES, help="Made before then, in UTC.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write what the hub holds, as it is at this moment; a hub may serve meanwhile. Messages come
    with what they say: keep the file as you keep the database."""
    from hubbub.exports.service import KINDS  # noqa: PLC0415 - heavy
    from hubbub.exports.types import Compress, Format  # noqa: PLC0415
    from hubbub.kit.db.spans import Span  # noqa: PLC0415

    settings = settings_with({"data_dir": data_dir})
    if kind not in KINDS and kind != _ALL:
        msg = f"one of {', '.join(KINDS)}, {_ALL}"
        raise typer.BadParameter(msg, param_hint="KIND")
    if kind == _ALL and (written == "csv" or since or until):
        msg = "the whole hub is written as JSON Lines, of all times"
        raise typer.BadParameter(msg)
    if written not in {None, *Format}:
        msg = "csv or jsonl"
        raise typer.BadParameter(msg, param_hint="--format")
    packing = Compress.GZIP if gzip else Compress.NONE
    span = Span(_utc(since), _utc(until))
    with explained(settings), _writing(output) as file, progress() as seen:
        if kind == _ALL:
            asyncio.run(_export_hub(settings, file, packing, seen))
        else:
            form = Format(written or Format.CSV)
            asyncio.run(_export_table(settings, kind, form, packing, span, file, seen))


def _utc(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


@contextmanager
def _writing(output: str) -> Iterator[IO[bytes]]:
    """A file is there as a whole or not at all, and only its owner reads it."""
    if output == "-":
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError as error:
            # nobody reads any more: not even what Python would write at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise StartError("nobody read the export to its end") from error
        return
    wanted = Path(output)
    if wanted.exists() and not wanted.is_file():
        with wanted.open("wb") as device:
            yield device
        return
    # a name of its own: what somebody else has there is neither followed nor written over
    descriptor, made = mkstemp(prefix=f"{wanted.name}.", suffix=".part", dir=wanted.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(wanted)
    finally:
        with suppress(OSError):
            Path(made).unlink()


async def _export_table(
    settings: Settings,
    kind: str,
    written: "Format",
    packing: "Compress",
    span: "Span",
    file: IO[bytes],
    seen: Progress,
) -> None:
    from hubbub.exports import service  # noqa: PLC0415
    from hubbub.start.database import check_readable  # noqa: PLC0415

    await check_readable(settings)
    sheet = service.KINDS[kind].sheet(None, span)
    table = await service.begin(settings, sheet, written, packing)
    try:
        if seen.shows:
            seen.total(await table.snapshot.count(sheet.statement))
        async for content in table.content(lambda rows: seen(kind, rows)):
            file.write(content)
    finally:
        await table.close()


async def _export_hub(
    settings: Settings, file: IO[bytes], packing: "Compress", seen: Progress
) -> None:
    from hubbub.exports.forms import Packer  # noqa: PLC0415
    from hubbub.exports.hub.leaving import write_hub  # noqa: PLC0415
    from hubbub.exports.hub.tables import TABLES  # noqa: PLC0415
    from hubbub.exports.types import Compress  # noqa: PLC0415
    from hubbub.kit.db.snapshots import snapshot  # noqa: PLC0415
    from hubbub.start.database import check_readable  # noqa: PLC0415

    await check_readable(settings)
    packer = Packer(gzip=packing is Compress.GZIP)
    async with snapshot(settings.database_dsn, settings.database) as opened:
        if seen.shows:
            seen.total(sum([await opened.count(each.statement()) for each in TABLES]))
        await write_hub(opened, lambda content: _put(file, packer.pack(content)), seen)
    _put(file, packer.end())


def _put(file: IO[bytes], content: bytes) -> None:
    file.write(content)
