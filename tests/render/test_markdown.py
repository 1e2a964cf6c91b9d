"""Pages for forges: what reviewers read first, that hostile text stays text, that a page cut short is still whole."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.core.diff import Diff
from reconciler.core.execution.run import Progress, StepState
from reconciler.core.planning.plan import Plan, Reason
from reconciler.core.reports.conditions import conditions
from reconciler.core.reports.report import Report, Result
from reconciler.loop.publishing import reference_pages
from reconciler.render.fleet_status import fleet_status
from reconciler.render.markdown.budget import Section, page
from reconciler.render.markdown.codes import links, standing_alone
from reconciler.render.markdown.plan import CHARACTERS_MAX, MARKER, plan_markdown
from reconciler.render.markdown.proposal import proposal_markdown
from reconciler.render.markdown.readme import readme
from reconciler.render.proposed import Proposed
from reconciler.render.status_tree import read_status, status_files
from tests.render import example
from tests.render.values import HOSTILE, plans, reports, values

FORGE = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = re.compile(r"<!-- reconciler:plan -->|</?details>|</?summary>|<br>")
ALLOWED = {
    "bullet_list",
    "list_item",
    "paragraph",
    "heading",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "strong",
    "em",
}
ALLOWED_ALONE = {"inline", "text", "fence", "code_inline", "hr", "softbreak", "link_open", "link_close", "html_inline"}

few = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def tokens(markdown: str) -> list[Token]:
    found = FORGE.parse(markdown)
    return found + [child for token in found for child in token.children or ()]


def assert_harmless(markdown: str) -> None:
    """No HTML but ours, no link but to a run record, no structure but what the pages are made of."""
    kinds = {f"{kind}_{end}" for kind in ALLOWED for end in ("open", "close")} | ALLOWED_ALONE | {"html_block"}
    for token in tokens(markdown):
        assert token.type in kinds, token.type
        if token.type in ("html_block", "html_inline"):
            assert "<" not in OURS.sub("", token.content), token.content
        if token.type == "link_open":
            assert re.fullmatch(
                r"runs/([0-9]{4}/[0-9]{2}/[0-9]{2}|undated)/[A-Za-z0-9._-]+\.json", str(token.attrs["href"])
            )


@few
@given(plans(), values(Diff))
def test_no_plan_carries_markup_of_others(plan: Plan, difference: Diff) -> None:
    assert_harmless(plan_markdown(plan, difference.hosts))


@few
@given(values(Proposed))
def test_no_proposal_carries_markup_of_others(found: Proposed) -> None:
    assert_harmless(proposal_markdown(found))


@few
@given(reports())
def test_no_readme_carries_markup_of_others(report: Report) -> None:
    assert_harmless(readme(fleet_status(report)))


@pytest.mark.parametrize("label", [text for text in HOSTILE if "<" in text])
def test_tags_in_names_are_shown_as_text(label: str) -> None:
    steps = tuple(replace(step, guest=label, reason=label) for step in example.PLAN.steps)
    shown = plan_markdown(replace(example.PLAN, steps=steps, fleet=label))
    assert label not in shown
    assert_harmless(shown)


def test_a_reviewer_reads_the_verdict_first() -> None:
    assert plan_markdown(example.PLAN).startswith(
        f"{MARKER}\n**This moves 3 guests (in 4 moves, 3 online and 1 offline) and starts 1 guest, with 1m51s downtime "
        "for 1 guest. 1 move has no lasting online way back. 1 guest stays where it is: blocked.** 3 min, the shortest "
        "possible.\n\n### Blocked\n"
    )


def test_a_plan_that_is_held_says_so_and_what_releases_it() -> None:
    shown = plan_markdown(example.HELD)
    assert "It is held: shown, not run, until what holds it is released." in shown
    assert "- **TooManyMoves**: 4 moves, at most 2 are allowed<br>Release: apply --allow-moves 4\n" in shown


def test_a_plan_that_does_nothing_is_one_sentence() -> None:
    assert plan_markdown(example.NOTHING) == (
        f"{MARKER}\n**Nothing to do: every guest that was seen is where and as its document says.**\n\n"
        "Fleet demo at 3f2a9c1d3f, digest d1.\n"
    )
    assert plan_markdown(example.NOTHING, example.DIFF.hosts).startswith(
        f"{MARKER}\n**Nothing to do: every guest that was seen is where and as its document says. 1 host is in "
        "trouble.**\n\n### Hosts in trouble: nothing is done there\n\n- vmhost-c: **Unreachable**: connection refused\n"
    )


def test_the_steps_are_a_table_and_the_rest_opens_on_a_click() -> None:
    shown = plan_markdown(example.PLAN)
    assert "| 2 | db-primary | vmhost-c → vmhost-d | offline | 0s | 2m47s | **1m51s** | - |" in shown
    assert "| 4 | batch07 | vmhost-e → vmhost-a | online (1-way) | 1m12s | 41s | - | 1, 3 |" in shown
    assert "```text\nvmhost-c$ hpvmstop -P db-primary\n" in shown
    assert "- ✗ online storage-shared: db02's disk is a logical volume (manual, p. 168)" in shown


def large_plan(number: int) -> Plan:
    steps = tuple(replace(example.DB, id=f"{at}", reason="why " * 50) for at in range(number))
    return replace(example.HELD, steps=steps, blocked=example.PLAN.blocked * number)


@pytest.mark.parametrize("limit", [3_000, 10_000, CHARACTERS_MAX])
@pytest.mark.parametrize("number", [1, 40, 3_000])
def test_a_plan_stays_within_its_limit_and_stays_whole(number: int, limit: int) -> None:
    shown = plan_markdown(large_plan(number), limit=limit)
    assert len(shown) <= limit
    assert_harmless(shown)
    assert shown.count("<details>") == shown.count("</details>")
    assert shown.count("```") % 2 == 0
    assert shown.startswith(f"{MARKER}\n**This moves")
    assert shown.endswith("digest 9c0a1b2c.\n")


def test_what_is_left_out_is_said_and_counted() -> None:
    shown = plan_markdown(large_plan(3_000))
    rows = len(re.findall(r"^\| [0-9]+ \|", shown, re.MULTILINE))
    assert 0 < rows < 3_000
    assert f"*{3_000 - rows} more steps are left out for want of room.*" in shown
    assert "more blocked guests are left out for want of room.*" in shown


def test_every_section_gets_its_share_before_any_takes_the_rest() -> None:
    large = Section("A", ("a" * 9,) * 1_000, "lines", 0.5)
    small = Section("B", ("b" * 9,) * 20, "lines", 0.3)
    shown = page([large, small], 2_000)
    assert len(shown) <= 2_000
    assert shown.count("b" * 9) == 20


def test_the_readme_says_how_the_fleet_stands() -> None:
    status = read_status(status_files(example.REPORT)["index.json"])
    assert status is not None
    assert readme(status).startswith(
        """\
