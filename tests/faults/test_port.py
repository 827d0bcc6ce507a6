"""What is wrong with the address to listen on."""

import socket

import pytest

from tests.faults.processes import Workplace


@pytest.fixture
def taken() -> "socket.socket":
    return socket.create_server(("127.0.0.1", 0))


def test_a_taken_port(workplace: Workplace, taken: socket.socket) -> None:
    with taken:
        port = str(taken.getsockname()[1])
        said = workplace.refuses("serve", "--port", port)

    assert f"port {port}" in said
    assert "HUBBUB_PORT" in said
    assert not workplace.data.exists(), "nothing is made for a hub that can't be reached"


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-name.invalid"])
def test_an_address_of_another_machine(workplace: Workplace, host: str) -> None:
    said = workplace.refuses("serve", "--port", "0", "--host", host)

    assert host in said
    assert "HUBBUB_HOST" in said


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_any_address_of_this_machine(workplace: Workplace, host: str) -> None:
    with workplace.serving("--host", host) as hub:
        assert hub.ready()
