"""A hub that is killed or told to stop in the middle of a storm of sends has lost nothing that it
accepted."""

import asyncio
import signal
from time import monotonic

from tests.faults.processes import Running, Workplace
from tests.faults.storm import (
    SENDERS,
    Storm,
    begin,
    calling,
    check,
    settle,
    until,
)

KILLS = 10


async def storm_and_end(hub: Running, storm: Storm, how: signal.Signals, wanted: int) -> float:
    """Returns how long the process took to end."""
    enough = len(storm.answered) + wanted
    async with calling(hub, storm.key) as client, asyncio.TaskGroup() as group:
        for _ in range(SENDERS):
            group.create_task(storm.rage(client))
        await until(lambda: len(storm.answered) >= enough)
        told_at = monotonic()
        hub.process.send_signal(how)
        await asyncio.to_thread(hub.process.wait, 20)
        return monotonic() - told_at


async def test_nothing_accepted_is_lost_however_often_it_is_killed(storm_place: Workplace) -> None:
    storm: Storm | None = None
    for _ in range(KILLS):
        with storm_place.serving() as hub:
            storm = storm or await begin(hub)
            await storm_and_end(hub, storm, signal.SIGKILL, wanted=60)
    assert storm is not None
    with storm_place.serving() as hub:
        await settle(hub, storm)
        await check(hub, storm)
    assert len(storm.answered) >= KILLS * 60


async def test_told_to_stop_it_answers_for_all_that_it_stores(storm_place: Workplace) -> None:
    with storm_place.serving() as hub:
        storm = await begin(hub)
        took = await storm_and_end(hub, storm, signal.SIGTERM, wanted=300)
        assert (hub.process.returncode, took < 10) == (0, True)

    with storm_place.serving() as hub:
        # what got no answer was not stored either: nothing is sent again before the comparison
        await check(hub, storm)
