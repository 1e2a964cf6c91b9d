"""What operators see in a terminal: the golden pages, and that no page is ever wider than 80 columns or unsafe."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from reconciler.core.desired import DesiredFleet, Fleet
from reconciler.core.diff import Diff, Finding, GuestDiff
from reconciler.core.model import Method
from reconciler.core.observed import ObservedFleet
from reconciler.core.planning.plan import Plan, Reason
from reconciler.core.planning.ways.learned import median_error_percent
from reconciler.core.proposing.proposal import HOST, Action, Change, FieldChange, Obstacle, Proposal, Unplaced
from reconciler.core.reports.json_values import canonical
from reconciler.core.reports.report import CommandRun, Report, Result
from reconciler.errors import ExitCode, Location, Problem
from reconciler.render.explanation import Explanation, explain
from reconciler.render.fleet_status import fleet_status
from reconciler.render.layout import WIDTH, cells
from reconciler.render.outputs.history import RunRecord, Sighting, run_record_from_json
from reconciler.render.outputs.run import run_json
from reconciler.render.proposed import Proposed
from reconciler.render.run_summary import run_summary
from reconciler.render.text.difference import diff_text
from reconciler.render.text.documents import validation_text
from reconciler.render.text.explain import explain_text
from reconciler.render.text.history import history_text
from reconciler.render.text.observed import observed_text
from reconciler.render.text.plan import plan_text
from reconciler.render.text.proposal import proposal_message, proposed_text
from reconciler.render.text.run import run_text
from reconciler.render.text.status import status_text
from tests.render import example
from tests.render.values import observed_fleets, plans, reports, values

PLACE = Location("desired-state/guests/web.yaml", 12, 3)
PROBLEM = Problem("guest-on-unknown-host", PLACE, 'guest "web" wants host "h9"', "declare h9, or choose h1")

few = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def assert_fits(page: str) -> None:
    lines = page.split("\n")
    assert [] == [line for line in lines if cells(line) > WIDTH]
    assert [] == [line for line in lines if line != line.rstrip()]
    assert not any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for line in lines for sign in line)
    assert page.endswith("\n")
    assert not page.endswith("\n\n")


@few
@given(plans(), values(Diff))
def test_no_plan_is_wider_than_80_columns(plan: Plan, difference: Diff) -> None:
    assert_fits(plan_text(plan, difference.hosts, commands=True))


@few
@given(values(Proposed))
def test_no_proposal_is_wider_than_80_columns(found: Proposed) -> None:
    assert_fits(proposed_text(found))


def test_guests_that_the_same_hosts_have_no_room_for_share_the_reason() -> None:
    def stuck(guest: str, *short_mib: int) -> Unplaced:
        found = tuple(Obstacle(f"h{n}", "NoRoom", "short", mib) for n, mib in enumerate(short_mib))
        return Unplaced(guest, "a", "NoRoom", f"{guest} alone", "make room", found)

    unplaced = (stuck("one", 1024, 2048), stuck("other", 512), stuck("two", 4096, 2048))
    proposal = Proposal(Action.PARK, "idle=yes", (), unplaced, "text")
    told = " ".join(proposed_text(Proposed("lab", "", proposal)).split())
    reason = "NoRoom: no host that may take them has room for any: h0 is 1 GiB to 4 GiB of memory short"
    assert f"one, two {reason} h1: 2 GiB of memory short" in told
    assert "other: on a NoRoom: other alone" in told


def test_a_guest_that_only_makes_room_is_marked() -> None:
    own = Change("zeta", (FieldChange(HOST, "a", "b"),), "a is to be empty", "gain", "a", "b", Method.ONLINE)
    other = replace(own, guest="alpha", reason="makes room for zeta, for good", room_for="zeta")
    proposal = Proposal(Action.DRAIN, "a", (own, other), (), "host a will be empty")
    told = proposed_text(Proposed("lab", "", proposal))
    [zeta, alpha] = [line for line in told.splitlines() if line.startswith((" zeta", " alpha"))]
    assert ("makes room" in alpha, "makes room" in zeta) == (True, False)


@few
@given(values(Proposal), plans())
def test_the_message_of_a_proposal_is_harmless_and_narrow(proposal: Proposal, plan: Plan) -> None:
    assert_fits(proposal_message(proposal, plan).partition("\n\n")[2].rstrip("\n") + "\n")


@few
@given(values(Diff))
def test_no_diff_is_wider_than_80_columns(difference: Diff) -> None:
    assert_fits(diff_text(difference, "fleet", everything=True))


@few
@given(observed_fleets())
def test_no_snapshot_is_wider_than_80_columns(fleet: ObservedFleet) -> None:
    assert_fits(observed_text(fleet))


@few
@given(values(Explanation))
def test_no_explanation_is_wider_than_80_columns(explanation: Explanation) -> None:
    assert_fits(explain_text(explanation))


@few
@given(reports())
def test_no_report_is_wider_than_80_columns(report: Report) -> None:
    assert_fits(run_text(report))
    assert_fits(status_text(fleet_status(report)))
    record = recorded(report)
    assert_fits(history_text([record]))
    assert_fits(history_text([record], commands=True, more=True))
    for step in report.steps:
        seen = [Sighting(step.read_back, (step.step.guest,), ())]
        assert_fits(history_text([record.of_guest(step.step.guest)], step.step.guest, seen, commands=True))


@few
@given(values(Problem))
def test_no_problem_is_wider_than_80_columns(problem: Problem) -> None:
    assert_fits(validation_text(None, [problem]))


def test_a_plan_says_what_happens_when_and_why_and_what_does_not() -> None:
    assert (
        plan_text(example.HELD, commands=True)
        == """\
