"""The figures as text, at most 80 columns wide."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from textwrap import wrap

from tests.benchmarks.ordering.goals import goals, misses, ratio
from tests.benchmarks.ordering.hbal import Beside
from tests.benchmarks.ordering.measuring import Row

WIDTH = 80
SHOWN_MAX = 12
"""Instances that are told with their certificates, the worst first."""
ASIDE = {True: "others may step aside, online", False: "others stay where they are"}
PHASES = ("build", "diff", "first", "improved", "verify")


def report(rows: Sequence[Row], loads: Sequence[Mapping[str, float]], beside: Sequence[Beside]) -> Iterator[str]:
    """Every block that there are figures for."""
    for kind, what in (("uniform", "a fifth of the guests moves"), ("drain", "hosts are drained")):
        for aside in (True, False):
            some = [row for row in rows if row.case.kind == kind and row.case.aside is aside]
            if some:
                yield f"\n{kind}: {what}; {ASIDE[aside]}\n"
                yield from _scores(some)
    if rows:
        yield "\nCPU seconds, medians (and the worst); peaks in MiB above the interpreter\n"
        yield from _costs(rows)
    if loads:
        yield "\nloading as many documents: " + "; ".join(
            f"{load['hosts']:.0f}x{load['guests']:.0f} {load['cpu_s']:.2f} s, {load['peak_mib']:.0f} MiB"
            for load in loads
        )
    if beside:
        yield from _beside(beside)
    if rows:
        yield "\ngoals\n"
        for goal in goals(rows):
            verdict = {True: "met", False: "MISSED", None: "not measured"}[goal.met]
            yield f" {goal.text:56}{goal.measured:>9} {verdict}"
        yield from _certificates(rows)


def _scores(rows: Sequence[Row]) -> Iterator[str]:
    yield f"{'':29}    any way  its moves     simple"
    yield f"{'size':10}{'fill':>8}{'n':>4}{'span':>7}" + "  med worst" * 3 + f"{'hops':>6}{'aside':>6}{'stuck':>6}"
    for (size, fill), some in _grouped(rows).items():
        ratios = "".join(f"{_med(some, bound):5.2f}{max(ratio(row, bound) for row in some):6.2f}" for bound in BOUNDS)
        makespan_s = statistics.median(row.improved.makespan_s for row in some)
        counts = f"{_mean(some, lambda row: row.hops):6.1f}{_mean(some, lambda row: row.aside):6.1f}"
        yield f"{size:10}{fill:>8}{len(some):4}{makespan_s:7.0f}{ratios}{counts}{sum(row.stuck for row in some):6}"


BOUNDS = ("any", "these", "simple")


def _med(rows: Iterable[Row], bound: str) -> float:
    return statistics.median(ratio(row, bound) for row in rows)


def _mean(rows: Sequence[Row], what: Callable[[Row], int]) -> float:
    return statistics.fmean(what(row) for row in rows)


def _costs(rows: Sequence[Row]) -> Iterator[str]:
    yield f"{'':64}{'peaks':>15}"
    heads = f"{'build':>6}{'diff':>6}{'first':>14}{'improved':>14}{'verify':>7}{'held':>5}{'first':>6}{'impr':>5}"
    yield f"{'size':10}{'fill':>7}{heads}"
    for (size, fill), some in _grouped(rows).items():
        cells = []
        for phase in PHASES:
            taken = [row.cpu_s[phase] for row in some]
            worst = f" ({max(taken):.2f})".rjust(8) if phase in ("first", "improved") else ""
            cells.append(f"{statistics.median(taken):6.2f}{worst}")
        peaks = [max(row.peak_mib[phase] for row in some) for phase in ("diff", "first", "improved")]
        yield f"{size:10}{fill:>7}{''.join(cells)} {peaks[0]:5.0f}{peaks[1]:6.0f}{peaks[2]:5.0f}"


def _grouped(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """By size, and by fill and what is drained."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.case.hosts, row.case.fill, row.case.drained)):
        case = row.case
        fill = f"{case.fill:g}" + (f"-{case.drained}" if case.drained else "")
        found[f"{case.hosts}x{case.guests}", fill].append(row)
    return found


def _beside(beside: Sequence[Beside]) -> Iterator[str]:
    yield "\nbeside hbal: its moves in its job sets, and our order to where its guests end\n"
    yield f"{'':37}{'CPU seconds':>14}{'makespan, s':>14}{'our':>7}{'ours/':>7}"
    heads = f"{'hbal':>8}{'ours':>6}{'hbal':>7}{'ours':>7}{'bound':>7}{'hbal':>7}"
    yield f"{'cluster':22}{'moves':>5}{'left':>5}{'sets':>5}{heads}"
    for one in beside:
        share = one.ours_s / one.hbal_s if one.hbal_s else 1.0
        spent = f"{one.hbal_cpu_s:8.2f}{one.ours_cpu_s:6.2f}"
        spans = f"{one.hbal_s:7.0f}{one.ours_s:7.0f}{one.bound_s:7.0f}{share:7.2f}"
        yield f"{one.cluster:22}{one.moves:5}{one.left:5}{one.job_sets:5}{spent}{spans}"
    yield "left: guests that hbal leaves on nodes that are to be empty"


def _certificates(rows: Sequence[Row]) -> Iterator[str]:
    missing = sorted((row for row in rows if misses(row)), key=lambda row: (-row.stuck, -ratio(row, "any")))
    wrong = [row for row in rows if row.faults]
    if missing:
        yield "\ninstances that do not reach what their median is to reach, and their bound\n"
    for row in missing[:SHOWN_MAX]:
        stuck = f", stuck {row.stuck}" if row.stuck else ""
        yield f" {_title(row)}: {ratio(row, 'any'):.2f} (its moves {ratio(row, 'these'):.2f}){stuck}"
        for text in row.certificate:
            yield from wrap(text, WIDTH, initial_indent="    ", subsequent_indent="      ")
    if len(missing) > SHOWN_MAX:
        yield f" and {len(missing) - SHOWN_MAX} more, in the JSON"
    for row in wrong:
        yield f"\nWRONG: {_title(row)}"
        for text in row.faults[:5]:
            yield from wrap(text, WIDTH, initial_indent="    ", subsequent_indent="      ")


def _title(row: Row) -> str:
    case = row.case
    what = f"drain {case.drained}" if case.kind == "drain" else f"rotating {case.rotating:g}"
    return f"{case.hosts}x{case.guests} fill {case.fill:g} {what} seed {case.seed}"
