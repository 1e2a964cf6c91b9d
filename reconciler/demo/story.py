"""The demo's acts, in order: the fleet as it is, a change under review, its run, its report, and a pass with nothing
to do.

Called by `reconciler demo`. Every command that is shown is run, by the same command line as anyone's; every number
comes from what it printed as JSON. Says nothing that proof has not found.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.demo import documents, proof
from reconciler.demo.cast import Cast, Part, cast
from reconciler.demo.stage import Stage
from reconciler.demo.telling import Teller
from reconciler.errors import ExitCode, InvariantBroken, UsageError
from reconciler.loop.settings import ENVIRONMENT

Run = Callable[[list[str]], int]
"""The program's own command line: arguments in, exit code out."""

CHANGE = "change"


def tell(*, seed: int, speed: float, keep: Path | None, run: Run, teller: Teller) -> int:
    """The whole demo. Raises InvariantBroken when something that is told did not happen."""
    with _folder(keep) as folder:
        story = Story(Stage.build(folder, cast(seed), speed), run, teller)
        with _settings(story.stage.settings):
            story.opening(speed)
            story.as_it_is()
            story.review()
            story.merge()
            story.report()
            story.nothing_to_do()
            story.closing(kept=keep is not None)
    return ExitCode.OK


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A folder for the demo, removed at the end unless it is to be kept."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is there already", hint="name a folder that does not exist yet, or an empty one")
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{keep}: {error.strerror or error}") from error
    yield keep.resolve()


@contextmanager
def _settings(path: Path) -> Iterator[None]:
    """The settings in force for the commands of the demo."""
    before = os.environ.get(ENVIRONMENT)
    os.environ[ENVIRONMENT] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ[ENVIRONMENT]
        else:
            os.environ[ENVIRONMENT] = before


