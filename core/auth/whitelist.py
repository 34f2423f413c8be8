"""In charge of the question whether an address is on a role's list (spec 02 §4.2). Pure."""

from __future__ import annotations

import ipaddress


def listed(address: str, whitelist: str | None) -> bool:
    """Whether the address may call. `whitelist`: CSV of addresses and networks; empty: everybody may.

    Entries that are neither match only the same text. IPv4 addresses mapped into IPv6 count as IPv4.
    """
    entries = [entry.strip() for entry in (whitelist or "").split(",") if entry.strip()]
    if not entries or address in entries:
        return True
    peer = _address(address)
    return peer is not None and any(_contains(entry, peer) for entry in entries)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _contains(entry: str, peer: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return peer.version == network.version and peer in network
