"""In charge of which addresses may be connected to on behalf of others: global ones, and what the operator allows.

Pure: names are resolved elsewhere, and what is judged here is the address that is then connected to.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# Global by its number, and answers about the machine to whoever runs on it (Azure).
METADATA = frozenset({IPv4Address("168.63.129.16")})

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is allowed besides global addresses: names as they stand in a URL, endings of names, networks."""

    names: frozenset[str] = frozenset()
    endings: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Allowed:
        """From a list such as `hooks.internal`, `*.internal`, `10.1.0.0/16`, `::1`."""
        names: set[str] = set()
        endings: list[str] = []
        networks: list[Network] = []
        for entry in (one.strip().lower().rstrip(".") for one in entries):
            try:
                networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                if entry.startswith("*."):
                    endings.append(entry[1:])
                elif entry:
                    names.add(entry)
        return cls(frozenset(names), tuple(endings), tuple(networks))

    def permits(self, host: str, address: str) -> bool:
        """Whether `address`, which `host` of a URL has led to, may be connected to."""
        host = host.lower().rstrip(".")
        if host in self.names or host.endswith(self.endings or ("\x00",)):
            return True
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found in network for network in self.networks) or is_global(found)


def is_global(address: Address) -> bool:
    """Whether everybody may reach an address: no loopback, private, link-local, shared (CGNAT), multicast, reserved
    or metadata address, in whatever spelling, nor an IPv6 address that leads to such an IPv4 one."""
    if isinstance(address, IPv6Address):
        # These two are nothing but the address that they carry.
        if address.ipv4_mapped is not None:
            return is_global(address.ipv4_mapped)
        if address in NAT64:
            return is_global(IPv4Address(int(address) & 0xFFFFFFFF))
        if address in LOCAL_NAT64 or address.is_site_local:
            return False
        carried = (address.sixtofour, *(address.teredo or ()))
        if not all(is_global(one) for one in carried if one is not None):
            return False
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not special and address not in METADATA


def network(address: str) -> str:
    """What is counted as one address: of IPv6 the network of one customer, who has 2^64 of them."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