Plan for fleet demo at 3f2a9c1d3f
  Move the web tier to vmhost-b (Ann Lee <ann@example.org>)

 #  GUEST       FROM      → TO        HOW      START   TIME   DOWN  NOTE
 1  web01       vmhost-a  → vmhost-b  online      0s  1m12s      -
 2  db-primary  vmhost-c  → vmhost-d  offline     0s  2m47s  1m51s
 3  batch07     vmhost-b  → vmhost-e  online      0s    41s      -  hop
 4  batch07     vmhost-e  → vmhost-a  online   1m12s    41s      -  1-way
 5  cache       vmhost-a              start    1m53s     1m      -

Why
  1  web01: declared on vmhost-b
  2  db-primary: declared on vmhost-d; offline because the processors differ
  3  batch07: a resting place
  4  batch07 and cache: declared on vmhost-a
  Waits: 4 after 1 and 3; 5 for a free slot
  Tried before: 4 is attempt 2 of 3

Commands, as they would be sent
  2  db-primary
     vmhost-c$ hpvmstop -P db-primary
     vmhost-c$ hpvmmigrate -P db-primary

One-way: no lasting online way back after these
  4  batch07: batch07 was booted on 4.2, vmhost-a runs 4.3

Blocked: 1 guest
  db02: on vmhost-a, declared on vmhost-b
    DowntimeForbidden: db02 would go down; the document says downtime:
      forbidden
    fix: set spec.migration.downtime to allowed

Held: this plan is shown, not run
  TooManyMoves: 4 moves, at most 2 are allowed
    release: apply --allow-moves 4

3 min, the shortest possible · 4 moves (3 online, 1 offline), 1 start, 1m51s
downtime for 1 guest, 1 blocked.
"""
    )


def test_a_plan_of_a_fleet_at_rest_says_so() -> None:
    assert plan_text(example.NOTHING).endswith("\n\nNothing to do.\n")


def test_many_plain_moves_are_told_together_and_the_others_one_by_one() -> None:
    moves = [replace(example.WEB01, id=f"{n}", guest=f"web{n:02}", reason=f"declared there; {n}") for n in range(9)]
    plan = replace(example.PLAN, steps=(*moves, example.DB, example.BATCH, example.BATCH_ON, example.CACHE), blocked=())
    assert """
Why
 10  db-primary: declared on vmhost-d; offline because the processors differ
 11  batch07: a resting place
 12  batch07 and cache: declared on vmhost-a
     9 other guests: declared where they go; every rule allows it online
     (`reconciler explain GUEST` names them)
""" in plan_text(plan)
    assert "  3  web02: declared there; 2\n" in plan_text(replace(plan, steps=plan.steps[1:])).replace("  2  ", "  3  ")


def test_guests_that_wait_for_the_same_moves_are_told_once() -> None:
    text, fix = "moves under way take every slot of the fleet: db by controller-1", "wait until they have ended"
    waiting = [
        replace(example.BLOCKED, guest=f"web{n:02}", reason=Reason.SLOTS_TAKEN, text=text, fix=fix) for n in range(12)
    ]
    shown = plan_text(replace(example.NOTHING, blocked=(example.BLOCKED, *waiting)))
    assert shown.endswith(
        """\
