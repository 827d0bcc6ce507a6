"""`hubbub import`."""

import asyncio
import gzip
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, cast

import typer

from hubbub.cli.options import DataDir, settings_with
from hubbub.cli.progress import Progress, progress
from hubbub.settings import Settings
from hubbub.start import StartError, explained

if TYPE_CHECKING:
    from hubbub.exports.hub.welcome import Welcome

_GZIP = b"\x1f\x8b"


def import_(
    file: Annotated[Path, typer.Argument(help="What `hubbub export all` wrote, packed or not.")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Fill an empty hub from a file. All of it is there in the end, or nothing is."""
    settings = settings_with({"data_dir": data_dir})
    with explained(settings), _reading(file) as content, progress() as seen:
        counts, welcome = asyncio.run(_import(settings, file, content, seen))
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    typer.echo(f"Imported: {said or 'nothing'}.")
    for sentence in _what_to_do(settings, welcome):
        typer.echo(sentence)


@contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        yield cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file


async def _import(
    settings: Settings, path: Path, content: IO[bytes], seen: Progress
) -> tuple[Mapping[str, int], "Welcome"]:
    from hubbub.exports.hub.arriving import NotEmptyError, fill_hub  # noqa: PLC0415 - heavy
    from hubbub.exports.hub.lines import FileRefusedError  # noqa: PLC0415
    from hubbub.exports.hub.welcome import welcome  # noqa: PLC0415
    from hubbub.kit.db.bulk import bulk  # noqa: PLC0415
    from hubbub.kit.keys import load_keyring  # noqa: PLC0415
    from hubbub.kit.metrics import Metrics  # noqa: PLC0415
    from hubbub.lifespan import open_ready  # noqa: PLC0415
    from hubbub.start.folder import only_server, prepare_data_dir  # noqa: PLC0415

    prepare_data_dir(settings.data_dir)
    with ExitStack() as stack:
        if settings.embedded:
            stack.enter_context(only_server(settings.data_dir))
        # brings the database to this version's tables
        async with open_ready(settings, Metrics()):
            pass
        try:
            async with bulk(settings.database_dsn, settings.database) as opened:
                counts = await fill_hub(opened, content, seen)
                return counts, await welcome(opened, load_keyring(settings), settings.auth)
        except NotEmptyError as error:
            raise StartError("there is something in this hub: import into an empty one") from error
        except FileRefusedError as error:
            raise StartError(f"nothing of {path} was imported: {error}") from error


def _what_to_do(settings: Settings, found: "Welcome") -> Iterator[str]:
    yield "Nobody has a password, a key or a session here yet."
    if found.admin is not None:
        link = f"{settings.public_url}/reset?token={found.token}"
        yield (
            f"Let {found.admin} in, an admin, who chooses a new password there within"
            f" {settings.auth.reset_minutes} minutes: {link}"
        )
        yield "Everybody else asks for a mail to choose a new password, when they sign in."
    else:
        yield "There is no active admin among them: the hub prints a link to make one at its start."
    if found.agents:
        yield f"Agents: {found.agents} need new keys."
    if found.gateways:
        yield f"Gateways: {found.gateways} need their tokens or secrets anew."
    if found.files:
        yield (
            f"Files: the bytes of {found.files} are not in the file: copy the folder blobs of the"
            " other hub's data, or name the same bucket."
        )
