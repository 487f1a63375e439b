"""Which addresses a webhook may reach, against requests that are forged through this server (SSRF).

Names are resolved once for a delivery, all of their addresses are checked, and the connection goes to one of them: what
a name means a moment later is of no interest. Whatever embeds an IPv4 address is judged by that one, too.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from backend.services.errors import CallbackRefused
from backend.utils.network.http_address import HttpAddress

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
_OF_CLOUDS = frozenset({IPv4Address("168.63.129.16"), IPv4Address("192.0.0.192")})
"""Hosts of clouds that answer to their machines only, at addresses that look public."""


class Reach:
    """Decides which addresses may be called."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Takes the networks that may be called although they are private, and over plain http."""
        self._allowed: tuple[Network, ...] = tuple(ip_network(network, strict=False) for network in networks)

    def refuse_hopeless(self, target: HttpAddress) -> None:
        """Refuses what can be told without asking for the addresses of a name.

        Raises:
            CallbackRefused: It would be refused at the delivery as well.
        """
        literal = read_literal(target.host)
        if literal is not None:
            self.check(target, [literal])
        elif target.scheme == "http" and not self._allowed:
            raise CallbackRefused(_HTTPS_ONLY)

    def check(self, target: HttpAddress, addresses: Sequence[Address]) -> None:
        """Lets pass where all addresses may be called.

        Raises:
            CallbackRefused: One of them may not; its number is not told, since it may be a secret of this network.
        """
        strangers = [address for address in addresses if not self._is_allowed(address)]
        if not strangers:
            return
        if not all(map(is_public, strangers)):
            raise CallbackRefused(
                f"{target.host} is an address of this machine or of a private network; ZIMAGE_WEBHOOK_NETWORKS lists "
                "those that webhooks may reach."
            )
        if target.scheme != "https":
            raise CallbackRefused(_HTTPS_ONLY)

    def _is_allowed(self, address: Address) -> bool:
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain.version == network.version and plain in network for network in self._allowed)


_HTTPS_ONLY = "The address must begin with https://; http:// is for networks in ZIMAGE_WEBHOOK_NETWORKS."


def read_literal(host: str) -> Address | None:
    """Reads an IP address, also in the short, octal, hexadecimal and decimal forms of resolvers; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def is_public(address: Address) -> bool:
    """Tells whether an address belongs to the internet, and so do those that it embeds."""
    return all(_is_global(each) for each in (address, *_embedded(address)))


def _is_global(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address.sixtofour or address in _NAT64):
        return True  # judged by what it embeds
    inner = (
        address.is_private, address.is_loopback, address.is_link_local, address.is_multicast, address.is_reserved,
        address.is_unspecified, isinstance(address, IPv6Address) and address.is_site_local, address in _OF_CLOUDS,
    )  # fmt: skip
    return address.is_global and not any(inner)


def _embedded(address: Address) -> Iterator[Address]:
    if not isinstance(address, IPv6Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