Waiting: 12 guests
  web00, web01, web02, web03, web04, web05, web06, web07, web08, web09 and 2
  more
    SlotsTaken: moves under way take every slot of the fleet: db by
      controller-1
    fix: wait until they have ended

Nothing can be done, 1 blocked, 12 waiting.
"""
    )
    alone = replace(example.NOTHING, blocked=tuple(waiting))
    assert "Nothing can be done yet, 12 waiting." in plan_text(alone)
    report = replace(example.REPORT, plans=(alone,), steps=(), adopted=(), result=Result.BLOCKED)
    assert run_text(report).endswith("Nothing was done; what is left needs nothing but time.\n")
    assert (ExitCode.HOST, ExitCode.HELD) == (report.exit_code, replace(report, plans=(example.PLAN,)).exit_code)
    amiss = GuestDiff("web00", "uuid-web00", Finding.NOT_RUNNABLE, "vmhost-b", (), "no copy could be started")
    assert ExitCode.HELD == replace(report, difference=replace(report.difference, guests=(amiss,))).exit_code


def test_a_plan_names_the_hosts_that_could_not_be_read() -> None:
    assert plan_text(example.NOTHING, example.DIFF.hosts).endswith(
        "\n\n1 host in trouble: nothing is done there\n  vmhost-c: Unreachable: connection refused\n\n"
        "Nothing to do, 1 host in trouble.\n"
    )


def test_names_that_are_too_long_keep_both_ends() -> None:
    steps = tuple(replace(step, guest=f"{'very-' * 10}long-{step.guest}") for step in example.PLAN.steps)
    rows = plan_text(replace(example.PLAN, steps=steps)).split("\n")[3:6]
    assert rows == [
        " #  GUEST              FROM      → TO        HOW      START   TIME   DOWN  NOTE",
        " 1  very-ver…ng-web01  vmhost-a  → vmhost-b  online      0s  1m12s      -",
        " 2  very-ver…-primary  vmhost-c  → vmhost-d  offline     0s  2m47s  1m51s",
    ]


def test_a_diff_shows_what_differs_only() -> None:
    assert (
        diff_text(example.DIFF, "demo", example.COMMIT)
        == """\
Fleet demo against 3f2a9c1d3f

1 host in trouble: nothing is done there
  vmhost-c: Unreachable: connection refused

 GUEST    FINDING    IS ON     DECLARED ON  POWER
 batch07  unknown    -         vmhost-a
 db02     misplaced  vmhost-a  vmhost-b     running

  batch07: not on any host that answered; not read: vmhost-c

2 of 4 declared guests differ, 1 unmanaged, 1 host in trouble.
"""
    )


def test_a_diff_shows_every_guest_when_asked() -> None:
    shown = diff_text(example.DIFF, "demo", example.COMMIT, everything=True)
    assert all(guest.name in shown for guest in example.DIFF.guests)


def test_the_state_of_a_fleet_is_drawn_host_by_host() -> None:
    assert (
        status_text(fleet_status(example.REPORT))
        == """\
Fleet demo: incomplete. 2 of 4 guests as declared, 1 needs a person, 1 not
settled, 1 unmanaged, 1 host in trouble.
  at 3f2a9c1d3f Move the web tier to vmhost-b

Not as declared
  db02: DowntimeForbidden: db02 would go down; the document says downtime:
    forbidden
    fix: set spec.migration.downtime to allowed
  batch07: OwnerUnknown: not on any host that answered; not read: vmhost-c

HOST      MEMORY                   USED      OF  RUNNING  VERSION
vmhost-a  ████████████░░░░  75%  48 GiB  64 GiB      1/2  integrity-vm 4.3
vmhost-b  ████░░░░░░░░░░░░  25%  16 GiB  64 GiB      1/1  integrity-vm 4.3
vmhost-c  not read
vmhost-d  █████░░░░░░░░░░░  31%  20 GiB  64 GiB      2/2  integrity-vm 4.3
  vmhost-c: Unreachable: connection refused

BEGUN (UTC)    TOOK  RESULT      MOVED  FAILED  COMMIT    RUN
11-23 20:15  15m05s  incomplete      2       1  3f2a9c1d  20251123T201504-7f3a
"""
    )


def test_who_stepped_aside_for_others_is_told_from_who_rested_on_the_way() -> None:
    hop, *others = example.REPORT.steps[2:]
    aside = replace(hop, step=replace(hop.step, aside=True))
    told = run_text(replace(example.REPORT, steps=(*example.REPORT.steps[:2], aside, *others)))
    [line] = [line for line in told.splitlines() if "vmhost-e  online" in line]
    assert "→ vmhost-e  online aside  unknown" in line


def test_a_run_says_what_went_wrong_with_the_last_command_and_what_it_printed() -> None:
    assert (
        run_text(example.REPORT)
        == """\
   GUEST       FROM      → TO        HOW         ENDED     TOOK  PLANNED
