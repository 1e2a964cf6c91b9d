"""Commit messages: whatever hosts and documents put into them, git finds our trailers and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.git.committing.message import commit_message, flat_trailers
from reconciler.git.trouble import GitTrouble
from tests.git.repositories import git

SCISSORS = "# ------------------------ >8 ------------------------"
FOR_GIT = (
    "---",
    "--- ",
    "#",
    SCISSORS,
    ":",
    "=",
    "Conflicts:\n\ta",
    "diff --git a/x b/x",
    "(cherry picked from commit 1)",
)
FORGED = ("Forged: yes", "Observed-Commit: 1", "Signed-off-by: Eve <e@x>")
FOR_READERS = ("\n", "\n\n", "\r", "\t", " ", "\x00", "\x1b[2J", "\u2028", "\u202e", "\ud800", "\\", "é", "word")
TROUBLE = st.sampled_from([*FOR_GIT, *FORGED, *FOR_READERS])
TEXT = st.lists(TROUBLE | st.text(max_size=5), max_size=12).map("".join)
KEY = st.sampled_from(["Observed-Commit", "Reconcile-Id", "Guests-Moved", "X"])
TRAILERS = st.lists(st.tuples(KEY, TEXT), max_size=5)


def parsed(text: str) -> tuple[tuple[str, str], ...]:
    """The trailers as git itself finds them."""
    lines = git(Path("/"), "interpret-trailers", "--parse", stdin=text.encode()).split("\n")
    return tuple((key, value.strip()) for key, _, value in (line.partition(":") for line in lines if line))


@given(TEXT, TRAILERS)
@example("", [])
@example("Report", [])
@example("a\n\nForged: yes", [])
@example("a\n\n---\n", [("X", "1")])
@example(SCISSORS, [("X", "1")])
@example("a\n\nb", [("X", "\nForged: yes\n\n---\n")])
def test_git_finds_exactly_the_trailers_that_were_given(text: str, trailers: list[tuple[str, str]]) -> None:
    message = commit_message(text, trailers)
    assert parsed(message) == flat_trailers(trailers)
    assert [line for line in message.split("\n") if not line.isprintable()] == []
    assert message.split("\n")[0].strip()


def test_a_plain_message_stays_as_it_is() -> None:
    message = commit_message(
        "Moved 3 guests\n\nweb01: h1 -> h2\n- done", [("Observed-Commit", "abc"), ("Result", "ok")]
    )
    assert message == "Moved 3 guests\n\n web01: h1 -> h2\n- done\n\nObserved-Commit: abc\nResult: ok\n"


def test_a_message_without_words_still_has_a_subject() -> None:
    assert commit_message(" \n ", []) == "Report\n"


def test_a_long_subject_is_cut_and_a_long_body_ends() -> None:
    lines = commit_message("x" * 5000 + "\n" + "y\n" * 5000, []).split("\n")
    assert len(lines[0]) == 200
    assert len(lines) < 1010


@pytest.mark.parametrize("key", ["", "Two words", "Ends:", "-x", "#x", "Ünder", "A\nB"])
def test_a_name_that_is_none_for_git_is_refused(key: str) -> None:
    with pytest.raises(GitTrouble, match="trailer-invalid"):
        commit_message("a", [(key, "value")])
