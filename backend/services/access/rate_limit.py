"""Keys of rate limits."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

_HOUSEHOLD_BITS = 64
"""Prefix that a provider gives to one customer, who may use a new address for each request."""


@lru_cache(maxsize=1024)  # the same few ask again and again
def rate_limit_key(address: str) -> str:
    """Returns the part of an address that a client cannot change.

    That is all of an IPv4 address, and the /64 network of an IPv6 one.

    Loopback and link-local addresses stay whole: their network is everybody's.
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
