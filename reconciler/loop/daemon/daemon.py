"""The daemon: one pass after another, for months, until it is told to stop.

Called by `reconciler run`. It waits for a reason, reads settings and git anew, has `run_once` make the pass, and hands
the report to the publisher. What a pass does is decided elsewhere; whatever goes wrong here costs a pass, no guest.
"""

from __future__ import annotations

import fcntl
import math
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from reconciler import __version__
from reconciler.core.planning.stillness import next_end_s
from reconciler.core.planning.windows import next_change_s
from reconciler.core.reports.events import Event, EventKind, Severity
from reconciler.core.reports.report import Report, Result
from reconciler.errors import DesiredStateError, ExitCode, GitError, ReconcilerError, SettingsError, StateFolderError
from reconciler.git.heartbeat import beat
from reconciler.git.mirror import maintain
from reconciler.git.status_branch import Published
from reconciler.loop.daemon import suspensions, systemd
from reconciler.loop.daemon.branch import BranchWatch, watched_folders
from reconciler.loop.daemon.control import ControlSocket
from reconciler.loop.daemon.publisher import Publisher, Waiting
from reconciler.loop.daemon.source import Known, Source
from reconciler.loop.daemon.telling.observer import Health, Observers
from reconciler.loop.daemon.telling.passes import Telling
from reconciler.loop.daemon.telling.troubles import About, Troubles
from reconciler.loop.daemon.triggers import Trigger, Triggers, Why
from reconciler.loop.deciding import interim, milestones
from reconciler.loop.once import Options, run_once
from reconciler.loop.publishing import IDENTITY, Memory, publish_report
from reconciler.loop.settings import Settings, read_settings
from reconciler.loop.shell import Left, Shell
from reconciler.loop.state import State
from reconciler.loop.wiring import Fleet, desired_repository

BEAT_S = 5.0
"""How often the daemon says that it is alive."""
LISTEN_S = 0.5
"""How long it waits for anything without asking whether it is to stop."""
RETRY_S = 10.0
"""The pause after a pass that could not begin."""
LEAVE_S = 6.0
"""How long moves may take to come to a good end after SIGTERM, before they are left to the next life."""
INTERIM_S = 30.0
"""A pass that takes longer tells how far it has come, and no oftener."""
PUBLISH_S = 60.0
"""How long the end of a pass waits for its report to be out."""
CLOSE_S = 2.0
CALENDAR_S = 0.1
"""So much later than a suspension ends or a window opens: no pass shall come a moment too early."""


