from ipaddress import ip_network

import pytest

from hubbub.kit.outbound.addresses import AddressRefused, AddressRules, rules_of
from hubbub.settings import Environment, Settings

NOWHERE = AddressRules((), "203.0.113.9", 8000)
EVERYWHERE = AddressRules((ip_network("0.0.0.0/0"), ip_network("::/0")), "127.0.0.1", 8000, True)


def refusal(rules: AddressRules, address: str, port: int = 443) -> AddressRefused | None:
    try:
        rules.check(address, port)
    except AddressRefused as refused:
        return refused
    return None


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001:81b::200e"]
)
def test_what_is_public_may_be_called(address: str) -> None:
    assert refusal(NOWHERE, address) is None


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "169.254.1.1",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::8.8.8.8",
        "::ffff:8.8.8.8",
        "::ffff:127.0.0.1",
        "64:ff9b::8.8.8.8",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::10.0.0.1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "4000::1",
        "not an address",
    ],
)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert refusal(NOWHERE, address) is not None


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("10.1.0.0/16", "10.1.2.3", "10.2.0.1"),
        ("fd00::/8", "fd12::1", "fc00::1"),
        ("100.64.0.0/10", "100.100.1.1", "10.0.0.1"),
        ("64:ff9b::/96", "64:ff9b::10.0.0.1", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "::ffff:10.0.0.1"),
        ("127.0.0.0/8", "127.0.0.1", "::1"),
    ],
)
def test_a_network_that_is_named_may_be_called(network: str, inside: str, outside: str) -> None:
    rules = AddressRules((ip_network(network),), "203.0.113.9", 8000)

    assert refusal(rules, inside) is None
    refused = refusal(rules, outside)
    assert refused is not None
    assert not refused.for_good
    assert "HUBBUB_GATEWAY__ALLOW_CIDRS" in str(refused)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "0.0.0.0",
        "::",
    ],
)
def test_where_a_cloud_keeps_credentials_is_never_called(address: str) -> None:
    refused = refusal(EVERYWHERE, address, 80)

    assert refused is not None
    assert refused.for_good


@pytest.mark.parametrize(
    ("own", "called", "is_own"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "::ffff:127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "::1", False),
        ("localhost", "127.0.0.1", True),
        ("localhost", "::1", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("0.0.0.0", "127.0.0.2", True),
        ("::", "127.0.0.1", True),
        ("hub.internal", "127.0.0.1", True),
        ("0.0.0.0", "10.255.255.254", False),
    ],
)
def test_the_hub_never_calls_itself(own: str, called: str, is_own: bool) -> None:
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    rules = AddressRules(everything, own, 8000, loopback=True)

    assert (refusal(rules, called, 8000) is not None) is is_own
    assert refusal(rules, called, 8001) is None


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)],
)
def test_loopback_is_open_to_a_hub_that_only_listens_there(host: str, allowed: bool) -> None:
    rules = rules_of(Settings(_env_file=None, environment=Environment.LOCAL, host=host))

    assert (refusal(rules, "127.0.0.1", 9) is None) is allowed
    assert refusal(rules, "10.0.0.1", 9) is not None
