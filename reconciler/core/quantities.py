"""Quantities with units, as people write them in documents: `4GiB`, `15m`.

Called where documents are read and where reports are rendered. Knows no field and no default.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

MEMORY_UNITS_MIB = {"MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}
DURATION_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}

MEMORY_PATTERN = r"^[1-9][0-9]{0,8}(MiB|GiB|TiB)$"
RATE_PATTERN = r"^[1-9][0-9]{0,5}(MiB|GiB)/s$"
PERCENT_PATTERN = r"^([1-9][0-9]?|100)%$"
DURATION_PATTERN = r"^([1-9][0-9]{0,5}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"

MOMENT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})$"


def ratio_percent(ratio: float) -> int:
    """`1.5` is 150. What is less than a hundredth is dropped: a ratio is a limit."""
    return int(Decimal(str(ratio)) * 100)


def parse_memory_mib(text: str) -> int:
    """`4GiB` -> 4096. Raises ValueError for anything else than a positive whole number of MiB, GiB or TiB."""
    if not re.fullmatch(MEMORY_PATTERN[1:-1], text):
        raise ValueError(f"{text!r} is not a size like 512MiB, 4GiB or 1TiB")
    return int(text[:-3]) * MEMORY_UNITS_MIB[text[-3:]]


def parse_rate_mib_s(text: str) -> int:
    """`1GiB/s` -> 1024. Raises ValueError for anything else than a positive whole number of MiB/s or GiB/s."""
    if not re.fullmatch(RATE_PATTERN[1:-1], text):
        raise ValueError(f"{text!r} is not a rate like 100MiB/s or 10GiB/s")
    return parse_memory_mib(text.removesuffix("/s"))


def parse_percent(text: str) -> int:
    """`20%` -> 20. Raises ValueError for anything else than a whole number from 1 to 100 and a percent sign."""
    if not re.fullmatch(PERCENT_PATTERN[1:-1], text):
        raise ValueError(f"{text!r} is not a share like 5% or 100%")
    return int(text[:-1])


def parse_duration_s(text: str) -> int:
    """`1h30m` -> 5400. Raises ValueError for anything else than whole days, hours, minutes, seconds in this order."""
    if not text or not re.fullmatch(DURATION_PATTERN[1:-1], text):
        raise ValueError(f"{text!r} is not a duration like 45s, 15m, 1h30m or 2d")
    return sum(int(number) * DURATION_UNITS_S[unit] for number, unit in re.findall(r"([0-9]+)([dhms])", text))


def parse_moment_s(text: str) -> float:
    """`2026-12-01T06:00:00Z` -> seconds since the epoch. Raises ValueError for what is no date, time and zone."""
    if not re.fullmatch(MOMENT_PATTERN[1:-1], text):
        raise ValueError(f"{text!r} is not a moment like 2026-12-01T06:00:00Z")
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def format_memory(mib: int) -> str:
    """4096 -> `4 GiB`: the largest unit that needs at most one decimal."""
    sign, size = ("-", -mib) if mib < 0 else ("", mib)
    for unit, per_unit in (("TiB", 1024 * 1024), ("GiB", 1024)):
        if size >= per_unit:
            return f"{sign}{size / per_unit:.1f}".removesuffix(".0") + f" {unit}"
    return f"{sign}{size} MiB"


def format_percent(share: float) -> str:
    """`83 %`: rounded down, so that 100 % is said of nothing that has room left."""
    return f"{int(share)} %"


def format_duration(seconds: float) -> str:
    """5400 -> `1h30m`, 252 -> `4m12s`, 0 -> `0s`. Rounded to whole seconds, to minutes from an hour on."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest_s = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{rest_s:02d}s" if rest_s else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02d}m" if minutes else f"{hours}h"
    days, hours = divmod(hours, 24)
    return f"{days}d{hours:02d}h" if hours else f"{days}d"


def format_moment(seconds: float) -> str:
    """1700000000 -> `2023-11-14 22:13 UTC`: seconds since the epoch, to the minute. Hosts may claim any time at all."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return "a time that no calendar has"
