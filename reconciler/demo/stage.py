"""The demo's folder: a bare repository, a work tree to write documents in, simulated hosts in a file, settings.

Set up and used by the story. The only part of the demo that runs git or makes a simulated fleet; it never touches a
guest.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.core.commands import Verb
from reconciler.core.model import RunState
from reconciler.core.observed import Disk
from reconciler.demo.cast import Cast, DemoGuest, Part
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.faults import Fault, FaultKind
from reconciler.drivers.simulated.fleet import Ledger, SimGuest, SimHost
from reconciler.drivers.simulated.statefile import StateFile
from reconciler.drivers.simulated.world import World
from reconciler.errors import GitError

GIT_TIMEOUT_S = 60
AUTHOR = ("Ada Example", "ada@example.invalid")
MIB_PER_GIB = 1024
ATTRIBUTES = {
    "os": "HPUX",
    "guest_kit": "yes",
    "inserted_media": "none",
    "online_migration": "enabled",
    "autostart": "on",
}

SETTINGS = """\
# The operator's side. What the repository says can never widen what stands here.
[repository]
path = "fleet.git"
ref = "main"
folder = "desired-state"

[state]
folder = "state"

[drivers.simulated]
state_file = "hosts.json"
"""


@dataclass(frozen=True)
class Stage:
    """The folder, ready for use."""

    folder: Path
    cast: Cast

    @staticmethod
    def build(folder: Path, cast: Cast, speed: float) -> Stage:
        """Make everything but the first commit."""
        stage = Stage(folder, cast)
        stage.settings.write_text(SETTINGS, encoding="utf-8")
        StateFile.create(stage.hosts, world(cast), speed=speed)
        stage.git(["init", "--quiet", "--bare", "--initial-branch=main", "fleet.git"], at=folder)
        stage.git(["clone", "--quiet", "fleet.git", "work"], at=folder)
        stage.git(["checkout", "--quiet", "-B", "main"])
        return stage

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "settings.toml"

    @property
    def hosts(self) -> Path:
        """The file that holds the simulated hosts."""
        return self.folder / "hosts.json"

    @property
    def repository(self) -> Path:
        """The repository that is shared: desired state on main, reports on the status branch."""
        return self.folder / "fleet.git"

    @property
    def work(self) -> Path:
        """The clone that a person edits documents in."""
        return self.folder / "work"

    @property
    def status_branch(self) -> str:
        """Where reports go."""
        return f"reconciler/status/{self.cast.fleet}"

    def commit(self, files: Mapping[str, str], message: str, branch: str = "main") -> None:
        """Write these documents, commit and push them."""
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git(["add", "--all"])
        self.git(["commit", "--quiet", f"--message={message}"])
        self.git(["push", "--quiet", "origin", branch])

    def git(self, arguments: Sequence[str], *, at: Path | None = None) -> str:
        """Run git as Ada, without her configuration: what it printed. Raises GitError."""
        name, mail = AUTHOR
        identity = {
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in (("NAME", name), ("EMAIL", mail))
        }
        clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        environment = {**clean, **identity, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=at or self.work,
                env=environment,
                capture_output=True,
                text=True,
                timeout=GIT_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitError(f"git {arguments[0]}: {error}", hint="the demo needs git on the path") from error
        if done.returncode != 0:
            raise GitError(f"git {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def status_tip(self) -> str:
        """The commit of the status branch, or empty before the first report."""
        found = self.git(
            ["for-each-ref", "--format=%(objectname)", f"refs/heads/{self.status_branch}"], at=self.repository
        )
        return found.strip()

    def commands_sent(self) -> int:
        """How many commands were sent that change anything, by the journal: it is written before each of them."""
        journal = self.folder / "state" / "journal.jsonl"
        lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
        entries = [json.loads(line) for line in lines]
        return sum(entry["what"] == "sending" and entry["verb"] != Verb.CHECK for entry in entries)

    def ledger(self) -> Ledger:
        """What the simulated hosts themselves wrote down: guests that ran twice, disks that were lost."""
        with StateFile(self.hosts).change() as world:
            return world.ledger


def world(cast: Cast) -> World:
    """The simulated hosts with their guests, and the one thing that will go wrong."""
    world = World.of(
        (
            SimHost(
                host.name,
                version=host.version,
                processor=host.processor,
                cpus=16,
                memory_mib=host.memory_gib * MIB_PER_GIB,
                networks=("prod",),
            )
            for host in cast.hosts
        ),
        now_s=float(int(time.time())),
        rules=refusal,
    )
    for guest in cast.guests:
        _place(world, guest)
    stumbles = cast.one(Part.STUMBLES)
    world.faults.add(Fault(FaultKind.ABORT, Verb.MIGRATE, guest=stumbles.uuid, at_percent=60))
    return world


def _place(world: World, guest: DemoGuest) -> None:
    paths = {"file": f"/guests/{guest.name}.disk", "logical-volume": f"/dev/vg01/{guest.name}"}
    wwid = f"600143801{guest.uuid.replace('-', '')[:23]}"
    disk = Disk(paths.get(guest.storage, wwid), guest.storage, guest.disk_gib * MIB_PER_GIB)
    if guest.storage.shared:
        for host in world.fleet.hosts.values():
            host.presented = (*host.presented, disk.id)
    there = SimGuest(
        guest.uuid,
        guest.name,
        memory_mib=guest.memory_gib * MIB_PER_GIB,
        networks=("prod",),
        dirty_mib_s=guest.busy_mib_s,
        attributes=ATTRIBUTES,
        shutdown_s=guest.shutdown_s,
        boot_s=guest.boot_s,
    )
    world.place(there, guest.home, (disk,), RunState.RUNNING if guest.running else RunState.STOPPED)
