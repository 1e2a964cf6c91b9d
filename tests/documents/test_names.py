"""How hostile text is quoted, and which paths are refused."""

from __future__ import annotations

import pytest

from reconciler.documents.names import path_trouble, quoted
from tests.core.test_names import HOSTILE


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 100_000, '"', "\\", "\ud800"])
def test_quoted_text_is_short_printable_and_on_one_line(text: str) -> None:
    shown = quoted(text)
    assert shown.isprintable()
    assert len(shown) < 900
    assert shown[0] == '"'


def test_quoted_text_is_escaped_and_cut() -> None:
    assert r'"a\x1b\n\"\\é"' == quoted('a\x1b\n"\\é')
    assert '"' + "x" * 80 + '…" (81 characters)' == quoted("x" * 81)


@pytest.mark.parametrize("path", ["", "/etc/x.yaml", "a//b.yaml", "../a.yaml", "a/./b.yaml", "a\nb.yaml", "a;b.yaml",
                                  "<a>.yaml", "\udcff.yaml", "a\u202eb.yaml", "x" * 2000, "C:\\a.yaml"])  # fmt: skip
def test_bad_paths_have_a_reason(path: str) -> None:
    assert path_trouble(path, 1024)


@pytest.mark.parametrize("path", ["a.yaml", "gäste/web (old).yml", "a-b_c/d+e@f,g=h.yaml", ".config/a.yaml"])
def test_plain_paths_have_none(path: str) -> None:
    assert path_trouble(path, 1024) == ""
