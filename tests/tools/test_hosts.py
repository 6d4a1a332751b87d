"""Which addresses may be reached, in whatever form they come."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError, ToolError
from alloy_nb.tools.hosts import Reach, addresses_of, danger_of, literal_address

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)


@given(V4 | V6)
def test_only_what_is_public_is_no_danger(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """As a law: nothing that Python calls special passes, and what does not pass is special or inside IPv6's rest."""
    special = (
        not address.is_global
        or address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )
    if danger_of(address) is None:
        assert not special


@given(V4, st.sampled_from(["::ffff:0:0", "64:ff9b::", "64:ff9b:1::", "2002::", "::"]))
def test_an_ipv4_address_inside_ipv6_never_passes(address: ipaddress.IPv4Address, prefix: str) -> None:
    shift = 80 if prefix == "2002::" else 0
    inside = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(address) << shift)
    assert danger_of(inside) is not None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "loopback"), ("0.0.0.0", "unspecified"), ("10.1.2.3", "private"), ("172.31.0.1", "private"),
        ("192.168.1.1", "private"), ("169.254.169.254", "metadata"), ("169.254.1.1", "local link"),
        ("100.100.100.200", "CGNAT"), ("168.63.129.16", "metadata"), ("192.0.0.192", "reserved"),
        ("224.0.0.1", "multicast"), ("255.255.255.255", "reserved"), ("198.18.0.1", "tests"),
        ("::1", "loopback"), ("::", "unspecified"), ("fe80::1", "local link"), ("fe80::1%eth0", "local link"),
        ("fc00::1", "private"), ("fd00:ec2::254", "metadata"), ("ff02::1", "multicast"), ("::ffff:127.0.0.1", "mapped"),
        ("64:ff9b::7f00:1", "NAT64"), ("2002:7f00:1::", "6to4"), ("2001::1", "Teredo"), ("fec0::1", "private"),
        ("::7f00:1", "inside IPv6"), ("4000::1", "reserved"), ("2001:db8::1", "documentation"),
    ],
)  # fmt: skip
def test_the_words_for_what_is_refused(address: str, why: str) -> None:
    assert why in str(danger_of(ipaddress.ip_address(address)))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "2a00:1450::5"])
def test_public_addresses_are_no_danger(address: str) -> None:
    assert danger_of(ipaddress.ip_address(address)) is None


def forms(address: ipaddress.IPv4Address) -> list[str]:
    """All the ways in which `inet_aton` lets an address be written."""
    value = int(address)
    a, b, c, d = address.packed
    plain = [
        f"{value}", f"{a}.{value & 0xFFFFFF}", f"{a}.{b}.{value & 0xFFFF}", f"{a}.{b}.{c}.{d}",
        f"0x{value:x}", f"0X{value:X}", f"0{value:o}", f"0x{a:x}.0{value & 0xFFFFFF:o}",
        f"0x{a:02x}.0x{b:02x}.0x{c:02x}.0x{d:02x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"0{a:o}.{b}.0x{c:x}.{d}",
    ]  # fmt: skip
    return [*plain, *(f"{form}." for form in plain)]


@given(V4)
def test_every_form_of_an_address_is_that_address(address: ipaddress.IPv4Address) -> None:
    assert {literal_address(form) for form in forms(address)} == {address}


@given(V4)
def test_and_the_system_would_have_read_it_the_same(address: ipaddress.IPv4Address) -> None:
    import socket

    for form in forms(address)[:11]:
        assert socket.inet_aton(form) == address.packed


@given(V6)
def test_ipv6_in_brackets_or_without(address: ipaddress.IPv6Address) -> None:
    assert literal_address(str(address)) == literal_address(f"[{address.exploded}]") == address


@pytest.mark.parametrize(
    "name", ["example.org", "localhost", "a.b-c.d", "xn--fa-hia.de", "1pass.com", "_x.org", "a1.", "0xg"]
)
def test_names_are_no_addresses(name: str) -> None:
    assert literal_address(name) is None


@pytest.mark.parametrize(
    "host", ["1.2.3.4.5", "256.1.1.1", "1.2.3.256", "4294967296", "08", "a.1", "0x1ffffffff", "1..2", "", "a b", "a..b",
             "%31.com", "-a.b", "a/b", "9" * 300, "::1::", "[::g]"],
)  # fmt: skip
def test_what_is_neither_a_name_nor_an_address(host: str) -> None:
    with pytest.raises(ToolError):
        literal_address(host)


def resolved(host: str, *addresses: str, allowed: bool | list[str] = False) -> list[str]:
    found = asyncio.run(addresses_of(host, 80, Reach.of(allowed), lambda host, port: addresses))
    return [str(address) for address in found]


def test_one_bad_address_refuses_all() -> None:
    assert resolved("a.test", "8.8.8.8", "1.1.1.1", "8.8.8.8") == ["8.8.8.8", "1.1.1.1"]
    with pytest.raises(ToolError, match=r"a.test is at 10.0.0.1, which is a private network") as caught:
        resolved("a.test", "8.8.8.8", "10.0.0.1")
    assert "allow_private" in str(caught.value.hint)


def test_a_name_without_address_or_with_nonsense_is_told() -> None:
    with pytest.raises(ToolError, match="has no address"):
        resolved("a.test")
    with pytest.raises(ToolError, match="cannot be found"):
        resolved("a.test", "nonsense")

    def broken(host: str, port: int) -> list[str]:
        raise OSError(2, "no such name")

    with pytest.raises(ToolError, match=r"a\.test cannot be found: no such name"):
        asyncio.run(addresses_of("a.test", 80, Reach(), broken))


def test_what_a_user_allows() -> None:
    assert resolved("a.test", "10.0.0.1", allowed=True) == ["10.0.0.1"]
    assert resolved("A.test".lower(), "10.0.0.1", allowed=["A.test"]) == ["10.0.0.1"]
    assert resolved("a.test.", "10.0.0.1", allowed=["a.test"]) == ["10.0.0.1"]
    assert resolved("b.test", "10.0.0.1", "fd00::1", allowed=["10.0.0.0/8", "fd00::/16"]) == ["10.0.0.1", "fd00::1"]
    assert resolved("0x7f.1", allowed=["127.0.0.1"]) == ["127.0.0.1"]
    for allowed in (["b.test"], ["11.0.0.0/8"], [], False):
        with pytest.raises(ToolError, match="public hosts only"):
            resolved("a.test", "10.0.0.1", allowed=allowed)  # type: ignore[arg-type]


@pytest.mark.parametrize("item", ["http://x", "a b", "", "*.test", 7.5])
def test_what_cannot_be_allowed_is_a_clear_error(item: object) -> None:
    with pytest.raises(ConfigError, match="allow_private"):
        Reach.of([item])  # type: ignore[list-item]
