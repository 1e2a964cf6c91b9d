"""One pass, as it reads in a sentence: desired state at a commit, hosts looked at, diff, plan, run, report, commit.

Called by `apply`, `plan`, `diff` and `explain`. The behaviour is advance's; this only puts the parts in order.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from reconciler.core.compatibility import Rulebook
from reconciler.core.desired import DesiredFleet, Drift, Mode
from reconciler.core.diff import Diff, diff
from reconciler.core.execution import evidence
from reconciler.core.execution.brakes import brakes, documents_invalid, history_rewritten, untrusted_commit
from reconciler.core.execution.move import Timing
from reconciler.core.observed import ObservedFleet, undeclared
from reconciler.core.planning.plan import Brake, Plan
from reconciler.core.planning.stillness import as_of, drift_marked, settled_after
from reconciler.core.planning.verify import Fault, prove
from reconciler.core.planning.ways.learned import Sample, paces, with_paces
from reconciler.core.planning.windows import opened
from reconciler.core.reports.report import Report
from reconciler.drivers.registry import RULEBOOKS, rulebooks
from reconciler.errors import DesiredStateError, GitError, SettingsError, StateFolderError
from reconciler.git.revision import is_descendant
from reconciler.git.signatures import untrusted
from reconciler.git.status_branch import Published
from reconciler.loop.answers.reported import reported_samples
from reconciler.loop.deciding import planned
from reconciler.loop.effects import Begin, DesiredChanged, Interrupted
from reconciler.loop.journal import Kept, StateFolder, peek
from reconciler.loop.publishing import Previous, previous, publish_report
from reconciler.loop.settings import Settings
from reconciler.loop.shell import Shell
from reconciler.loop.state import Config, State
from reconciler.loop.wiring import Fleet, Load, OpenDrivers, command_maker, desired_repository, look_at_all, open_fleet
from reconciler.render.run_summary import moves_of, samples


@dataclass(frozen=True)
class Planned:
    """A plan and all it was made from. Nothing was changed to get it."""

    observed: ObservedFleet
    difference: Diff
    plan: Plan
    rulebooks: Mapping[str, Rulebook] = field(default_factory=lambda: RULEBOOKS)
    """By platform, under the settings."""


@dataclass(frozen=True)
class Options:
    """What a person adds on the command line of `apply`."""

    ask: Callable[[Plan], bool] | None = None
    """Shows the plan and returns yes or no; None runs it unasked."""
    allow: Mapping[str, int] = field(default_factory=dict)
    allow_report_mode: bool = False
    accept_rewritten_history: bool = False
    retry: frozenset[str] = frozenset()
    """Guests that get another attempt, whatever earlier ones left behind."""
    accept_machines: frozenset[str] = frozenset()
    """Hosts of which the machine that answers now is accepted, though another one was reported."""
    resume: bool = False
    """Whether runs that ended badly are forgiven."""
    correct_drift: bool = False
    """Whether guests that have drifted are brought back in this pass, whatever the Fleet document says."""
    held: tuple[Brake, ...] = ()
    """Brakes that were found before the pass."""
    check_signatures: bool = True
    """Whether signatures are looked at, where the settings demand them; False: the caller has."""
    before: Previous | None = None
    """What was reported last, where the caller has read it; None: as the status branch says."""
    reopen: Callable[[], Fleet] | None = None
    """Reads the desired state anew when it may have changed in mid-pass; None: as `open_fleet` does."""
    stamp: Callable[[], object] = lambda: None
    """Changes when something beside the branch's tip asks for another look at the desired state."""
    urged: Callable[[], bool] = lambda: False
    """Whether somebody says that it has changed just now: then nobody waits for the next time to ask."""
    watch: Callable[[State], None] = lambda state: None
    ready: Callable[[Shell], None] = lambda shell: None
    """Called with the shell before it runs, so that signals can reach it."""
    warn: Callable[[StateFolderError], None] = lambda error: None
    """Called at the end of a pass during which the journal could not be written: nothing was sent from then on."""


def observe_once(fleet: Fleet) -> ObservedFleet:
    """Look at every host, and add what is known here of where each guest's present boot has run. Writes nothing."""
    kept = peek(fleet.settings.state_folder)
    return evidence.gather(kept.evidence, look_at_all(fleet), fleet.clock.now_s())[1]


def plan_documents(desired: DesiredFleet, observed: ObservedFleet) -> Planned:
    """Compare, plan, prove, from these two and the time of day alone: no settings, no git, no hosts, no memory."""
    desired = opened(as_of(desired, time.time()), time.time())
    config = Config(controller="", rulebooks=RULEBOOKS, make_command=command_maker(desired))
    difference = diff(desired, observed)
    plan = planned(config, desired, observed, difference)
    held = brakes(desired, observed, plan, previous_guests={}, bad_runs=0, allow={})
    return Planned(observed, difference, replace(plan, brakes=held))


def _reported(fleet: Fleet) -> tuple[Sample, ...]:
    """What steps took, by what was reported. None where git is away: no pass waits for better predictions."""
    try:
        return reported_samples(fleet.status())
    except GitError:
        return ()


