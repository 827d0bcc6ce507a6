"""Sockets of a real hub: it is killed under them, and they do what no client should."""

import asyncio
import os
import signal
import socket
import struct
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from tests.faults.processes import Running, Workplace
from tests.faults.storm import Storm, begin, calling, until

CLIENTS = 200
MESSAGES = 60
LIMITED: dict[str, Any] = {"max_size": None, "proxy": None, "open_timeout": 30}


def address(hub: Running, agent_id: str, **query: str) -> str:
    asked = "?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else ""
    return hub.url.replace("http:", "ws:") + f"/ws/agents/{agent_id}{asked}"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@dataclass
class Client:
    """Connects again and again with the cursor that it has."""

    agent_id: str
    key: str
    url: str = ""
    cursor: str = "0"
    seqs: list[int] = field(default_factory=list)
    resets: int = 0

    async def stay(self, wanted: int) -> None:
        while len(self.seqs) < wanted:
            try:
                await self._listen(wanted)
            except (OSError, ConnectionClosed, InvalidMessage, InvalidStatus, TimeoutError):
                await asyncio.sleep(0.05)  # the hub is away

    async def _listen(self, wanted: int) -> None:
        url = f"{self.url}/ws/agents/{self.agent_id}?after={self.cursor}"
        async with connect(url, additional_headers=bearer(self.key), **LIMITED) as line:
            while len(self.seqs) < wanted:
                frame = orjson.loads(await line.recv())
                self.resets += frame["type"] == "reset"
                if frame["type"] == "message":
                    self.seqs.append(frame["seq"])
                    self.cursor = frame["cursor"]


