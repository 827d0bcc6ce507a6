"""Clients that leave in the middle of a send."""

import socket
import struct
from collections.abc import Iterator
from urllib.parse import urlsplit

import orjson
import pytest

from tests.faults.processes import Running, Workplace
from tests.faults.storm import Storm, begin, calling, check, inbox, settle

SENDS = 60


@pytest.fixture
def hub(storm_place: Workplace) -> Iterator[Running]:
    with storm_place.serving() as hub:
        yield hub


def request(storm: Storm, name: str) -> bytes:
    body = orjson.dumps({"to_agent_id": next(iter(storm.recipients)), "content": name})
    head = (
        "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {storm.key}\r\nIdempotency-Key: {name}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def sent(hub: Running, content: bytes, *, rude: bool) -> socket.socket:
    address = urlsplit(hub.url)
    client = socket.create_connection((address.hostname, address.port), timeout=10)
    client.sendall(content)
    if rude:  # closing it is then a reset, not an end
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return client


async def test_leaving_neither_undoes_nor_doubles_a_send(hub: Running) -> None:
    """Some leave at once, the others when the first message is stored; nobody hears an answer."""
    storm = await begin(hub, recipients=1)
    [(inbox_id, key)] = storm.recipients.items()
    staying = []
    for number in range(SENDS):
        client = sent(hub, request(storm, str(number)), rude=number % 2 == 0)
        storm.open.add(str(number))
        if number % 3 == 0:
            client.close()
        else:
            staying.append(client)
    while not (before := await inbox(hub, inbox_id, key)):
        pass
    for client in staying:
        client.close()

    await settle(hub, storm)

    await check(hub, storm)
    for entry in before:
        assert storm.answered[entry["message"]["content"]] == entry["message"]["id"]


async def test_half_a_send_is_none(hub: Running) -> None:
    storm = await begin(hub, recipients=1)
    for number in range(SENDS):
        whole = request(storm, str(number))
        sent(hub, whole[: len(whole) - 1 - number], rude=number % 2 == 0).close()

    async with calling(hub, storm.key) as client:
        assert await storm.send(client, "999")

    await check(hub, storm)
