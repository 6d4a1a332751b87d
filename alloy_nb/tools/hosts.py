"""Addresses that a fetch may reach: public ones, whatever form they come in."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import ConfigError, ToolError
from .workers import call_in_thread

__all__ = ["Address", "Reach", "Resolver", "addresses_of", "danger_of", "literal_address"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Finds the addresses of a name, as text. May block: it is called in a thread.
Resolver = Callable[[str, int], Iterable[str]]

# https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-, seen 2026-11, and multicast. Written out,
# since `is_global` says other things in other versions of Python. The narrower ones come first: their words are told.
_SPECIAL_V4 = (
    ("0.0.0.0/8", "this host (unspecified)"),
    ("10.0.0.0/8", "a private network"),
    ("100.64.0.0/10", "a provider's shared network (CGNAT)"),
    ("127.0.0.0/8", "this machine (loopback)"),
    ("168.63.129.16/32", "a cloud's metadata service"),
    ("169.254.169.254/32", "a cloud's metadata service"),
    ("169.254.0.0/16", "the local link"),
    ("172.16.0.0/12", "a private network"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "reserved for documentation"),
    ("192.31.196.0/24", "reserved"),
    ("192.52.193.0/24", "reserved"),
    ("192.88.99.0/24", "reserved (6to4)"),
    ("192.168.0.0/16", "a private network"),
    ("192.175.48.0/24", "reserved"),
    ("198.18.0.0/15", "reserved for tests"),
    ("198.51.100.0/24", "reserved for documentation"),
    ("203.0.113.0/24", "reserved for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
)
# Global unicast is 2000::/3; these are in it.
_SPECIAL_V6 = (
    ("2001::/23", "reserved (Teredo and others)"),
    ("2001:db8::/32", "reserved for documentation"),
    ("2002::/16", "an IPv4 address inside IPv6 (6to4)"),
    ("2620:4f:8000::/48", "reserved"),
    ("3fff::/20", "reserved for documentation"),
)
# Those outside of it that have words of their own.
_OUTSIDE_V6 = (
    ("::1/128", "this machine (loopback)"),
    ("::/128", "this host (unspecified)"),
    ("::ffff:0:0/96", "an IPv4 address inside IPv6 (mapped)"),
    ("::/96", "an IPv4 address inside IPv6"),
    ("64:ff9b::/96", "an IPv4 address inside IPv6 (NAT64)"),
    ("64:ff9b:1::/48", "an IPv4 address inside IPv6 (NAT64)"),
    ("fd00:ec2::254/128", "a cloud's metadata service"),
    ("fc00::/7", "a private network"),
    ("fe80::/10", "the local link"),
    ("fec0::/10", "a private network"),
    ("ff00::/8", "multicast"),
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL = tuple((ipaddress.ip_network(net), why) for net, why in (*_SPECIAL_V4, *_SPECIAL_V6, *_OUTSIDE_V6))

_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,62}[a-z0-9_])?)*")


def danger_of(address: Address) -> str | None:
    """What an address is that is not one public host; None for one that is.

    >>> danger_of(ipaddress.ip_address("127.0.0.1")), danger_of(ipaddress.ip_address("::ffff:8.8.8.8"))
    ('this machine (loopback)', 'an IPv4 address inside IPv6 (mapped)')
    >>> danger_of(ipaddress.ip_address("93.184.215.14")) is None
    True
    """
    for network, why in _SPECIAL:
        if address.version == network.version and address in network:
            return why
    return "reserved" if address.version == 6 and address not in _GLOBAL_V6 else None


def literal_address(host: str) -> Address | None:
    """The address that `host` is itself, in any form that a resolver would take for one; None for a name.

    Raises `ToolError` for what can be neither.

    >>> literal_address("2130706433"), literal_address("0x7f.1"), literal_address("127.0.0.1.")
    (IPv4Address('127.0.0.1'), IPv4Address('127.0.0.1'), IPv4Address('127.0.0.1'))
    """
    text = host.strip("[]").lower()
    if ":" in text:
        try:
            return ipaddress.IPv6Address(text)
        except ValueError as error:
            raise ToolError(f"{host!r} is no address: {error}") from error
    parts = text.removesuffix(".").split(".")
    if not _NUMBER.fullmatch(parts[-1]):
        if _NAME.fullmatch(text.removesuffix(".")):
            return None
        raise ToolError(f"{host!r} is no name of a host")
    numbers = [_number_of(part) for part in parts]
    *first, last = numbers
    if len(numbers) <= 4 and None not in numbers:
        value = int(last or 0)
        for place, number in enumerate(first):
            value += int(number or 0) << 8 * (3 - place)
        if all(number is not None and number < 256 for number in first) and (last or 0) < 256 ** (5 - len(numbers)):
            return ipaddress.IPv4Address(value)
    raise ToolError(f"{host!r} is no name of a host and no address")


def _number_of(part: str) -> int | None:
    """A part of an address as `inet_aton` reads it: hexadecimal after 0x, octal after 0."""
    if not _NUMBER.fullmatch(part) or len(part) > 20:
        return None
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    try:
        return int(part, 8 if part.startswith("0") else 10)
    except ValueError:  # 08
        return None


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be reached besides public hosts: everything, some hosts by name, some networks.

    >>> Reach.of(["localhost", "192.168.0.0/16"])
    Reach(everything=False, hosts=frozenset({'localhost'}), networks=(IPv4Network('192.168.0.0/16'),))
    """

    everything: bool = False
    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allowed: bool | Iterable[str]) -> Reach:
        """`allowed` is True for all, or lists names, addresses and networks (``10.0.0.0/8``). Raises `ConfigError`."""
        if isinstance(allowed, bool):
            return cls(everything=allowed)
        hosts, networks = [], []
        for item in [allowed] if isinstance(allowed, str) else allowed:
            try:
                networks.append(ipaddress.ip_network(item, strict=False))
            except ValueError:
                if not isinstance(item, str) or not _NAME.fullmatch(item.lower()):
                    raise ConfigError(
                        f"allow_private: {item!r} is no name of a host, no address and no network",
                        hint="give True, or names and networks: allow_private=['localhost', '10.0.0.0/8']",
                    ) from None
                hosts.append(item.lower())
        return cls(hosts=frozenset(hosts), networks=tuple(networks))

    def check(self, host: str, address: Address) -> None:
        """Raise the `ToolError` of an address that may not be reached for `host`."""
        if self.everything or host.removesuffix(".") in self.hosts:
            return
        if any(address.version == network.version and address in network for network in self.networks):
            return
        why = danger_of(address)
        if why is not None:
            at = "" if host == str(address) else f" is at {address}, which"
            raise ToolError(
                f"{host}{at} is {why}: fetch reaches public hosts only",
                hint="the user can allow it: tools=[alloy_nb.tools.fetch.Fetch(allow_private=[...])]",
            )


def system_resolver(host: str, port: int) -> list[str]:
    """What the system says."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


async def addresses_of(host: str, port: int, reach: Reach, resolver: Resolver | None = None) -> list[Address]:
    """The addresses of `host`, resolved once; `ToolError` when there is none, or when one of them may not be reached.

    One bad address among good ones refuses them all: such an answer is made to be chosen from twice.
    """
    address = literal_address(host)
    if address is not None:
        reach.check(host, address)
        return [address]
    resolve = resolver or system_resolver
    try:
        found = await call_in_thread(lambda: list(resolve(host, port)), "fetch-resolve").future
        addresses = list(dict.fromkeys(ipaddress.ip_address(text) for text in found))
    except (OSError, ValueError) as error:  # UnicodeError is one
        raise ToolError(f"{host} cannot be found: {getattr(error, 'strerror', None) or error}") from error
    if not addresses:
        raise ToolError(f"{host} cannot be found: it has no address")
    for address in addresses:
        reach.check(host, address)
    return addresses
