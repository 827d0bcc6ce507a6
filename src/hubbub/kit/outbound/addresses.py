"""Which addresses the hub connects to when somebody else has said where.

Asked for each socket just before it is connected, so that it doesn't matter how an address was
written, what a name resolved to a moment ago, or which redirect led there.
"""

import errno
import ipaddress
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from hubbub.settings import Settings

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

SETTING = "HUBBUB_GATEWAY__ALLOW_CIDRS"

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_WIDE = ipaddress.IPv6Network("2000::/3")
"""All IPv6 addresses that are given to machines which everybody may reach."""
_NOT_GLOBAL: tuple[Network, ...] = (
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays for 6to4
    ipaddress.IPv6Network("2001::/32"),  # Teredo
    ipaddress.IPv6Network("2002::/16"),  # 6to4
    ipaddress.IPv6Network("3fff::/20"),  # for documentation; not every Python knows it
)
"""What leads somewhere else than it says, or nowhere, though it may be called global."""
_METADATA: tuple[Network, ...] = tuple(
    ipaddress.ip_network(each)
    for each in (
        "169.254.169.0/24",  # nearly every cloud, with its time and name servers
        "169.254.170.0/24",  # credentials of containers
        "169.254.0.23/32",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::/32",
        "fd20:ce::254/128",
    )
)
"""Where a cloud tells a machine its own credentials. No setting opens these."""


class AddressRefused(OSError):
    """Says nothing about the address: the name of it may be a stranger's, and what it resolves to
    inside of this network is not for them to know.

    One sentence for all, since of several errors that read the same the connector passes on the
    first as it is.
    """

    def __init__(self, *, for_good: bool) -> None:
        super().__init__(errno.EACCES, f"this hub's rules refuse the address ({SETTING})")
        self.for_good = for_good
        """Whether no setting would allow it."""


def refusal_in(error: BaseException) -> AddressRefused | None:
    """What the client's own error stands for, if it was us who refused."""
    following: BaseException | None = error
    while following is not None and not isinstance(following, AddressRefused):
        following = following.__cause__
    return following


@dataclass(frozen=True, slots=True)
class AddressRules:
    allowed: Sequence[Network]
    own_host: str
    own_port: int
    loopback: bool = False
    """Whether programs on this machine may be called without being named."""

    def check(self, host: str, port: int) -> None:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            raise AddressRefused(for_good=True) from None
        if address.is_unspecified or any(self._is_never(each, port) for each in _meant(address)):
            raise AddressRefused(for_good=True)
        if not (_is_global(address) or self._is_allowed(address)):
            raise AddressRefused(for_good=False)

    def _is_never(self, address: Address, port: int) -> bool:
        return _is_in(address, _METADATA) or (port == self.own_port and self._is_own(address))

    def _is_own(self, address: Address) -> bool:
        if self.own_host == "localhost":
            return address.is_loopback
        try:
            own = ipaddress.ip_address(self.own_host)
        except ValueError:
            return is_of_this_machine(address)
        return is_of_this_machine(address) if own.is_unspecified else address == own

    def _is_allowed(self, address: Address) -> bool:
        return (self.loopback and address.is_loopback) or _is_in(address, self.allowed)


def rules_of(settings: Settings) -> AddressRules:
    return AddressRules(
        settings.gateway.allow_cidrs, settings.host, settings.port, loopback=settings.on_loopback
    )


def is_of_this_machine(address: Address) -> bool:
    """Only one's own address can be bound to."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def _is_global(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _WIDE:
        return False
    if _is_in(address, _NOT_GLOBAL):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == each.version and address in each for each in networks)


def _meant(address: Address) -> Iterator[Address]:
    """The address, and those of IPv4 that are packed into it: it may lead there."""
    if isinstance(address, IPv4Address):
        yield address
        return
    # without a zone, which an address can't be compared with
    yield IPv6Address(int(address))
    if any(address in each for each in (*_NAT64, _COMPATIBLE)):
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo or ()
    for packed in (address.ipv4_mapped, address.sixtofour, *teredo):
        if packed is not None:
            yield packed