# Fleet demo

**Incomplete**: 2 of 4 declared guests are not there yet; the next pass goes on. 1 host is in trouble.

`██████████░░░░░░░░░░` 2 of 4 guests as declared · 1 needs a person · 1 not settled · 1 unmanaged

Documents: 3f2a9c1d3f2a9c1d3f2a9c1d3f2a9c1d3f2a9c1d, Move the web tier to vmhost-b \
(Ann Lee &lt;ann@&#8203;example.org&gt;)

## Guests that need a person

| Guest | Is on | Declared on | Since | Why |
| --- | --- | --- | --- | --- |
| db02 | vmhost-a (running) | vmhost-b | 2025-11-23 20:30 | **DowntimeForbidden**: db02 would go down; the document \
says downtime: forbidden<br>*Helps:* set spec.migration.downtime to allowed |

## Other guests that are not as declared

| Guest | Is on | Declared on | Since | Why |
| --- | --- | --- | --- | --- |
| batch07 | not seen | vmhost-a | 2025-11-23 20:30 | **OwnerUnknown**: not on any host that answered; not read: \
vmhost-c |

## Hosts

█ used · ▒ kept for guests on their way · ░ free

| Host | Memory for guests | Used | Free | Of | Running | Registered | Version |
| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |
| vmhost-a | `███████████████░░░░░` | 48 GiB | 16 GiB | 64 GiB | 1 | 2 | integrity-vm 4.3 |
| vmhost-b | `█████░░░░░░░░░░░░░░░` | 16 GiB | 48 GiB | 64 GiB | 1 | 1 | integrity-vm 4.3 |
| vmhost-c | **Unreachable**: connection refused | - | - | - | - | - | - |
| vmhost-d | `██████▎░░░░░░░░░░░░░` | 20 GiB | 44 GiB | 64 GiB | 2 | 2 | integrity-vm 4.3 |

## Last runs

| Begun | Result | Moved | Failed | Took | Documents | By |
| --- | --- | --- | ---: | ---: | --- | --- |
| [2025-11-23 20:15](runs/2025/11/23/20251123T201504-7f3a.json) | incomplete | web01 → vmhost-b and db-primary → \
vmhost-d | 1 | 15m05s | 3f2a9c1d3f Move the web tier to vmhost-b | Ann Lee |

## Last moves

Begun 2025-11-23 20:15, [20251123T201504-7f3a](runs/2025/11/23/20251123T201504-7f3a.json).

| Guest | From → to | How | Why | Ended | Took | Down |
| --- | --- | --- | --- | --- | ---: | ---: |
| web01 | vmhost-a&nbsp;→ vmhost-b | online | declared on vmhost-b | done | 1m10s | - |
"""
    )


def test_the_readme_names_what_is_under_way_and_the_room_that_is_kept_for_it() -> None:
    moving = replace(example.REPORT.steps[0], progress=Progress(StepState.STARTED, started_s=example.BEGUN_S))
    status = fleet_status(replace(example.REPORT, result=Result.RUNNING, steps=(moving,)))
    hosts = tuple(replace(host, memory_kept_mib=8192, memory_used_mib=24576) for host in status.hosts[1:2])
    shown = readme(replace(status, hosts=hosts))
    assert "**Running**: 1 step under way; 2 of 4 declared guests are not as declared yet." in shown
    assert "| web01 | vmhost-a&nbsp;→ vmhost-b | online | 2025-11-23 20:15 | 1m12s |" in shown
    assert "| vmhost-b | `█████▒▒▒░░░░░░░░░░░░` | 16 GiB | 8 GiB | 40 GiB | 64 GiB |" in shown


def test_a_guest_that_somebody_wants_left_alone_is_not_among_those_that_need_a_person() -> None:
    held = replace(example.BLOCKED, reason=Reason.GUEST_SUSPENDED, text="suspended by Ada", fix="resume it")
    guests = tuple(
        replace(guest, conditions=conditions(guest.diff, held, None, False)) if guest.diff.name == "db02" else guest
        for guest in example.GUESTS
    )
    plan = replace(example.NOTHING, blocked=(held,))
    status = read_status(status_files(replace(example.REPORT, plans=(plan,), guests=guests))["index.json"])
    assert status is not None
    shown = readme(status)
    assert "need a person" not in shown
    assert (
        "| db02 | vmhost-a (running) | vmhost-b | 2025-11-23 20:30 | **GuestSuspended**: suspended by Ada"
        "<br>*Helps:* resume it |" in shown[shown.index("## Guests that are left as they are on purpose") :]
    )


PAGES = {
    "reasons.md": "# R\n\n## Rules, and the document's\n\n| `DowntimeForbidden` | x |\n## B\n| `OwnerUnknown` | y |\n",
    "outcomes.md": "# Outcomes\n\n| `HostUnreachable` | x |\n| `OwnerUnknown` | another page has it |\n",
}


def test_reason_codes_lead_to_where_they_are_explained() -> None:
    shown = readme(fleet_status(example.REPORT), links(PAGES))
    assert "| [**DowntimeForbidden**](reference/reasons.md#rules-and-the-documents): db02 would go down" in shown
    assert "[**OwnerUnknown**](reference/reasons.md#b)" in shown
    assert "unknown: [**HostUnreachable**](reference/outcomes.md#outcomes): vmhost-b did not answer" in shown
    assert "| vmhost-c | **Unreachable**: connection refused |" in shown, "no page explains it"


def test_the_pages_that_ship_explain_what_a_report_says_and_lead_nowhere_else() -> None:
    pages = reference_pages()
    assert set(PAGES) < set(pages)
    assert {"NoRoom", "StopTimedOut", "Unreachable", "ReportMode"} <= set(links(pages))
    targets = {target for text in pages.values() for target in re.findall(r"\]\(([^)#]+)", text)}
    assert targets
    assert set() == targets - set(pages)
    assert {"a.md": "[a](a.md#x), b, [here](#y)"} == standing_alone({"a.md": "[a](a.md#x), [b](../b.md), [here](#y)"})


def test_the_readme_of_a_large_fleet_stays_a_page_that_forges_show() -> None:
    """1,000 hosts and 20,000 guests, half of them blocked, with the longest texts in a script of three bytes."""
    status = fleet_status(example.REPORT)
    hosts = [
        replace(status.hosts[0], name=f"host-{number:04}", version=f"4.{number % 3}", memory_used_mib=number * 65)
        for number in range(990)
    ] + [replace(status.hosts[2], name=f"away-{number}", text="日" * 400) for number in range(10)]
    troubles = [
        replace(trouble, guest=f"guest-{number}-{trouble.guest}", message="日本語" * 200, fix="語" * 300)
        for number in range(5_000)
        for trouble in status.troubles
    ]
    run = replace(status.runs[0], subject="本" * 400, moves=status.runs[0].moves * 25)
    counts = replace(status.counts, declared=20_000, stalled=5_000, hosts=1_000, hosts_in_trouble=10)
    shown = readme(replace(status, hosts=tuple(hosts), troubles=tuple(troubles), counts=counts, runs=(run,) * 10))
    assert len(shown.encode()) < 64 * 1024
    for title in (
        "need a person",
        "Hosts in trouble",
        "Hosts by platform",
        "The fullest hosts",
        "Last runs",
        "Last moves",
    ):
        assert title in shown
    assert "| integrity-vm 4.1 | 330 |" in shown
    assert "host-0989" in shown, "the fullest"
    assert "host-0500" not in shown
    assert shown.endswith("with its commands.\n")


def test_the_readme_of_a_fleet_in_report_mode_shows_what_would_be_done() -> None:
    shown = readme(
        fleet_status(replace(example.REPORT, result=Result.HELD, plans=(example.HELD,), brakes=example.HELD.brakes))
    )
    assert "## Held\n\n- **TooManyMoves**" in shown
    assert "## Still to do\n\n3 min, the shortest possible · 4 moves" in shown
    assert "| web01 | vmhost-a&nbsp;→ vmhost-b | online | - |" in shown


def test_a_long_list_ends_with_where_the_rest_is() -> None:
    report = replace(example.REPORT, guests=example.GUESTS * 100)
    shown = readme(fleet_status(report))
    assert "*70 more guests are in `index.json` or the run record.*" in shown
    assert "DowntimeForbidden: 100\n" in shown, "so many of each reason"
