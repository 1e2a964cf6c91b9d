"""Quantities as people write and read them."""

from __future__ import annotations

import math

import pytest

from reconciler.core.quantities import (
    format_duration,
    format_memory,
    format_moment,
    parse_duration_s,
    parse_memory_mib,
)


@pytest.mark.parametrize(("text", "mib"), [("512MiB", 512), ("4GiB", 4096), ("1TiB", 1048576)])
def test_a_size_is_read(text: str, mib: int) -> None:
    assert mib == parse_memory_mib(text)


@pytest.mark.parametrize("text", ["", "4", "4GB", "04GiB", "-4GiB", "4.5GiB", "4GiB\n", "0MiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_memory_mib(text)


@pytest.mark.parametrize(("text", "seconds"), [("45s", 45), ("15m", 900), ("1h30m", 5400), ("2d", 172800)])
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert seconds == parse_duration_s(text)


@pytest.mark.parametrize("text", ["", "5", "m", "30m1h", "1h 30m", "5m\n"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration_s(text)


@pytest.mark.parametrize(
    ("mib", "text"), [(0, "0 MiB"), (1023, "1023 MiB"), (4096, "4 GiB"), (-1536, "-1.5 GiB"), (1572864, "1.5 TiB")]
)
def test_memory_is_shown_in_the_largest_unit_that_fits(mib: int, text: str) -> None:
    assert text == format_memory(mib)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.6, "1m"), (252, "4m12s"), (5400, "1h30m"), (86400, "1d"), (90000, "1d01h")]
)
def test_a_duration_is_shown_as_precisely_as_it_matters(seconds: float, text: str) -> None:
    assert text == format_duration(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1700000000, "2023-11-14 22:13 UTC"),
        (1e30, "a time that no calendar has"),
        (math.inf, "a time that no calendar has"),
    ],
)
def test_a_moment_is_shown_whatever_a_host_claims(seconds: float, text: str) -> None:
    assert text == format_moment(seconds)
