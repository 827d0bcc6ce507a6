"""Hubs that are exported and filled."""

import gzip
import io
import json
from dataclasses import dataclass
from typing import IO, cast

import orjson

from hubbub.exports.hub.arriving import fill_hub
from hubbub.exports.hub.leaving import write_hub
from hubbub.exports.hub.welcome import Welcome, welcome
from hubbub.kit.db.bulk import bulk
from hubbub.kit.db.snapshots import snapshot
from hubbub.kit.keys import load_keyring
from hubbub.settings import Settings


async def file_of(settings: Settings) -> bytes:
    parts: list[bytes] = []
    async with snapshot(settings.database_dsn, settings.database) as opened:
        await write_hub(opened, parts.append)
    return b"".join(parts)


async def fill(settings: Settings, content: bytes) -> Welcome:
    settings.data_dir.mkdir(exist_ok=True, parents=True)
    async with bulk(settings.database_dsn, settings.database) as opened:
        file = io.BytesIO(content)
        packed = content.startswith(b"\x1f\x8b")
        await fill_hub(opened, cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file)
        return await welcome(opened, load_keyring(settings), settings.auth)


@dataclass
class Edited:
    """The lines of a file, to be changed."""

    lines: list[bytes]

    @classmethod
    def of(cls, content: bytes) -> "Edited":
        return cls(content.splitlines(keepends=True))

    def change(self, kind: str, values: dict[str, object]) -> "Edited":
        """The first line of that kind."""
        for number, line in enumerate(self.lines):
            found = orjson.loads(line)
            if found["kind"] == kind:
                # orjson writes nothing that is nested deep
                self.lines[number] = json.dumps(found | values).encode() + b"\n"
                return self
        raise AssertionError(kind)

    @property
    def content(self) -> bytes:
        return b"".join(self.lines)
