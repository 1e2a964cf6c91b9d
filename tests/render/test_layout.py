"""Tables, wrapped text and bars keep to their columns, whatever is in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.render.escape import terminal
from reconciler.render.layout import WIDTH, Cell, Column, bar, cells, shorten, table, wrap
from tests.render.values import text


@pytest.mark.parametrize(
    ("name", "width", "shown"),
    [
        ("vmhost-a", 8, "vmhost-a"),
        ("archive-of-customers-2019", 12, "archiv…-2019"),
        ("日本語の名前", 7, "日本…前"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_a_name_that_is_too_wide_loses_its_middle(name: str, width: int, shown: str) -> None:
    assert shorten(name, width) == shown


@given(text, st.integers(0, 40))
def test_a_shortened_text_fits(said: str, width: int) -> None:
    assert cells(shorten(terminal(said), width)) <= width


@given(text)
def test_widths_are_those_of_the_terminal_library(said: str) -> None:
    """rich draws the live view: both must agree on what fits."""
    assert cells(terminal(said)) >= cell_len(terminal(said))


@given(text, st.integers(0, 20))
def test_wrapped_lines_fit_and_lose_no_character(said: str, indent: int) -> None:
    shown = terminal(said)
    lines = wrap(shown, first=" " * indent)
    assert all(cells(line) <= WIDTH for line in lines)
    assert "".join("".join(lines).split()) == "".join(shown.split())


def test_wrapped_text_hangs_below_its_beginning() -> None:
    assert wrap("one two three", first="- ", width=9) == ["- one two", "  three"]


@pytest.mark.parametrize(
    ("part", "whole", "drawn"),
    [(0, 8, "░░░░"), (4, 8, "██░░"), (5, 8, "██▌░"), (8, 8, "████"), (12, 8, "████"), (0, 0, "░░░░"), (1, 0, "████")],
)
def test_a_bar_is_as_full_as_its_host(part: int, whole: int, drawn: str) -> None:
    assert bar(part, whole, 4) == drawn


def test_only_columns_that_may_are_narrowed() -> None:
    columns = (Column("NAME", flexible=True), Column("WHAT"))
    lines = table(columns, [("n" * 100, "w" * 40)])
    assert lines == ["NAME" + " " * 36 + "WHAT", "n" * 19 + "…" + "n" * 18 + "  " + "w" * 40]


def test_a_column_that_is_empty_throughout_is_left_out() -> None:
    assert table((Column("A"), Column("B"), Column("C")), [("1", "", "3")]) == ["A  C", "1  3"]


def test_paint_changes_no_layout() -> None:
    columns = (Column("A"), Column("B", right=True))
    rows: list[tuple[str | Cell, ...]] = [(Cell("one", "bad"), "1"), ("three", Cell("22", "good"))]
    painted = table(columns, rows, paint=lambda style, shown: f"<{style}>{shown}</>")
    assert painted == ["<dim>A</>       <dim>B</>", "<bad>one</>     1", "three  <good>22</>"]
