"""Whatever a document or a host says: nothing of it steers a terminal, becomes markup, or notifies a person."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from reconciler.render.escape import fenced, markdown, spelled, terminal, terminal_lines
from tests.render.values import text

FORGE = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def unseen(shown: str) -> list[str]:
    return [character for character in shown if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("web01", "web01"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("one\ntwo\tthree", "one\\ntwo\\tthree"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("Müller → 日本", "Müller → 日本"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_an_escape(said: str, shown: str) -> None:
    assert terminal(said) == shown


@given(text)
def test_nothing_unseen_survives_on_a_terminal(said: str) -> None:
    assert [] == unseen(terminal(said))
    assert [] == [line for line in terminal_lines(said) if unseen(line)]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<b>", "&lt;b&gt;"),
        ("`x` *y* _z_", "\\`x\\` \\*y\\* \\_z\\_"),
        ("[x](y)", "\\[x\\](y)"),
        ("one\n\n# two", "one \\# two"),
        ("@everyone", "@&#8203;everyone"),
        ("fixes #12", "fixes \\#&#8203;12"),
        ("1. first", "1\\. first"),
        ("4.3", "4.3"),
        ("- item", "\\- item"),
    ],
)
def test_markup_is_shown_and_not_obeyed(said: str, shown: str) -> None:
    assert markdown(said) == shown


@given(text)
def test_any_text_is_one_paragraph_of_plain_text_in_markdown(said: str) -> None:
    tokens = FORGE.parse(markdown(said))
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text"}


@given(text)
def test_any_text_stays_in_its_table_cell(said: str) -> None:
    page = f"| a | b |\n| --- | --- |\n| {markdown(said)} | end |\n"
    tokens = FORGE.parse(page)
    assert [token.type for token in tokens].count("td_open") == 2
    assert [token.type for token in tokens][-1] == "table_close"


@given(text)
def test_nothing_is_a_mention_or_an_issue(said: str) -> None:
    shown = markdown(said)
    assert re.search(r"@(?!&#8203;)", shown) is None
    assert re.search(r"(?<!&)#[0-9]", shown) is None


@given(text)
def test_nothing_opens_a_tag(said: str) -> None:
    found = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append(tag)

        def handle_comment(self, data: str) -> None:
            found.append("comment")

    Tags().feed(markdown(said))
    assert [] == found


@given(text)
def test_output_cannot_close_its_code_block(said: str) -> None:
    tokens = FORGE.parse(fenced([said, "last"]))
    assert ["fence"] == [token.type for token in tokens]
    assert tokens[0].content.endswith("last\n")


def test_a_command_shows_where_its_arguments_end() -> None:
    assert "hpvmmodify -P web01 -l 'a note' ''" == spelled(("hpvmmodify", "-P", "web01", "-l", "a note", ""))
    assert "echo \\x1b[2J" == spelled(("echo", "\x1b[2J"))
