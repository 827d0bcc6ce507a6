"""One message to everybody who watches a room, beside the least that a broadcast can be; how late
it comes; what an idle socket takes.

python -m bench.fanout [--postgres] [--sockets 500 2000] [--seconds 3] [--rounds 3]
    [--idle 10000] [--minute 60]
"""

import argparse
import asyncio
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import orjson
import uvloop

from bench import servers
from bench.place import Place, free_port, place
from bench.sockets import Listener, age, listen, listen_many, stamp
from hubbub.kit.db.database import Database
from hubbub.kit.ids import new_id
from hubbub.rooms.models import Room, RoomMember
from hubbub.rooms.types import History, MemberRole, Visibility
from hubbub.settings import Environment, Settings

GOAL = 0.8
WINDOW = 8
SILENCE = 10
PAUSE = 2
FILLING = "x" * 176


@dataclass
class Party:
    """A server, its listeners, and somebody who speaks."""

    server: servers.Server
    path: str
    say_path: str
    say: Callable[[str], bytes]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Found:
    rate: float
    """Deliveries a second."""
    cost: float
    """Seconds of the server's processor for one."""


class Crowd:
    def __init__(self, party: Party, count: int) -> None:
        self.party = party
        self.count = count
        self.heard = 0
        self.ages: list[float] | None = None
        self._sent = 0
        self._speakers: list[Listener] = []
        self._listeners: list[Listener] = []

    async def gather(self) -> None:
        party = self.party
        path = f"{party.path}?after={await last_seq(party)}"
        self._listeners = await listen_many(
            self.count, party.server.port, path, party.headers, self._hear
        )
        # a socket's messages are stored one after the other, those of several together
        self._speakers = [
            await listen(party.server.port, party.say_path, party.headers, lambda _: None)
            for _ in range(WINDOW)
        ]

    def leave(self) -> None:
        for each in [*self._listeners, *self._speakers]:
            each.transport.abort()

    def _hear(self, payload: bytes) -> None:
        if b"at 0" not in payload:
            return
        self.heard += 1
        if self.ages is not None and not self.heard % 7:
            self.ages.append(age(payload))

    def _say(self) -> None:
        self._sent += 1
        self._speakers[self._sent % WINDOW].send(self.party.say(stamp()))

    async def press(self, seconds: float) -> Found:
        """As much as comes through, with few messages on their way at a time."""
        cpu, began = self.party.server.cpu(), time.perf_counter()
        first = self.heard
        while time.perf_counter() - began < seconds:
            while self._sent * self.count - self.heard < WINDOW * self.count:
                self._say()
            await asyncio.sleep(0)
        await self._settled()
        heard = self.heard - first
        took = time.perf_counter() - began
        return Found(heard / took, (self.party.server.cpu() - cpu) / heard)

    async def pace(self, messages: float, seconds: float) -> list[float]:
        """Ages of what is heard at so many messages a second."""
        self.ages = []
        began = time.perf_counter()
        for number in range(max(2, int(messages * seconds))):
            await asyncio.sleep(max(0, began + number / messages - time.perf_counter()))
            self._say()
        await self._settled()
        ages, self.ages = self.ages, None
        return sorted(ages)

    async def _settled(self) -> None:
        async with asyncio.timeout(60):
            while self.heard < self._sent * self.count:  # noqa: ASYNC110 - counted by callbacks
                await asyncio.sleep(0.001)


async def last_seq(party: Party) -> int:
    """Where the room stands, so that nobody is told what was said before."""
    if party.say_path == "/say":
        return 0
    told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    line = await listen(
        party.server.port,
        party.path,
        party.headers,
        lambda payload: None if told.done() else told.set_result(payload),
    )
    hello = orjson.loads(await told)
    line.transport.abort()
    return int(hello["last_seq"])


async def make_room(here: Place, name: str, members: int) -> str:
    settings = Settings(
        environment=Environment.LOCAL, data_dir=here.folder / "data", database_url=here.dsn
    )
    database = Database(settings.database_dsn, settings.database)
    ids = [here.seeded.sender, *here.seeded.recipients[: members - 1]]
    room = Room(
        id=new_id(),
        name=name,
        title=name,
        title_key=name,
        visibility=Visibility.PUBLIC,
        history=History.ALL,
        members=members,
        created_by=here.seeded.sender,
    )
    async with database.write() as session:
        session.add(room)
        await session.flush()
        session.add_all(
            RoomMember(room_id=room.id, participant_id=each, role=MemberRole.MEMBER, joined_seq=0)
            for each in ids
        )
    await database.close()
    return str(room.id)