def plan_once(fleet: Fleet, observed: ObservedFleet | None = None) -> Planned:
    """Look (unless told what there is), compare, plan, prove. Sends no command and writes nothing."""
    kept = peek(fleet.settings.state_folder)
    basis = _basis(fleet, kept, observe_once(fleet) if observed is None else observed)
    config = _config(fleet, kept.controller, Options())
    before = basis.before
    desired = with_paces(basis.desired, paces(kept.samples or _reported(fleet)))
    plan = planned(config, desired, basis.observed, basis.difference, before.machines)
    held = brakes(desired, basis.observed, plan, previous_guests=before.guests, bad_runs=kept.bad_runs, allow={})
    if fleet.follows:
        held = (*(rewritten(fleet, kept.acted) if plan.steps else ()), *held)
        held = (*untrusted_brakes(fleet, kept.acted), *held)
    return Planned(basis.observed, basis.difference, replace(plan, brakes=held), config.rulebooks)


def prove_documents(desired: DesiredFleet, observed: ObservedFleet, plan: Plan) -> tuple[Fault, ...]:
    """What is wrong with a plan from elsewhere, if it began now: by these two and the time of day alone."""
    return prove(opened(as_of(desired, time.time()), time.time()), observed, plan)


def prove_once(fleet: Fleet, plan: Plan, observed: ObservedFleet) -> tuple[Fault, ...]:
    """What is wrong with a plan from elsewhere, if it began now. Sends no command and writes nothing."""
    basis = _basis(fleet, peek(fleet.settings.state_folder), observed)
    machines = basis.before.machines
    return prove(
        basis.desired, basis.observed, plan, lost_hosts=frozenset(fleet.settings.lost_hosts), previous_machines=machines
    )


@dataclass(frozen=True)
class _Basis:
    """What a plan is made and proven from: what is declared for this very moment, and what is known of the hosts."""

    desired: DesiredFleet
    observed: ObservedFleet
    difference: Diff
    before: Previous


def _basis(fleet: Fleet, kept: Kept, observed: ObservedFleet) -> _Basis:
    before = previous(fleet.status())
    observed = undeclared(before.remembered(observed), before.startable, fleet.settings.lost_hosts)
    difference = diff(fleet.desired, observed, before.machines)
    now_s = fleet.clock.now_s()
    desired = drift_marked(opened(fleet.desired, now_s), difference, kept.settled, now_s)
    return _Basis(desired, observed, difference, before)


def apply_once(fleet: Fleet, options: Options) -> tuple[Report, Published]:
    """Look, compare, plan, run, report: once, and commit the report.

    Raises what `run_once` does, and GitError when the report cannot be committed: the run itself is done then, and in
    the journal.
    """
    report = run_once(fleet, options)
    return report, publish_report(fleet, report)


def run_once(fleet: Fleet, options: Options) -> Report:
    """The same without the commit.

    Raises StateFolderError before anything is sent when the journal cannot be written, Left after a second interrupt.
    """
    with StateFolder(fleet.settings.state_folder) as folder:
        if options.resume:
            folder.forgive()
        held = rewritten(fleet, folder.acted()) if not options.accept_rewritten_history else ()
        if options.check_signatures and (untrusted_ones := untrusted_brakes(fleet, folder.acted())):
            held, fleet = (*untrusted_ones, *held), harmless(fleet)
        config = replace(_config(fleet, folder.controller(), options), held=(*options.held, *held))
        if not folder.samples():
            folder.learn(_reported(fleet))
        config = replace(config, paces=paces(folder.samples()))
        before = options.before if options.before is not None else previous(fleet.status())
        shell = Shell(
            state=State(config, evidence=folder.evidence()),
            drivers=fleet.drivers,
            hosts=fleet.desired.hosts,
            clock=fleet.clock,
            folder=folder,
            ask=options.ask or (lambda plan: True),
            watch=options.watch,
        )
        if options.correct_drift:
            fleet = _correcting(fleet)
        shell.state = State(replace(config, make_command=shell.make_command), evidence=folder.evidence())
        if fleet.follows:
            shell.watch = _Follower(fleet, shell, options)
        folder.note({"at_s": fleet.clock.now_s(), "what": "opened"})  # no room for this, none for an intent: stop here
        options.ready(shell)
        begin = Begin(
            _pass_id(fleet.clock.now_s()),
            fleet.desired,
            previous_machines={
                host: machine for host, machine in before.machines.items() if host not in options.accept_machines
            },
            previous_guests=before.guests,
            previous_startable=before.startable,
            settled=folder.settled(),
            bad_runs=folder.bad_runs(),
        )
        report = shell.run_pass(begin)
        try:
            folder.end_run(report)
            folder.learn(samples(moves_of(report)))
            begun = [run.step for run in (*report.adopted, *report.steps) if run.progress.started_s is not None]
            desired = shell.desired or fleet.desired
            folder.settle(settled_after(desired, report.difference, begin.settled, begun, report.ended_s))
            if not report.brakes and report.commit is not None:
                folder.act_on(report.commit.id)
        except StateFolderError as error:
            shell.trouble = shell.trouble or error
    if shell.trouble is not None:
        options.warn(shell.trouble)
    return report


