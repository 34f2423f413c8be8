"""In charge of which addresses may be reached on behalf of others."""

from __future__ import annotations

import ipaddress

import pytest

from core.events.addresses import Allowed, is_global


@pytest.mark.parametrize(
    "text",
    [
        "8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
        "192.88.98.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "169.253.0.1",
    ],
)  # fmt: skip
def test_global(text: str) -> None:
    assert is_global(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "224.0.0.1", "239.255.255.250", "240.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "168.63.129.16",
        "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "::127.0.0.1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "2002:7f00:1::1", "2002:a00:1::1", "2001:0:7f00:1::1",
    ],
)  # fmt: skip
def test_not_global(text: str) -> None:
    assert not is_global(ipaddress.ip_address(text))
    assert not Allowed().permits("public.example", text)


@pytest.mark.parametrize(
    ("entries", "host", "address", "permitted"),
    [
        ([], "a.example", "8.8.8.8", True),
        ([], "a.example", "10.1.2.3", False),
        (["10.1.0.0/16"], "a.example", "10.1.2.3", True),
        (["10.1.0.0/16"], "a.example", "10.2.0.1", False),
        (["10.1.2.3/8"], "a.example", "10.200.0.1", True),
        (["127.0.0.1"], "127.0.0.1", "127.0.0.1", True),
        (["127.0.0.1"], "localhost", "::1", False),
        (["[::1]"], "localhost", "::1", True),
        ([" Hooks.Internal. "], "hooks.INTERNAL", "10.0.0.1", True),
        (["hooks.internal"], "other.hooks.internal", "10.0.0.1", False),
        (["*.internal"], "hooks.internal", "10.0.0.1", True),
        (["*.internal"], "internal", "10.0.0.1", False),
        (["*.internal"], "hooks.internal.example", "10.0.0.1", False),
        (["fe80::/10"], "a.example", "fe80::1%eth0", True),
        ([""], "", "10.0.0.1", False),
        ([], "a.example", "not an address", False),
    ],
)
def test_what_the_operator_allows(entries: list[str], host: str, address: str, permitted: bool) -> None:
    assert Allowed.of(entries).permits(host, address) is permitted