async def compare(
    ours: Party, theirs: Party, count: int, seconds: float, rounds: int
) -> tuple[Found, Found, float]:
    rows: list[tuple[Found, Found]] = []
    crowds = [Crowd(ours, count), Crowd(theirs, count)]
    for crowd in crowds:
        await crowd.gather()
    for number in range(rounds + 1):
        found = [await crowd.press(seconds) for crowd in crowds]
        if number:
            rows.append((found[0], found[1]))
    for crowd in crowds:
        crowd.leave()
    middle = [
        Found(
            statistics.median(row[side].rate for row in rows),
            statistics.median(row[side].cost for row in rows),
        )
        for side in (0, 1)
    ]
    ratio = statistics.median(row[0].rate / row[1].rate for row in rows)
    return middle[0], middle[1], ratio


async def late(party: Party, count: int, most: float, seconds: float) -> None:
    crowd = Crowd(party, count)
    await crowd.gather()
    for share in (0.1, 0.5):
        ages = await crowd.pace(most / count * share, seconds)
        print(
            f"  at {share:.0%} of that: p50 {ages[len(ages) // 2] * 1e3:.1f} ms,"
            f" p99 {ages[int(len(ages) * 0.99)] * 1e3:.1f} ms"
        )
    crowd.leave()


async def idle(party: Party, count: int, seconds: float) -> None:
    """What silent sockets take, and whether all of them hear what is said for a while."""
    server = party.server
    before = server.memory()
    heard = 0

    def hear(payload: bytes) -> None:
        nonlocal heard
        heard += b"at 0" in payload

    path = f"{party.path}?after={await last_seq(party)}"
    crowd = await listen_many(count, server.port, path, party.headers, hear)
    each = (server.memory() - before) / count / 1024
    cpu = server.cpu()
    await asyncio.sleep(SILENCE)
    used = (server.cpu() - cpu) / SILENCE
    speaker = await listen(server.port, party.say_path, party.headers, lambda _: None)
    said = max(1, int(seconds / PAUSE))
    for _ in range(said):
        speaker.send(party.say(stamp()))
        await asyncio.sleep(PAUSE)
    async with asyncio.timeout(60):
        while heard < count * said:  # noqa: ASYNC110 - counted by callbacks
            await asyncio.sleep(0.01)
    after = (server.memory() - before) / count / 1024
    lost = sum(listener.lost for listener in crowd)
    print(
        f"idle: {count:,} sockets, {each:.1f} KiB each (goal 25 KB), {used:.1%} of a processor;"
        f" after {said} messages to all of them in {seconds:.0f} s {after:.1f} KiB each,"
        f" {lost} are lost, all others heard everything"
    )
    for listener in [*crowd, speaker]:
        listener.transport.abort()


async def measure(options: argparse.Namespace, here: Place, parties: dict[str, Party]) -> None:
    for count in options.sockets:
        ours, theirs, ratio = await compare(
            parties["small"], parties["plain"], count, options.seconds, options.rounds
        )
        print(
            f"fan-out to {count} sockets, {here.kind}: {ours.rate:,.0f} deliveries/s beside"
            f" {theirs.rate:,.0f}, ratio {ratio:.2f} (goal {GOAL});"
            f" {ours.cost * 1e6:.1f} µs of processor for each beside {theirs.cost * 1e6:.1f}"
        )
        await late(parties["small"], count, ours.rate, options.seconds)
    count = max(options.sockets)
    crowd = Crowd(parties["large"], count)
    await crowd.gather()
    found = await crowd.press(options.seconds)
    crowd.leave()
    print(
        f"the same, and a delivery for each of {count} members: {found.rate:,.0f} a second,"
        f" {found.cost * 1e6:.1f} µs of processor for each"
    )
    if options.idle:
        await idle(parties["small"], options.idle, options.minute)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--sockets", type=int, nargs="+", default=[500, 2000])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=10_000, help="sockets; 0 for none")
    parser.add_argument("--minute", type=float, default=60, help="seconds of traffic for them")
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    members = max(options.sockets)
    with place(postgres=options.postgres, recipients=members) as here:
        rooms = {
            name: asyncio.run(make_room(here, name, size))
            for name, size in {"small": 10, "large": members}.items()
        }
        port = free_port()
        plain = [sys.executable, "-m", "bench.broadcast", str(port)]
        with here.hub() as hub, servers.serving(plain, port) as broadcaster:
            parties = {
                name: Party(
                    hub,
                    f"/ws/rooms/{room_id}",
                    f"/ws/agents/{here.seeded.sender}",
                    partial(_frame, name),
                    here.credential,
                )
                for name, room_id in rooms.items()
            }
            parties["plain"] = Party(broadcaster, "/", "/say", _as_long_as_ours)
            uvloop.run(measure(options, here, parties))


def _frame(room: str, mark: str) -> bytes:
    return orjson.dumps({"type": "send", "to": [f"room:{room}"], "content": mark + FILLING})


def _as_long_as_ours(mark: str) -> bytes:
    return orjson.dumps({"content": mark + FILLING, "rest": "x" * 470})


if __name__ == "__main__":
    main()
