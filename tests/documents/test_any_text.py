"""Whatever a file contains, it gives a fleet or problems: never an exception, never a place outside the file."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.documents import Loaded, load, yaml_text
from reconciler.documents.yaml_text import read_yaml
from tests.documents.examples import FLEET, GUEST, HOST, SOUND

LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
SIGNS = st.text(st.sampled_from("ab1:-?,[]{}#&*!|>'\"%@`~<= \n\t\r\\.é\u2028\ufeff"), max_size=60)
DOCUMENTS = [FLEET, HOST, GUEST, GUEST + "  migration: {stop: {graceful: 5m}, attempts: 3}\n"]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Sound documents, in which a few stretches are replaced by signs that mean something in YAML."""
    text = "---\n".join(draw(st.lists(st.sampled_from(DOCUMENTS), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(SIGNS) + text[start + draw(st.integers(0, 12)) :]
    return text.encode()


def check(content: bytes, loaded: Loaded) -> None:
    assert loaded.held == bool(loaded.holding)
    assert loaded.problems or loaded.desired
    lines = LINE_BREAK.split(content.decode("utf-8", "replace").removeprefix("\ufeff"))
    for problem in loaded.problems:
        assert all(line.isprintable() for line in str(problem).split("\n"))
        assert len(str(problem).split("\n")) == (3 if problem.hint else 2)
        assert len(str(problem)) < 3000
        if problem.location.file == "x.yaml":
            assert 1 <= problem.location.line <= len(lines)
            assert 1 <= problem.location.column <= len(lines[problem.location.line - 1]) + 1


@given(st.binary(max_size=200) | SIGNS.map(str.encode) | damaged())
@example(b"a: b\x00")
@example(b"\xef\xbb\xbf\xff")
@example(b"key: 'x\n")
@example("a: \u2028\tb".encode())
@example(b"%YAML 3.0\n---\na: 1\n")
@example(b"--- >\n")
@example(b"? - a\n  - b\n: c\n")
def test_any_content_gives_a_fleet_or_problems_inside_the_file(content: bytes) -> None:
    files = {path: text.encode() for path, text in SOUND.items()}
    check(content, load({**files, "x.yaml": content}))


@given(st.text(max_size=30), st.binary(max_size=30))
def test_any_path_gives_a_fleet_or_problems(path: str, content: bytes) -> None:
    loaded = load({path: content})
    assert loaded.held
    assert all(line.isprintable() for problem in loaded.problems for line in str(problem).split("\n"))


@given(damaged())
def test_both_parsers_read_the_same_values(content: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_text, "PARSER", yaml.CSafeLoader)
        fast = read_yaml("x.yaml", content)
        patch.setattr(yaml_text, "PARSER", yaml.SafeLoader)
        pure = read_yaml("x.yaml", content)
    if fast.problem is None and pure.problem is None:
        assert [document.value for document in fast.documents] == [document.value for document in pure.documents]


@given(damaged())
def test_a_guest_is_declared_or_quarantined_and_never_both(content: bytes) -> None:
    desired = load({**{path: text.encode() for path, text in SOUND.items()}, "x.yaml": content}).desired
    if desired is not None:
        assert not desired.guests.keys() & desired.quarantined.keys()
        assert {guest.host for guest in desired.guests.values()} <= desired.hosts.keys()
