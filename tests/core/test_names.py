"""What may be a name, and how text that nobody vouches for is shown."""

from __future__ import annotations

import pytest

from reconciler.core.names import is_name, printable

HOSTILE = ["$(reboot)", "a;b", "a b", "-rf", ".hidden", "..", "a/b", "web\n", "web\x00", "\x1b[31mred", "<b>web</b>",
           "[web](x)", "`id`", "wéb", "a" * 65, "", "web\u202e", "*"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_no_names(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("name", ["web", "0", "Web-01.example_2", "a" * 64])
def test_plain_names_are_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web é 日本", "web é 日本"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\u202egnp", r"\u202egnp"),
        ("\U000e0041", r"\U000e0041"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_is_not_seen_is_shown_as_people_write_it(text: str, shown: str) -> None:
    assert shown == printable(text)
