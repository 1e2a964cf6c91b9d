"""Whether an address is among those that the settings allow: IP ranges, and patterns of names.

Called where a host is dialled, and by drivers for what hosts call each other. Asks no resolver.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Iterable

Range = ipaddress.IPv4Network | ipaddress.IPv6Network


def allowed(address: str, patterns: Iterable[str]) -> bool:
    """Whether an IP address lies in one of the ranges, or a name fits one of the patterns."""
    if literal_address(address) is not None:
        return in_ranges(address, patterns)
    return any(name_fits(address, pattern) for pattern in patterns)


def literal_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that the text is, if it is one; `::ffff:192.0.2.1` is 192.0.2.1."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def in_ranges(address: str, patterns: Iterable[str]) -> bool:
    """Whether an IP address lies in one of the ranges."""
    literal = literal_address(address)
    return literal is not None and any(literal in found for found in map(_range, patterns) if found is not None)


def name_fits(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern that is no range."""
    return _range(pattern) is None and fnmatch.fnmatchcase(name.lower(), pattern.lower())


def _range(text: str) -> Range | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