def _correcting(fleet: Fleet) -> Fleet:
    """The fleet with drift to be corrected; not where the settings forbid it."""
    if fleet.settings.drift_report_only:
        return fleet
    return fleet.declaring(replace(fleet.desired, fleet=replace(fleet.desired.fleet, drift=Drift.CORRECT)))


FOLLOW_S = 2.0
"""How often, on our clock, a pass under way asks git whether the branch has moved on."""


@dataclass
class _Follower:
    """A newer commit wins: while a pass is under way, see whether the branch has moved on.

    A commit that is held is not acted on, and the older one no longer: then nothing more begins.
    """

    fleet: Fleet
    shell: Shell
    options: Options
    asked_s: float = field(default_factory=time.monotonic)
    held: bool = False

    def __post_init__(self) -> None:
        self.stamp = self.options.stamp()

    def __call__(self, state: State) -> None:
        """Called after every event of the pass."""
        self.options.watch(state)
        due = time.monotonic() - self.asked_s >= FOLLOW_S or self.options.urged()
        if due and not state.idle and not self.held:
            self.asked_s = time.monotonic()
            self._follow()

    def _follow(self) -> None:
        commit = self.fleet.desired.commit
        stamp = self.options.stamp()
        try:
            tip = self.fleet.repository.commit_id(self.fleet.settings.ref)
        except GitError:
            return  # git is away: what is under way does not need it, and the next time to ask comes soon
        if commit is None or tip is None or (tip == commit.id and stamp == self.stamp):
            return
        self.stamp = stamp
        newer = self._newer(commit.id)
        if newer is None:
            self.held = True
            self.shell.tell(Interrupted())
            return
        self.fleet = newer
        self.shell.hosts = {**self.shell.hosts, **newer.desired.hosts}
        self.shell.drivers = {**newer.drivers, **self.shell.drivers}
        self.shell.tell(DesiredChanged(newer.desired))

    def _newer(self, acted: str) -> Fleet | None:
        """The fleet at the newest commit; None where that one is not to be acted on, or nobody can tell."""
        try:
            newer = self.options.reopen() if self.options.reopen is not None else open_fleet(self.fleet.settings)
            return None if untrusted_brakes(newer, acted) or rewritten(newer, acted) else newer
        except (DesiredStateError, GitError, SettingsError):
            return None


def untrusted_brakes(fleet: Fleet, acted: str) -> tuple[Brake, ...]:
    """The brake for a commit that is not signed as the settings demand. Raises GitTrouble where nobody can tell."""
    commit, signers = fleet.desired.commit, fleet.settings.signers
    if signers is None or commit is None:
        return ()
    since = acted if acted and is_descendant(fleet.repository, acted, commit.id) else ""
    offences = untrusted(fleet.repository, since, commit.id, signers)
    return (untrusted_commit(commit.id, [str(offence) for offence in offences]),) if offences else ()


def held_back(
    settings: Settings, error: DesiredStateError, *, drivers: OpenDrivers | None = None, load: Load | None = None
) -> tuple[Fleet, Brake]:
    """In place of a newest commit that is invalid: the fleet at the commit that was acted on last, and the brake under
    which nothing begins. Raises the error where no commit was ever acted on."""
    acted = StateFolder(settings.state_folder).acted()
    if not acted:
        raise error
    tip = desired_repository(settings, fetch=False).commit_id(settings.ref) or settings.ref
    brake = documents_invalid(tip, [f"{problem.location}: {problem.what}" for problem in error.problems])
    return open_fleet(settings, acted, drivers=drivers, fetch=False, load=load), brake


def harmless(fleet: Fleet) -> Fleet:
    """The same fleet from which nothing can be allowed: its documents are not to be trusted."""
    desired, written = (
        replace(desired, fleet=replace(desired.fleet, mode=Mode.REPORT)) for desired in (fleet.desired, fleet.written)
    )
    return replace(fleet.declaring(desired), written=written)


def rewritten(fleet: Fleet, acted: str) -> tuple[Brake, ...]:
    """The brake for a branch whose history no longer holds what was acted on last."""
    commit = fleet.desired.commit
    if not acted or commit is None or is_descendant(fleet.repository, acted, commit.id):
        return ()
    return (history_rewritten(acted, commit.id),)


def _config(fleet: Fleet, controller: str, options: Options) -> Config:
    ceilings = fleet.settings.ceilings
    return Config(
        controller=controller,
        rulebooks=rulebooks(fleet.settings.drivers),
        make_command=fleet.make_command,
        timing=replace(Timing(), poll_s=fleet.settings.poll_s),
        lost_hosts=frozenset(fleet.settings.lost_hosts),
        ask=options.ask is not None,
        allow={name: min(count, ceilings.get(f"{name}_per_pass", count)) for name, count in options.allow.items()},
        allow_report_mode=options.allow_report_mode,
        retry=options.retry,
    )


def _pass_id(now_s: float) -> str:
    """Sorts by time, and is not used twice."""
    return f"{datetime.fromtimestamp(now_s, UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
