"""Addresses of the network, for who counts those that come from them."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

_HOUSEHOLD_BITS = 64
"""What a provider gives to one customer, who may use any of its addresses, a new one for each request."""


@lru_cache(maxsize=1024)  # the same few ask again and again
def rate_limit_key(address: str) -> str:
    """Returns what one client cannot change: an IPv4 address, or the network that an IPv6 address is part of.

    Addresses of this machine and of its own link stay as they are: there, a network is everybody.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    if parsed.is_loopback or parsed.is_link_local:
        return address
    return str(IPv6Network((int(parsed), _HOUSEHOLD_BITS), strict=False))