✓  web01       vmhost-a  → vmhost-b  online      done     1m10s    1m12s
✓  db-primary  vmhost-c  → vmhost-d  offline     done     3m21s    2m47s
?  batch07     vmhost-b  → vmhost-e  online hop  unknown    15m      41s
-  batch07     vmhost-e  → vmhost-a  online      skipped      -      41s

What went wrong
  batch07: HostUnreachable: vmhost-b did not answer for 10m
    seen last: running on vmhost-e
    vmhost-b$ hpvmmigrate -o -P batch07
      | \\x1b[2Jcopying

1 host in trouble: nothing is done there
  vmhost-c: Unreachable: connection refused

Blocked: 1 guest
  db02: on vmhost-a, declared on vmhost-b
    DowntimeForbidden: db02 would go down; the document says downtime:
      forbidden
    fix: set spec.migration.downtime to allowed

2 guests moved, 1 failed, 1 step not begun in 15m05s, predictions 10 % off in
the median; the next pass goes on.
"""
    )


def recorded(report: Report) -> RunRecord:
    """As it is read back from its record."""
    return run_record_from_json(json.loads(canonical(run_json(report))))


def test_the_history_of_a_move_that_was_done_sets_what_was_predicted_beside_what_it_took() -> None:
    told = history_text([recorded(example.REPORT)], commands=True)
    assert "15m05s; predictions 10 % off in the median" in told
    assert "web01: vmhost-a → vmhost-b, online, done in 1m10s (1m12s predicted)" in told


def test_predictions_that_were_far_too_short_say_how_many_times_as_long_it_took() -> None:
    def told(*times: tuple[float, float]) -> str:
        move = next(move for move in run_summary(example.REPORT).moves if move.measured)
        moves = tuple(replace(move, predicted_s=predicted_s, took_s=took_s) for predicted_s, took_s in times)
        summary = replace(run_summary(example.REPORT), moves=moves)
        return replace(summary, median_error_percent=median_error_percent(times)).predictions

    assert "steps took 13 times as long as predicted in the median" == told((10, 130))
    assert "predictions 50 % off in the median" == told((10, 20))
    assert "predictions 80 % off in the median" == told((18, 10))
    assert "predictions 300 % off in the median" == told((40, 10), (10, 1000), (40, 10))
    assert "" == told()


def test_the_history_of_a_guest_says_who_moved_it_why_how_and_who_else_did() -> None:
    seen = [Sighting("2025-11-24T07:00:00Z", ("vmhost-e (running)",), ("vmhost-b (running)",))]
    assert (
        history_text([recorded(example.REPORT).of_guest("batch07")], "batch07", seen, commands=True)
        == """\
2025-11-24 07:00  not by us: seen on vmhost-b (running), before on vmhost-e
                  (running)

2025-11-23 20:15  vmhost-b → vmhost-e, online hop, unknown in 15m
  why: a resting place
  HostUnreachable: vmhost-b did not answer for 10m
  who: 3f2a9c1d Move the web tier to vmhost-b (Ann Lee), run by ctl@adm1
  run: runs/2025/11/23/20251123T201504-7f3a.json
  vmhost-b$ hpvmmigrate -o -P batch07
    2025-11-23T20:15:04Z lost, 1m06s
    | \\x1b[2Jcopying

2025-11-23 20:15  vmhost-e → vmhost-a, online, skipped, attempt 2
  why: declared on vmhost-a
  who: 3f2a9c1d Move the web tier to vmhost-b (Ann Lee), run by ctl@adm1
  run: runs/2025/11/23/20251123T201504-7f3a.json
"""
    )


def test_the_history_of_a_fleet_is_a_line_a_pass() -> None:
    assert (
        history_text([recorded(example.REPORT)], more=True)
        == """\
BEGUN (UTC)         TOOK  RESULT      MOVED  FAILED  COMMIT    BY
2025-11-23 20:15  15m05s  incomplete      2       1  3f2a9c1d  Ann Lee
There are more: --limit, or --until with the oldest time above.
"""
    )
    assert "No pass has left a record yet.\n" == history_text([])


def test_how_long_a_guest_was_down_is_measured_on_what_was_sent() -> None:
    def sent(verb: str, at_s: float) -> CommandRun:
        return replace(example.COMMAND, verb=verb, sent_s=at_s, ended_s=at_s + 1)

    step = example.REPORT.steps[1]

    def down_s(*commands: CommandRun) -> float | None:
        return run_summary(replace(example.REPORT, steps=(replace(step, commands=commands),))).moves[0].down_s

    began_s = example.BEGUN_S
    assert 91 == down_s(sent("check", began_s), sent("stop", began_s + 10), sent("start", began_s + 100))
    assert 191 == down_s(sent("stop", began_s + 10), sent("stop-hard", began_s + 50)), "until the step ended"
    assert None is down_s(sent("migrate", began_s + 10))


def test_a_step_that_an_earlier_pass_began_has_no_prediction_to_compare_with() -> None:
    first = example.REPORT.steps[0]
    [line] = [
        line for line in run_text(replace(example.REPORT, adopted=(first,), steps=())).splitlines() if "✓" in line
    ]
    assert line.endswith(" -")


def test_what_was_shown_before_is_not_said_again_where_nothing_was_run() -> None:
    held = replace(example.REPORT, plans=(example.HELD,), steps=(), brakes=example.HELD.brakes, result=Result.HELD)
    assert "TooManyMoves" in run_text(held)
    said = run_text(held, shown=example.HELD)
    assert "TooManyMoves" not in said
    assert "db02" not in said
    assert said.endswith("Nothing was done; the plan is held.\n")


def test_an_explanation_begins_with_what_the_planner_says_where_the_rules_allow_more() -> None:
    allowed = replace(example.DECISION, method=Method.ONLINE)
    text, fix = "vmhost-b is short of 512 MiB", "make room on vmhost-b"
    blocked = replace(example.BLOCKED, reason=Reason.NO_ROOM, text=text, fix=fix)
    explanation = replace(explain(example.DIFF, None, "db02", "", allowed), blocked=blocked)
    assert explain_text(explanation).startswith(
        """\
db02: vmhost-a → vmhost-b: blocked
  misplaced: running on vmhost-a, declared on vmhost-b
  NoRoom: vmhost-b is short of 512 MiB
  fix: make room on vmhost-b

Online:"""
    )


def test_an_explanation_marks_the_deciding_verdict_and_says_what_would_help() -> None:
    explanation = explain(example.DIFF, None, "db02", "", example.DECISION)
    assert (
        explain_text(explanation)
        == """\
db02: vmhost-a → vmhost-b: blocked
  misplaced: running on vmhost-a, declared on vmhost-b

Online: no: 1 rule of 2 against it
  ✓ guest-running: db02 runs on vmhost-a [manual, p. 168]
  ✗ storage-shared: db02's disk is a logical volume [manual, p. 168]

Offline: no: 1 rule of 1 against it
> ✗ downtime-permitted (decides): db02 would go down; the document says
    downtime: forbidden [document]

To go online
  storage-shared: put it on a LUN
To go offline
  downtime-permitted: set spec.migration.downtime to allowed
"""
    )


def test_a_guest_that_nobody_knows_cannot_be_explained() -> None:
    with pytest.raises(KeyError):
        explain(example.DIFF, None, "nobody", "", None)


def test_a_snapshot_lists_hosts_and_guests() -> None:
    shown = observed_text(example.FLEET)
    assert "cache       vmhost-a  stopped   8 GiB      4        -" in shown
    assert shown.endswith("\n5 guests, 4 running, on 3 hosts, 1 host not read.\n")


def test_a_problem_is_shown_as_everywhere_with_what_follows_from_it() -> None:
    assert (
        validation_text(None, [PROBLEM])
        == """\
error: guest-on-unknown-host
desired-state/guests/web.yaml:12:3: guest "web" wants host "h9"
hint: declare h9, or choose h1

1 problem: the commit is held, nothing is started from it.
"""
    )


def test_a_problem_of_one_guest_does_not_hold_the_others() -> None:
    desired = DesiredFleet(Fleet("demo", PLACE), {}, {}, {"web": PROBLEM})
    assert validation_text(desired, [PROBLEM]).endswith(
        "1 guest is quarantined: reported, never\ntouched, until mended.\n"
    )
    assert validation_text(DesiredFleet(Fleet("demo", PLACE), {}, {}), []) == (
        "Fleet demo is valid: 0 guests on 0 hosts.\n"
    )
