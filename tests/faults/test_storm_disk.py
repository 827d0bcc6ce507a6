"""The disk is full in the middle of a storm of sends, and then it isn't any more."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.processes import HUBBUB, Workplace
from tests.faults.storm import SETTINGS, begin, check, settle, storming, until

MIB = 1024 * 1024
# a file system of its own, in a mount namespace that ends with the hub
MOUNTED = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=24m tmpfs data && exec "$@"', "sh"]


async def test_a_full_disk_is_503_until_there_is_room_again(workplace: Workplace) -> None:
    workplace.env |= SETTINGS
    workplace.data.mkdir()
    if workplace.run(program=[*MOUNTED, "true"]).returncode != 0:
        pytest.skip("this machine forbids mounts")

    with workplace.serving(program=[*MOUNTED, *HUBBUB]) as hub:
        ballast = Path(f"/proc/{hub.process.pid}/root{workplace.data}/ballast")
        storm = await begin(hub, padding=2000)
        await asyncio.to_thread(ballast.write_bytes, bytes(14 * MIB))
        async with storming([hub], storm):
            await until(lambda: storm.refused > 50)
            accepted = len(storm.answered)
            await asyncio.to_thread(ballast.unlink)
            await until(lambda: len(storm.answered) > accepted + 200)
        await settle(hub, storm)
        await check(hub, storm)
        assert hub.ready()