async def test_killed_under_many_who_come_back(live_place: Workplace) -> None:
    """Each of them has each entry once, whenever it was cut off."""
    with live_place.serving() as hub:
        storm = await begin(hub, recipients=4)
        url = hub.url.replace("http:", "ws:")
        agents = list(storm.recipients.items())
        clients = [Client(*agents[number % 4], url=url) for number in range(CLIENTS)]
        # all of them are told where the next hub is
        staying = [asyncio.create_task(each.stay(MESSAGES)) for each in clients]
        await until(lambda: hub.process.poll() is None)
        await _send(hub, storm, MESSAGES // 2)
        await until(lambda: any(each.seqs for each in clients))
        hub.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(hub.process.wait, 20)
    with live_place.serving() as hub:
        for each in clients:
            each.url = hub.url.replace("http:", "ws:")
        await _send(hub, storm, MESSAGES - MESSAGES // 2)
        async with asyncio.timeout(60):
            await asyncio.gather(*staying)

    assert all(each.seqs == list(range(1, MESSAGES + 1)) for each in clients)
    assert not any(each.resets for each in clients)


async def _send(hub: Running, storm: Storm, count: int) -> None:
    async with calling(hub, storm.key) as client:
        for agent_id in storm.recipients:
            for number in range(count):
                body = {"to_agent_id": agent_id, "content": str(number)}
                answer = await client.post("/api/v1/messages", json=body)
                assert answer.status_code == 201, answer.text


@dataclass
class Place:
    hub: Running
    storm: Storm

    @property
    def agent(self) -> tuple[str, str]:
        return next(iter(self.storm.recipients.items()))

    async def dial(self, stack: AsyncExitStack) -> ClientConnection:
        agent_id, key = self.agent
        line = await stack.enter_async_context(
            connect(address(self.hub, agent_id), additional_headers=bearer(key), **LIMITED)
        )
        assert orjson.loads(await line.recv())["type"] == "hello"
        return line

    def dial_plainly(self) -> socket.socket:
        """For what no library does."""
        agent_id, key = self.agent
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", int(self.hub.url.rpartition(":")[2])))
        line.sendall(
            (
                f"GET /ws/agents/{agent_id} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                f"Authorization: Bearer {key}\r\n\r\n"
            ).encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += line.recv(1)
        return line

    def end_of(self, said: bytes) -> int:
        """How a socket ends over which this is said."""
        line = self.dial_plainly()
        with suppress(OSError):
            line.sendall(said)
        return close_code(_read_to_end(line))

    async def works(self, line: ClientConnection) -> None:
        """What is sent comes, and soon."""
        await _send_one(self)
        async with asyncio.timeout(3):
            assert orjson.loads(await line.recv())["type"] == "message"


async def _send_one(place: Place) -> None:
    async with calling(place.hub, place.storm.key) as client:
        body = {"to_agent_id": place.agent[0], "content": "hi"}
        answer = await client.post("/api/v1/messages", json=body)
        assert answer.status_code == 201, answer.text


async def closed(line: ClientConnection) -> int:
    async with asyncio.timeout(10):
        try:
            while True:
                await line.recv()
        except ConnectionClosed:
            return line.close_code or 0


async def test_what_no_client_should_do(live_place: Workplace) -> None:
    """Each gets a clear end, and nobody else notices."""
    with live_place.serving() as hub:
        place = Place(hub, await begin(hub, recipients=1))
        async with AsyncExitStack() as stack:
            bystander = await place.dial(stack)

            for code, said in {
                1009: masked(0x81, b"x" * 10_000_000),
                1007: masked(0x81, b"\xc3\x28"),
                1002: b"\x81\x02hi",  # not masked
            }.items():
                assert await asyncio.to_thread(place.end_of, said) == code
                await place.works(bystander)
            pieces = masked(0x01, b"") + masked(0x00, b"") * 5000
            assert await asyncio.to_thread(place.end_of, pieces) == 1009
            await place.works(bystander)

            # without a word: as if the machine had gone
            gone = place.dial_plainly()
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.close()
            await place.works(bystander)


def masked(kind: int, payload: bytes) -> bytes:
    """A frame of a client; a mask of zeros is a mask."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xff" + size.to_bytes(8)
    return bytes([kind]) + length + bytes(4) + payload


def close_code(received: bytes) -> int:
    """Of the close frame among those that came."""
    rest = received
    while rest:
        size, begins = rest[1], 2
        if size == 126:
            size, begins = int.from_bytes(rest[2:4]), 4
        elif size == 127:
            size, begins = int.from_bytes(rest[2:10]), 10
        if rest[0] == 0x88:
            return int.from_bytes(rest[begins : begins + 2])
        rest = rest[begins + size :]
    return 0


async def test_a_thousand_without_a_credential_get_nothing(live_place: Workplace) -> None:
    with live_place.serving() as hub:
        place = Place(hub, await begin(hub, recipients=1))
        async with AsyncExitStack() as stack:
            bystander = await place.dial(stack)

            async def try_in() -> tuple[int, int]:
                heard = 0
                async with connect(address(hub, place.agent[0]), **LIMITED) as line:
                    try:
                        while True:
                            await line.recv()
                            heard += 1
                    except ConnectionClosed:
                        return heard, line.close_code or 0

            for _ in range(10):
                found = await asyncio.gather(*(try_in() for _ in range(100)))
                assert set(found) == {(0, 4401)}
            await place.works(bystander)


async def test_who_does_not_read_is_cut_off_and_goes_on_later(live_place: Workplace) -> None:
    """Others wait for nobody; the cursor counts afterwards."""
    with live_place.serving() as hub:
        place = Place(hub, await begin(hub, recipients=1))
        agent_id, _key = place.agent
        async with AsyncExitStack() as stack:
            reader = await place.dial(stack)
            slow = place.dial_plainly()
            async with calling(hub, place.storm.key) as client:
                for _ in range(120):
                    body = {"to_agent_id": agent_id, "content": "x" * 100_000}
                    answer = await client.post("/api/v1/messages", json=body)
                    assert answer.status_code == 201, answer.text
                    async with asyncio.timeout(5):
                        assert orjson.loads(await reader.recv())["type"] == "message"
            received = await asyncio.to_thread(_read_to_end, slow)
            assert b"you read too slowly" in received[-4096:]
            assert received.count(b'"type":"message"') < 120
            presence = await _presence(hub, place)
            assert presence["connections"] == 1


def _read_to_end(line: socket.socket) -> bytes:
    line.settimeout(20)
    received = b""
    try:
        while part := line.recv(1 << 16):
            received += part
    except OSError:
        pass
    finally:
        line.close()
    return received


async def _presence(hub: Running, place: Place) -> dict[str, Any]:
    agent_id, key = place.agent
    async with httpx2.AsyncClient(base_url=hub.url, headers=bearer(key)) as client:
        answer = await client.get(f"/api/v1/agents/{agent_id}/presence")
        found: dict[str, Any] = answer.json()
        return found


@pytest.mark.parametrize("word", [signal.SIGTERM])
async def test_told_to_stop_it_says_so_and_does_not_wait(
    live_place: Workplace, word: signal.Signals
) -> None:
    with live_place.serving() as hub:
        place = Place(hub, await begin(hub, recipients=1))
        agent_id, key = place.agent
        async with (
            AsyncExitStack() as stack,
            httpx2.AsyncClient(base_url=hub.url, headers=bearer(key)) as client,
            client.stream("GET", f"/api/v1/agents/{agent_id}/events") as events,
        ):
            line = await place.dial(stack)
            assert events.status_code == 200
            began = asyncio.get_running_loop().time()
            os.kill(hub.process.pid, word)

            assert await closed(line) == 1012
            assert [part async for part in events.aiter_bytes()]
            assert await asyncio.to_thread(hub.process.wait, 10) == 0
            assert asyncio.get_running_loop().time() - began < 3


async def test_who_has_vanished_is_found_out_within_a_heartbeat(live_place: Workplace) -> None:
    """No word of goodbye, and no answer either: the machine is gone, or its network."""
    live_place.env |= {"HUBBUB_SOCKETS__PING_SECONDS": "1", "HUBBUB_SOCKETS__PONG_SECONDS": "1"}
    with live_place.serving() as hub:
        place = Place(hub, await begin(hub, recipients=1))
        async with AsyncExitStack() as stack:
            bystander = await place.dial(stack)
            gone = [await asyncio.to_thread(place.dial_plainly) for _ in range(3)]
            assert (await _presence(hub, place))["connections"] == 4
            # what waits for who is gone changes nothing
            await place.works(bystander)

            async with asyncio.timeout(6):
                while (await _presence(hub, place))["connections"] > 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            await place.works(bystander)
            for each in gone:
                assert b"\x89\x04" in await asyncio.to_thread(_read_to_end, each)
