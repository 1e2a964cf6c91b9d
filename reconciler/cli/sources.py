"""The desired and the observed state that a read-only command's options name, as one case to plan.

Called by diff, plan, explain, verify and observe. Reads documents, settings, snapshots, hosts; never writes or sends.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.cli.terminal import say, say_problems
from reconciler.core.desired import DesiredFleet
from reconciler.core.desired.violations import Violation
from reconciler.core.observed import ObservedFleet
from reconciler.core.planning.plan import Plan
from reconciler.core.planning.verify import Fault
from reconciler.core.reports.fit import misfits
from reconciler.core.reports.snapshot import fleet_from_json
from reconciler.errors import Problem, UsageError
from reconciler.git.desired import uncommitted
from reconciler.loop.answers.reported import last_observed
from reconciler.loop.once import Planned, observe_once, plan_documents, plan_once, prove_documents, prove_once
from reconciler.loop.settings import Settings, find_settings, read_settings
from reconciler.loop.wiring import Declared, Fleet, declared_at, declared_in, open_fleet
from reconciler.render.comparison import Change
from reconciler.render.words import counted

LIVE = "live"
STATUS = "status"
SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024
SNAPSHOT_HINT = "make one with `reconciler observe -o json > observed.json`"


@dataclass(frozen=True)
class Sources:
    """What the options say. Empty or None: not given."""

    settings_file: Path | None = None
    rev: str = ""
    desired: Path | None = None
    observed: str = LIVE

    def __post_init__(self) -> None:
        if self.desired is not None and self.rev:
            raise UsageError("--desired and --rev both say which documents to read", hint="give one of the two")
        if self.desired is not None and not self.desired.is_dir():
            raise UsageError(f"{self.desired} is not a folder", hint="name the folder that holds the documents")

    @property
    def bare(self) -> bool:
        """Whether documents and snapshot are both files, and no settings were named: none are needed then."""
        return self.desired is not None and self.observed not in (LIVE, STATUS) and self.settings_file is None


@dataclass(frozen=True)
class Case:
    """A plan, all it was made from, and what is wrong with the documents."""

    declared: Declared
    planned: Planned
    fleet: Fleet | None = None
    """None where neither settings nor git were needed."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Those of quarantined guests, and what is declared against required rules."""
        broken = (each for each in self.planned.plan.violations if each.required)
        rules = (Problem(each.code, each.location, each.text, each.fix) for each in broken)
        return (*self.declared.problems, *rules)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All that is wrong with the declared end state, by documents and by what hosts say."""
        planned = self.planned
        return (*planned.plan.violations, *misfits(self.declared.desired, planned.observed, planned.difference))


def settings_of(settings_file: Path | None) -> Settings:
    """The settings that a command works under."""
    return read_settings(find_settings(settings_file))


def fleet_of(sources: Sources) -> Fleet:
    """The fleet of the settings, with the documents that were asked for."""
    settings = settings_of(sources.settings_file)
    declared = declared_in(sources.desired) if sources.desired is not None else None
    return open_fleet(settings, sources.rev, declared=declared)


def planned_case(sources: Sources) -> Case:
    """Read everything, compare and plan; say on stderr what is wrong with single guests' documents."""
    if sources.bare and sources.desired is not None:
        declared = declared_in(sources.desired)
        case = Case(declared, plan_documents(declared.desired, read_snapshot(Path(sources.observed))))
    else:
        fleet = fleet_of(sources)
        case = Case(fleet.declared, plan_once(fleet, observed_state(fleet, sources.observed)), fleet)
        say_uncommitted(fleet)
    say_problems(case.declared.problems)
    return case


def say_uncommitted(fleet: Fleet) -> None:
    """Whoever has just edited a document wonders why nothing comes of it: only what is committed counts."""
    found = uncommitted(fleet.repository, fleet.settings.folder) if fleet.follows else ()
    if found:
        more = f" and {counted(len(found) - 1, 'other file')} have" if len(found) > 1 else " has"
        plan = shlex.join(["reconciler", "plan", "--desired", str(fleet.repository.path / fleet.settings.folder)])
        say(f"note: {found[0]}{more} changes that are not committed and do not count yet; `{plan}` shows them")


@dataclass(frozen=True)
class Proof:
    """What is wrong with a plan from a file; and what is wrong with single guests' documents."""

    faults: tuple[Fault, ...]
    problems: tuple[Problem, ...]


def proof_of(sources: Sources, plan: Plan) -> Proof:
    """Read everything, and prove the plan; say on stderr what is wrong with single guests' documents."""
    if sources.bare and sources.desired is not None:
        declared = declared_in(sources.desired)
        found = prove_documents(declared.desired, read_snapshot(Path(sources.observed)), plan)
    else:
        fleet = fleet_of(sources)
        declared = fleet.declared
        found = prove_once(fleet, plan, observed_state(fleet, sources.observed))
    say_problems(declared.problems)
    return Proof(found, declared.problems)


def supposed_plan(case: Case, guest: str, host: str) -> Plan | None:
    """The plan if this guest's document named that host, on the same look; None where it names it, or there is none."""
    desired = case.declared.desired
    document = desired.guests.get(guest)
    if document is None or document.host == host:
        return None
    return replanned(case, replace(desired, guests={**desired.guests, guest: replace(document, host=host)})).plan


def replanned(case: Case, desired: DesiredFleet) -> Planned:
    """What would be planned if this were declared, on the same look at the hosts."""
    if case.fleet is None:
        return plan_documents(desired, case.planned.observed)
    return plan_once(case.fleet.declaring(desired), case.planned.observed)


def changed_case(sources: Sources, base: str) -> tuple[Case, Change]:
    """What the documents asked for would do, compared with those at another revision, on one look at the hosts."""
    if sources.bare:
        raise UsageError("--base is a revision, and no repository was named", hint="add --settings")
    fleet = fleet_of(sources)
    observed = observed_state(fleet, sources.observed)
    declared = declared_at(fleet.repository, base, fleet.settings.folder)
    before = open_fleet(fleet.settings, declared=declared)
    planned, planned_before = plan_once(fleet, observed), plan_once(before, observed)
    say_problems(fleet.declared.problems)
    return Case(fleet.declared, planned), Change.between(planned_before.plan, planned.plan)


def observed_state(fleet: Fleet, observed: str) -> ObservedFleet:
    """The hosts as they are, as they were reported last, or as a file has them."""
    if observed == LIVE:
        return observe_once(fleet)
    if observed == STATUS:
        found, age = last_observed(fleet)
        say(f"observed: as of the last report ({age})")
        return found
    return read_snapshot(Path(observed))


def read_snapshot(path: Path) -> ObservedFleet:
    """A snapshot from a file. Raises UsageError where it is none."""
    try:
        return fleet_from_json(read_json(path, SNAPSHOT_HINT))
    except ValueError as error:
        raise UsageError(f"{path}: no snapshot: {error}", hint=SNAPSHOT_HINT) from error


def read_json(path: Path, hint: str) -> Mapping[str, object]:
    """A JSON file. Raises UsageError where it cannot be read."""
    try:
        if path.stat().st_size > SNAPSHOT_BYTES_MAX:
            raise UsageError(f"{path}: more than {SNAPSHOT_BYTES_MAX} bytes", hint=hint)
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {error}", hint=hint) from error
    if not isinstance(found, dict):
        raise UsageError(f"{path}: not a JSON object", hint=hint)
    return found
