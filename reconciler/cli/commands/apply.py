"""`reconciler apply`: one pass, with a person watching."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import options
from reconciler.cli.command import Command
from reconciler.errors import DesiredStateError, ExitCode, GitError, StateFolderError

if TYPE_CHECKING:
    from reconciler.cli.approval import Approval
    from reconciler.core.planning.plan import Brake, Plan
    from reconciler.core.reports.report import Report
    from reconciler.loop.wiring import Fleet


LEFT = (
    "left: migrations go on by themselves; a guest that was stopped for one stays down\n"
    "hint: `reconciler apply` goes on with what is under way, and starts such a guest again"
)
"""After the second Ctrl-C."""


@click.command(
    "apply",
    cls=Command,
    examples=[
        "reconciler apply",
        "reconciler apply --yes --allow-moves 40",
        "reconciler plan -o json > plan.json; reconciler apply plan.json --yes",
    ],
)
@click.argument("plan_file", metavar="[PLAN.json]", required=False, type=options.FILE)
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal this is needed.")
@options.rev
@click.option("--allow-moves", type=click.IntRange(min=0), metavar="N", help="Allow up to N moves in this pass.")
@click.option("--allow-stops", type=click.IntRange(min=0), metavar="N", help="Allow up to N stops of running guests.")
@click.option("--allow-report-mode", is_flag=True, help="Run although the Fleet document says mode: report.")
@click.option("--accept-rewritten-history", is_flag=True, help="Act on a commit that does not contain the last one.")
@click.option(
    "--accept-machine", multiple=True, metavar="HOST", help="Accept the machine that answers as this host now."
)
@click.option("--retry", multiple=True, metavar="GUEST", help="Try this guest again, whatever earlier attempts left.")
@click.option("--correct-drift", is_flag=True, help="Bring guests back that were in order and have drifted.")
@click.option("--resume", is_flag=True, help="Go on although three runs in a row ended badly, and count anew.")
@options.settings
@options.output("json")
def command(
    plan_file: Path | None,
    yes: bool,
    rev: str,
    allow_moves: int | None,
    allow_stops: int | None,
    allow_report_mode: bool,
    accept_rewritten_history: bool,
    accept_machine: tuple[str, ...],
    retry: tuple[str, ...],
    correct_drift: bool,
    resume: bool,
    settings_file: Path | None,
    output: str,
) -> int:
    """Do it once: look, plan, ask, run, report.

    Looks at all hosts, shows the plan, asks, runs it with live progress, and commits a report to the status branch.
    Only what is committed is applied, never a work tree.

    With PLAN.json (from `plan -o json`) the plan is made anew all the same, and compared: if it would now do anything
    that was not reviewed, nothing is run, and each such guest is named. Nothing is ever run from the file.

    Ctrl-C once begins nothing new and waits for what is under way. Twice leaves at once: migrations go on by
    themselves, but a guest that was stopped for one stays down until the next pass picks it up.
    """
    from reconciler.cli.approval import read_plan
    from reconciler.cli.terminal import interactive
    from reconciler.errors import UsageError

    if not yes and not interactive():
        raise UsageError("nobody can be asked: this is no terminal", hint="look at `reconciler plan`, then add --yes")
    allow = {name: count for name, count in (("moves", allow_moves), ("stops", allow_stops)) if count is not None}
    reviewed = read_plan(plan_file) if plan_file is not None else None
    exceptions = Exceptions(
        allow,
        allow_report_mode,
        accept_rewritten_history,
        frozenset(accept_machine),
        frozenset(retry),
        resume,
        correct_drift,
    )
    return Application(settings_file, rev, output, yes, exceptions, reviewed).run()


@dataclass(frozen=True)
class Exceptions:
    """What the person at the keyboard allows for this once."""

    allow: Mapping[str, int]
    report_mode: bool
    rewritten_history: bool
    machines: frozenset[str]
    retry: frozenset[str]
    resume: bool
    correct_drift: bool = False


@dataclass
class Application:
    """One `apply`, from the first look to the exit code."""

    settings_file: Path | None
    rev: str
    output: str
    yes: bool
    exceptions: Exceptions
    reviewed: Plan | None
    _trouble: ExitCode = ExitCode.OK
    """What the documents and the journal have to say to the exit code."""

    def run(self) -> int:
        """Do it, and tell how it went."""
        from reconciler.cli.approval import Approval
        from reconciler.cli.interrupts import Interrupts
        from reconciler.cli.progress import watcher
        from reconciler.cli.sources import say_uncommitted
        from reconciler.cli.terminal import say_problems
        from reconciler.loop.answers.naming import guests_of, refuse_undeclared
        from reconciler.loop.once import Options, run_once
        from reconciler.loop.shell import Left

        fleet, held = self._opened()
        say_problems(fleet.declared.problems)
        say_uncommitted(fleet)
        refuse_undeclared("Guest", sorted(self.exceptions.retry), guests_of(fleet))
        refuse_undeclared("Host", sorted(self.exceptions.machines), fleet.desired.hosts)
        watch, interrupts = watcher(), Interrupts()
        approval = Approval(self._show, watch, interrupts, self.yes, self.reviewed)
        try:
            with interrupts.handled():
                options = Options(
                    ask=approval,
                    allow=self.exceptions.allow,
                    allow_report_mode=self.exceptions.report_mode,
                    accept_rewritten_history=self.exceptions.rewritten_history,
                    accept_machines=self.exceptions.machines,
                    retry=self.exceptions.retry,
                    resume=self.exceptions.resume,
                    correct_drift=self.exceptions.correct_drift,
                    held=held,
                    watch=watch,
                    ready=interrupts.ready,
                    warn=self._warn,
                )
                report = run_once(fleet, options)
        except Left as left:
            watch.close()
            return self._left(fleet, left.report)
        finally:
            watch.close()
        try:
            code = self._tell(report, approval)
        finally:
            published = self._publish(fleet, report)  # also where nobody reads what is told
        documents = ExitCode.DOCUMENTS if fleet.declared.problems else ExitCode.OK
        return max(code, published, documents, self._trouble)

    def _opened(self) -> tuple[Fleet, tuple[Brake, ...]]:
        """The fleet to act on. In place of a newest commit that is invalid, the one that was acted on last: what is
        under way comes to its end by that, nothing begins, and the report says why."""
        from reconciler.cli.sources import Sources, fleet_of, settings_of
        from reconciler.cli.terminal import say
        from reconciler.loop.once import held_back

        try:
            return fleet_of(Sources(self.settings_file, self.rev)), ()
        except DesiredStateError as error:
            if self.rev:
                raise
            try:
                fleet, brake = held_back(settings_of(self.settings_file), error)
            except GitError as older:
                raise error from older
            say(str(error))
            self._trouble = error.exit_code
            return fleet, (brake,)

    def _show(self, plan: Plan) -> None:
        """The plan: data where people read, beside the data where programs do."""
        from reconciler.cli.terminal import data, painter
        from reconciler.render.text.plan import plan_text

        to_stderr = self.output == "json"
        data(plan_text(plan, paint=painter(sys.stderr if to_stderr else sys.stdout)), err=to_stderr)

    def _tell(self, report: Report, approval: Approval) -> ExitCode:
        """The report, and the plan where nobody was asked about it."""
        from reconciler.cli.approval import dropped
        from reconciler.cli.terminal import data, json_data, painter, say
        from reconciler.render.outputs.run import run_json
        from reconciler.render.text.run import run_text

        shown = approval.shown
        if not approval.asked and report.brakes and report.plans:
            shown = report.plans[-1]
            self._show(shown)
        if self.output == "json":
            json_data(run_json(report))
        else:
            data(run_text(report, shown=shown, paint=painter()))
        if self.reviewed is not None and not approval.asked:
            for line in dropped(report.plans[-1] if report.plans else None, self.reviewed):
                say(line)
        if approval.refused:
            lines = "\n".join(approval.refused)
            hint = "nothing was run; review the plan as it is now, and apply that"
            say(f"error: plan-differs\nwhat would be done now is not what was reviewed:\n{lines}\nhint: {hint}")
        return report.exit_code

    def _warn(self, error: StateFolderError) -> None:
        """The journal failed on the way: the report alone would not tell why so little was done."""
        from reconciler.cli.terminal import say

        self._trouble = max(self._trouble, error.exit_code)
        say(str(error))

    def _publish(self, fleet: Fleet, report: Report) -> ExitCode:
        """Commit the report. What was done is done, also where that fails: it is in the journal then."""
        from reconciler.cli.terminal import say
        from reconciler.core.execution.brakes import BrakeReason
        from reconciler.loop.publishing import publish_report

        declined = any(brake.reason == BrakeReason.NOT_APPROVED for brake in report.brakes)
        if declined and not report.steps and not report.adopted:
            say("report: none; nothing was done, and a plan that was declined is nobody else's business")
            return ExitCode.OK
        try:
            published = publish_report(fleet, report)
        except GitError as error:
            say(str(error))
            return error.exit_code
        branch = fleet.status_ref.removeprefix("refs/heads/")
        if published.commit is None:
            say(f"report: nothing changed, nothing committed ({branch})")
        else:
            say(f"report: {published.commit[:12]} on {branch}")
        return ExitCode.OK

    def _left(self, fleet: Fleet, report: Report | None) -> ExitCode:
        """After the second Ctrl-C: what has ended by then is reported, the rest by the next pass."""
        from reconciler.cli.terminal import say

        say(LEFT, style="warn")
        published = self._publish(fleet, report) if report is not None else ExitCode.OK
        return max(ExitCode.HOST, published)
