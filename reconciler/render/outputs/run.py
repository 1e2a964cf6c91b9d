"""A pass as a JSON document: what `apply -o json` prints, and what is kept for good on the status branch.

Called for both, so that they are the same bytes. Holds every command that was sent and what came back; never shortens.
"""

from __future__ import annotations

from reconciler.core.reports.json_values import Json, headed, plain, plain_fields, typed
from reconciler.core.reports.report import CommandRun, GuestStatus, Report, StepRun
from reconciler.render.outputs.guest import guest_body
from reconciler.render.outputs.plan import plan_body, step_json
from reconciler.render.run_summary import RunSummary, run_summary
from reconciler.render.words import when

KIND = "Run"


def run_json(report: Report) -> Json:
    """The whole pass, but for the snapshot and the guests that are as they shall be."""
    touched = frozenset(run.step.guest for run in (*report.steps, *report.adopted))
    return headed(
        KIND,
        {
            **plain_fields(run_summary(report)),
            "fleet": report.fleet,
            "ended": when(report.ended_s),
            "brakes": plain(report.brakes),
            "hosts": plain(report.difference.hosts),
            "guests": [guest_body(guest) for guest in report.guests if _is_told(guest, touched)],
            "plans": [plan_body(plan) for plan in report.plans],
            "steps": [_step(run) for run in report.steps],
            "adopted": [_step(run) for run in report.adopted],
        },
    )


def run_summary_from_json(raw: object) -> RunSummary:
    """The summary of a run record. Raises ValueError for anything else."""
    if not isinstance(raw, dict) or raw.get("kind") != KIND:
        raise ValueError(f"the document: expected kind {KIND}")
    names = RunSummary.__dataclass_fields__.keys()
    return typed(RunSummary, {name: raw[name] for name in names if name in raw}, "")


def _is_told(guest: GuestStatus, touched: frozenset[str]) -> bool:
    """Guests that something was done to, or that are not as they shall be."""
    return guest.diff.name in touched or not guest.ready or guest.stalled is not None


def _step(run: StepRun) -> Json:
    progress = run.progress
    return {
        "step": step_json(run.step),
        "state": plain(progress.state),
        "attempt": progress.attempt,
        "started": when(progress.started_s) if progress.started_s is not None else "",
        "ended": when(progress.ended_s) if progress.ended_s is not None else "",
        "outcome": plain(progress.outcome),
        "read_back": run.read_back,
        "commands": [_command(command) for command in run.commands],
    }


def _command(command: CommandRun) -> Json:
    return {
        "host": command.host,
        "verb": command.verb,
        "argv": list(command.argv),
        "sent": when(command.sent_s),
        "ended": when(command.ended_s),
        "took_s": round(command.ended_s - command.sent_s, 1),
        "answer": command.answer,
        "status": command.status,
        "output_tail": command.output_tail,
    }