@dataclass
class Daemon:
    """One fleet's. `run` it on the main thread; `stop` and `reload` may be called by signal handlers."""

    settings_file: Path
    observers: Observers
    triggers: Triggers = field(default_factory=Triggers)

    def __post_init__(self) -> None:
        self.settings = read_settings(self.settings_file)
        self._troubles = Troubles(self._say)
        self._source = Source(self._troubles)
        self._shell: Shell | None = None
        self._stopping = threading.Event()
        self._urged = False
        self._due_s = time.monotonic()
        self._due_for = Why.START
        self._beaten_s = 0.0
        self._life_due_s = 0.0
        self._told_s = 0.0
        self._told: tuple[object, ...] = ()
        self._health = Health("", time.time(), self.settings.interval_s)
        self._publisher = Publisher(partial(publish_report, memory=Memory()), self._published, self._unpublished)
        self._telling = Telling(self.observers.event)
        self._control = ControlSocket(
            self.settings.control_socket, self._requested, lambda: self._changed(Why.SUSPENSION), self.health_json
        )
        self._branch: BranchWatch | None = None

    # --- from outside: other threads and signal handlers ------------------------------------------------------------

    def stop(self) -> None:
        """Begin nothing more, and end: within ten seconds, whatever is under way."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.triggers.pull(Why.STOP)
        if self._shell is not None:
            self._shell.interrupt()
            timer = threading.Timer(LEAVE_S, self._shell.interrupt)
            timer.daemon = True
            timer.start()

    def reload(self) -> None:
        """Read the settings again and make a pass."""
        self.triggers.pull(Why.SETTINGS)

    def health(self) -> Health:
        """How it is, now."""
        return replace(
            self._health,
            trouble=self._troubles.text,
            unpublished=self._publisher.unpublished,
            stopping=self._stopping.is_set(),
        )

    def health_json(self) -> dict[str, object]:
        """The same for the control socket."""
        return dict(vars(self.health()))

    def _requested(self, request: str) -> None:
        self.triggers.pull(Why.REQUEST, request)
        if self._branch is not None:
            self._branch.ask()

    def _changed(self, why: Why) -> None:
        """Something a pass under way should know."""
        self.triggers.pull(why)
        self._urged = True
        shell = self._shell
        if shell is not None:
            shell.nudge()

    # --- its life ----------------------------------------------------------------------------------------------------

    def run(self) -> ExitCode:
        """Until it is stopped. Raises SettingsError and StateFolderError where it cannot begin, InvariantBroken where a
        promise would break."""
        with ExitStack() as stack:
            stack.enter_context(self._alone())
            self._control.open()
            stack.callback(self._source.close)
            stack.callback(self._publisher.close, CLOSE_S)
            stack.callback(self._control.close)
            self._watch_branch()
            stack.callback(lambda: self._branch.close() if self._branch is not None else None)
            self._tell(EventKind.STARTED, Severity.INFO, f"watching {self.settings.ref}, settings {self.settings_file}")
            systemd.notify("READY=1", f"MAINPID={os.getpid()}")
            self.triggers.pull(Why.START)
            while triggers := self._next():
                try:
                    self._pass(triggers)
                except Exception as error:
                    self._tell(EventKind.BUG, Severity.ERROR, f"{type(error).__name__}: {error}")
                    raise
            systemd.notify("STOPPING=1")
            self._tell(EventKind.STOPPING, Severity.INFO, "stopped; what is under way on hosts goes on by itself")
        return ExitCode.OK

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One daemon a state folder; `apply` may use it between two passes."""
        path = self.settings.state_folder / "daemon.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StateFolderError(
                f"{path}: {error.strerror or error}", hint="let this user write to the folder [state] names"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise StateFolderError(
                f"{path.parent}: a daemon is at work with this state folder",
                hint="stop that one, or give this one a [state] folder of its own",
            ) from error
        finally:
            os.close(lock)

    def _next(self) -> Sequence[Trigger]:
        """What asks for the next pass; nothing when it is time to end."""
        while not self._stopping.is_set():
            self._beat()
            found = self.triggers.wait(min(self._due_s, time.monotonic() + LISTEN_S))
            if self._stopping.is_set():
                break
            if self._seen_already(found):
                continue
            if found:
                return found
            if time.monotonic() >= self._due_s:
                return (Trigger(self._due_for),)
        return ()

    def _seen_already(self, triggers: Sequence[Trigger]) -> bool:
        """Whether all that asks is a commit that the pass before took up on its way."""
        if not triggers or any(trigger.why is not Why.COMMIT for trigger in triggers) or self._source.known is None:
            return False
        try:
            return self._source.known.fleet.repository.commit_id(self.settings.ref) == self._health.commit
        except GitError:
            return False

    # --- a pass ------------------------------------------------------------------------------------------------------

    def _pass(self, triggers: Sequence[Trigger]) -> None:
        began_s = time.time()
        self._read_settings()
        self._health = replace(self._health, passing_since_s=began_s)
        self._told_s, self._told = time.monotonic(), ()
        why = ", ".join(sorted({trigger.why.value for trigger in triggers}))
        try:
            known = self._source.open(self.settings)
            fleet = known.fleet
            self._health = replace(self._health, fleet=fleet.desired.fleet.name)
            self._tell(EventKind.PASS_BEGUN, Severity.INFO, f"looking at the fleet ({why})", why=why)
            report = run_once(fleet, self._options(known))
        except Left as left:
            if left.report is not None and self._source.known is not None:
                self._publisher.put(self._source.known.fleet, left.report)
                self._publisher.wait(LISTEN_S)
            self._answer(triggers, {"error": "the daemon was stopped"})
            return
        except (StateFolderError, GitError, DesiredStateError, SettingsError) as error:
            self._failed(error)
            self._answer(triggers, {"error": error.what, "exit_code": int(error.exit_code)})
            return
        finally:
            self._shell = None
            self._health = replace(self._health, passing_since_s=None, pass_ended_s=time.time())
        self._ended(fleet, report, time.time() - began_s)
        self._answer(
            triggers,
            {
                "pass": report.id,
                "result": report.result.value,
                "commit": report.commit.id if report.commit else "",
                "exit_code": int(report.exit_code),
            },
        )

    def _options(self, known: Known) -> Options:
        return Options(
            held=known.held,
            before=known.before,
            accept_rewritten_history=True,  # asked of git already: what it said is among the brakes
            check_signatures=False,  # likewise
            reopen=lambda: self._source.reopened(self.settings),
            stamp=lambda: suspensions.stamp(self.settings.state_folder),
            urged=self._was_urged,
            watch=self._watch,
            ready=self._ready,
            warn=self._failed,
        )

    def _ready(self, shell: Shell) -> None:
        self._shell = shell
        if self._stopping.is_set():  # it was stopped between two passes, a moment ago
            shell.interrupt()

    def _was_urged(self) -> bool:
        urged, self._urged = self._urged, False
        return urged

    def _watch(self, state: State) -> None:
        """After every event of the pass: show life, and now and then how far it has come."""
        self._beat()
        self._telling.watch(state)
        known = self._source.known
        if known is None or time.monotonic() - self._told_s < INTERIM_S:
            return
        found = milestones(state)
        if found and found != self._told:
            self._told_s, self._told = time.monotonic(), found
            report = interim(state, known.fleet.clock.now_s())
            if report is not None:
                self._publisher.put(known.fleet, report)

    def _read_settings(self) -> None:
        """As they are now; where they have become invalid, as they were."""
        try:
            found = read_settings(self.settings_file)
        except SettingsError as error:
            self._troubles.begin(About.SETTINGS, EventKind.SETTINGS_REFUSED, error.what)
            return
        self._troubles.end(About.SETTINGS)
        if found == self.settings:
            return
        fixed = [
            name
            for name, before, after in (
                ("[state] folder", self.settings.state_folder, found.state_folder),
                ("[state] control_socket", self.settings.control_socket, found.control_socket),
                ("[web] listen", self.settings.listen, found.listen),
            )
            if before != after
        ]
        if fixed:
            text = f"{' and '.join(fixed)} cannot change while the daemon runs: restart it"
            self._troubles.begin(About.SETTINGS, EventKind.SETTINGS_REFUSED, text)
            return
        before, self.settings = self.settings, found
        self._health = replace(self._health, interval_s=found.interval_s)
        self._tell(EventKind.SETTINGS_CHANGED, Severity.INFO, f"{self.settings_file} was read anew")
        if _source(before) != _source(found):
            self._watch_branch()

    def _ended(self, fleet: Fleet, report: Report, duration_s: float) -> None:
        change_s = _change_s(fleet)
        self._due_for = Why.CALENDAR if change_s < self.settings.interval_s else Why.INTERVAL
        self._due_s = time.monotonic() + min(self.settings.interval_s, change_s)
        self._troubles.end(About.PASSES)
        self._health = replace(
            self._health,
            result=report.result.value,
            commit=report.commit.id if report.commit else "",
            success_s=time.time() if report.result is Result.CONVERGED else self._health.success_s,
        )
        self.observers.reported(report, duration_s)
        self._telling.ended(report)
        self._tell(EventKind.PASS_ENDED, Severity.INFO, f"{report.result}", run=report.id, result=report.result.value)
        self._publisher.put(fleet, report)
        self._wait_for_publisher()

    def _wait_for_publisher(self) -> None:
        """The next pass reads what this one reported; but git may be slow, and nobody waits for it for ever."""
        until_s = time.monotonic() + PUBLISH_S
        while not self._stopping.is_set() and time.monotonic() < until_s and not self._publisher.wait(LISTEN_S):
            self._beat()
            if self._troubles.lasts(About.REPORTING):
                return

    def _failed(self, error: ReconcilerError) -> None:
        self._troubles.begin(About.PASSES, EventKind.PASS_FAILED, error.what)
        self._due_s, self._due_for = time.monotonic() + min(RETRY_S, self.settings.interval_s), Why.RETRY

    def _answer(self, triggers: Sequence[Trigger], reply: dict[str, object]) -> None:
        for trigger in triggers:
            if trigger.request:
                self._control.refreshes.handled(trigger.request, {"handled": trigger.request, **reply})

    # --- git ---------------------------------------------------------------------------------------------------------

    def _watch_branch(self) -> None:
        if self._branch is not None:
            self._branch.close()
        settings = self.settings

        def tip() -> str | None:
            return desired_repository(settings).commit_id(settings.ref)

        def away(error: GitError | None) -> None:
            if error is not None:
                self._troubles.begin(About.READING, EventKind.GIT_TROUBLE, error.what)
            else:
                self._troubles.end(About.READING)

        try:
            repository = desired_repository(settings, fetch=False)
            folders = watched_folders(repository.git_dir, settings.ref) if settings.remote is None else ()
            known = repository.commit_id(settings.ref)
        except GitError:
            folders, known = (), None
        self._branch = BranchWatch(tip, settings.commit_poll_s, lambda _: self._changed(Why.COMMIT), away, folders)
        if trouble := self._branch.start(known):
            self._tell(EventKind.GIT_TROUBLE, Severity.WARNING, trouble)

    def _published(self, waiting: Waiting, published: Published) -> None:
        self._troubles.end(About.REPORTING)
        if published.commit is not None:
            branch = waiting.fleet.status_ref.removeprefix("refs/heads/")
            text = f"{published.commit[:12]} on {branch}"
            self._tell(EventKind.PUBLISHED, Severity.INFO, text, run=waiting.report.id, commit=published.commit)

    def _show_life(self) -> None:
        """The sign of life, and now and then some tidying of the mirror. On the publisher's thread."""
        known = self._source.known
        if known is None:
            return
        repository, remote = known.fleet.reports or known.fleet.repository, self.settings.reports_remote
        health = self.health()
        said = {"version": __version__, "commit": health.commit, "result": health.result, "trouble": health.trouble}
        try:
            beat(repository, health.fleet, said, IDENTITY, int(time.time()), remote, self.settings.signing)
            if remote is not None:
                maintain(repository)
            self._troubles.end(About.LIFE)
        except GitError as error:
            self._troubles.begin(About.LIFE, EventKind.GIT_TROUBLE, error.what)

    def _unpublished(self, waiting: Waiting, error: ReconcilerError) -> None:
        self._troubles.begin(About.REPORTING, EventKind.GIT_TROUBLE, error.what, waiting.report.id)

    # --- telling -----------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        if time.monotonic() - self._beaten_s >= BEAT_S:
            self._beaten_s = time.monotonic()
            self.observers.beat(self.health())
            systemd.notify("WATCHDOG=1")
        if self._health.pass_ended_s is not None and time.monotonic() >= self._life_due_s:
            self._life_due_s = time.monotonic() + self.settings.heartbeat_s
            self._publisher.run(self._show_life)

    def _tell(self, kind: EventKind, severity: Severity, message: str, *, run: str = "", **details: object) -> None:
        self.observers.event(Event(kind, severity, time.time(), self._health.fleet, message, run, details))

    def _say(self, kind: EventKind, severity: Severity, message: str, run: str) -> None:
        self._tell(kind, severity, message, run=run)


def _change_s(fleet: Fleet) -> float:
    """In how many seconds the calendar changes something."""
    now_s = fleet.clock.now_s()
    moments = [next_end_s(fleet.desired, now_s), next_change_s(fleet.desired, now_s)]
    next_s = min((moment for moment in moments if moment is not None), default=None)
    return math.inf if next_s is None else fleet.clock.wall_s(next_s - now_s) + CALENDAR_S


def _source(settings: Settings) -> tuple[object, ...]:
    """What the watch over the branch rests on."""
    return settings.repository, settings.remote, settings.ref, settings.commit_poll_s