@dataclass
class Story:
    """The acts, and what they know of each other."""

    stage: Stage
    run: Run
    teller: Teller
    homes: dict[str, str] = field(default_factory=dict)
    """Guest -> the host its document names."""

    @property
    def cast(self) -> Cast:
        """Who plays."""
        return self.stage.cast

    # --- running commands ------------------------------------------------------------------------------------------

    def shown(self, command: str, *expected: ExitCode) -> None:
        """Show a command and run it in front of everyone. Anything but the expected exit code ends the demo."""
        self.teller.command(command)
        self._exited(command, self.run(shlex.split(command)[1:]), expected)

    def asked(self, command: str, *expected: ExitCode) -> proof.Document:
        """What a command prints as JSON, off stage."""
        out, noise = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(noise):
            code = self.run(shlex.split(command)[1:])
        self._exited(f"{command}\n{noise.getvalue()}", code, expected)
        found: proof.Document = json.loads(out.getvalue())
        return found

    def _exited(self, command: str, code: int, expected: tuple[ExitCode, ...]) -> None:
        if code not in (expected or (ExitCode.OK,)):
            raise InvariantBroken("demo", f"`{command}` ended with exit code {code}")

    def git(self, command: str) -> None:
        """Show a git command and run it in the demo's folder; print what it prints."""
        self.teller.command(command)
        self.teller.output(self.stage.git(shlex.split(command)[1:], at=self.stage.folder))

    # --- the acts --------------------------------------------------------------------------------------------------

    def opening(self, speed: float) -> None:
        """Where we are."""
        hosts, guests = len(self.cast.hosts), len(self.cast.guests)
        self.teller.title(f"A fleet of {hosts} hosts and {guests} guests, all simulated (seed {self.cast.seed})")
        self.teller.text(
            f"Everything lies in {self.stage.folder}: the repository fleet.git, a clone of it in work/, the hosts in "
            f"hosts.json. Their clock runs {speed:g} times as fast as yours: a minute is {60 / speed:.1f} s here. "
            "The platform's rules are those of HP Integrity VM, with hosts of versions 4.1, 4.2 and 4.3 and two "
            "processor families."
        )
        self.teller.command(f"cd {self.stage.folder}; export {ENVIRONMENT}=$PWD/settings.toml")

    def as_it_is(self) -> None:
        """Declared as found; then one online move, which leaves evidence."""
        guest = self.cast.one(Part.RETURNS)
        self.homes = {entry.name: entry.home for entry in self.cast.guests}
        self.stage.commit(documents.files(self.cast, self.homes), "Declare the fleet as it is")
        self.teller.act("The fleet as it is")
        self.teller.text("Ada has declared every guest on the host where it is. So nothing differs:")
        self.shown("reconciler diff")
        plain = self.cast.hosts[1]
        self.teller.text(
            f"Now she moves {guest.name} off {guest.home}, and commits that to main. It goes online, 4.1 to 4.2:"
        )
        self.homes[guest.name] = plain.name
        self.stage.commit(documents.files(self.cast, self.homes), f"Move {guest.name} to {plain.name}")
        self.git("git -C work show --format=%h%x20%s --unified=0 HEAD -- desired-state")
        self.shown("reconciler apply --yes")

    def review(self) -> None:
        """A branch with edited documents, and its plan as a reviewer sees it."""
        before = dict(self.homes)
        for guest in self.cast.guests:
            if guest.part not in (Part.RETURNS, Part.EXTRA, Part.UNMANAGED):
                self.homes[guest.name] = guest.wanted
        returns = self.cast.one(Part.RETURNS)
        self.homes[returns.name] = returns.home
        moved = sum(before[name] != home for name, home in self.homes.items())
        self.stage.git(["checkout", "--quiet", "-b", CHANGE])
        message = (
            f"Spread the load before the audit\n\nMoves {moved} guests, and lets two of the databases change places."
        )
        self.stage.commit(documents.files(self.cast, self.homes), message, CHANGE)
        self.teller.act("A change under review")
        self.teller.text(f"On the branch `{CHANGE}` Ada wants {moved} guests on other hosts. What would that do?")
        self.git(f"git -C work diff --stat main {CHANGE}")
        plan = self.asked(f"reconciler plan --rev {CHANGE} -o json", ExitCode.HELD)
        reviewed = proof.Reviewed(plan, self.cast)
        reviewed.check()
        crosses = self.cast.one(Part.CROSSES)
        proof.check_processors(self.asked(f"reconciler explain {crosses.name} --rev {CHANGE} -o json"), crosses)
        self.shown(f"reconciler plan --rev {CHANGE}", ExitCode.HELD)
        self._read_aloud(reviewed)
        self.teller.text("For the pull request the same comes as markdown; it begins:")
        self.teller.command(f"reconciler plan --rev {CHANGE} -o markdown")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self._exited(
                "reconciler plan -o markdown", self.run(["plan", "--rev", CHANGE, "-o", "markdown"]), (ExitCode.HELD,)
            )
        self.teller.output(out.getvalue(), lines_max=12)

    def _read_aloud(self, reviewed: proof.Reviewed) -> None:
        """What to see in that plan."""
        returns, stays = self.cast.one(Part.RETURNS), self.cast.one(Part.STAYS)
        copied, crosses = self.cast.one(Part.COPIED), self.cast.one(Part.CROSSES)
        blocked, hop = self.cast.one(Part.BLOCKED), reviewed.hop
        one, other = self.cast.of(Part.SWAPS)
        down = {guest.name: round(reviewed.steps(guest)[0]["downtime_s"]) for guest in (copied, crosses)}
        self.teller.points(
            f"{reviewed.online} moves are online: no guest is stopped for them.",
            f"{copied.name} (disk in a file) and {crosses.name} (another processor family) are down for "
            f"{down[copied.name]} s and {down[crosses.name]} s: their documents allow it.",
            f"{returns.name} goes back to 4.1 online, because we moved it from there and it has not been rebooted "
            f"since. {stays.name} may not: {reviewed.refusal(stays)}.",
            f"{one.name} and {other.name} change places between two full hosts, so {hop['guest']} rests on "
            f"{hop['target']} on its way.",
            f"{blocked.name} stays: its logical volume can only be copied while it is down, and it must not go down.",
        )

    def merge(self) -> None:
        """The change is merged, and applied with live progress."""
        self.teller.act("The merge, and the run")
        self.stage.git(["checkout", "--quiet", "main"])
        self.git(f"git -C work merge --no-ff --quiet {CHANGE}")
        self.git("git -C work push --quiet origin main")
        stumbles = self.cast.one(Part.STUMBLES)
        self.teller.text(
            f"Only main is acted on, and only what is committed. Watch {stumbles.name}: the platform is going to abort "
            "its first online migration. That harms nothing, and it is tried again."
        )
        self.shown("reconciler apply --yes", ExitCode.HELD)
        record = self.asked("reconciler history --limit 1 -o json")["runs"][0]
        done = proof.Done(record, self.cast)
        done.check(self.asked("reconciler observe -o json"))
        proof.check_ledger(self.stage.ledger())
        stumble = done.stumble
        self.teller.points(
            f"{record['moved']} guests moved, none failed; {stumble['guest']} took {stumble['attempt']} attempts.",
            "The hosts' own ledger: no guest ran twice, no disk content was lost.",
            "Exit code 6: two guests are blocked and need a person.",
        )

    def report(self) -> None:
        """The report is a commit."""
        self.teller.act("The report")
        self.teller.text("What happened is a commit on a branch of its own, for people and for programs:")
        self.git(f"git -C fleet.git log --format=%h%x20%s {self.stage.status_branch}")
        self.git(f"git -C fleet.git ls-tree --name-only {self.stage.status_branch}")
        self.teller.command(f"git -C fleet.git show {self.stage.status_branch}:README.md")
        readme = self.stage.git(["show", f"{self.stage.status_branch}:README.md"], at=self.stage.repository)
        self.teller.output(readme, lines_max=24)

    def nothing_to_do(self) -> None:
        """A second pass sends nothing and commits nothing."""
        self.teller.act("Once more, with nothing to do")
        tip, sent = self.stage.status_tip(), self.stage.commands_sent()
        self.shown("reconciler apply --yes", ExitCode.HELD)
        more = self.stage.commands_sent() - sent
        same = self.stage.status_tip() == tip
        proof.need(more == 0, f"second pass without commands: it sent {more}")
        proof.need(same, "second pass without a commit")
        self.teller.points(f"{more} commands that change anything, 0 commits. (The first two passes sent {sent}.)")

    def closing(self, *, kept: bool) -> None:
        """What to look at next."""
        stays = self.cast.one(Part.STAYS)
        self.teller.act("What to look at next")
        self.teller.text("The folder is kept. Go on from here:" if kept else "The folder is gone. In one that stays:")
        if shutil.which("reconciler") is None and sys.prefix != sys.base_prefix:
            self.teller.command(f". {shlex.quote(f'{sys.prefix}/bin/activate')}")
        if not kept:
            self.teller.command("reconciler demo --keep DIR")
        folder = shlex.quote(str(self.stage.folder)) if kept else "DIR"
        self.teller.command(f"cd {folder}; export {ENVIRONMENT}=$PWD/settings.toml")
        for command, what in (
            (f"reconciler explain {stays.name}", "every rule that was asked, and what would help"),
            (f"reconciler history {self.cast.one(Part.STUMBLES).name}", "what was done to one guest"),
            ("reconciler status", "the whole fleet on one screen"),
            ("reconciler plan --commands", "each command as it would be sent"),
        ):
            self.teller.hint(command, what)
