"""A small fleet to run commands on: a repository, three simulated hosts in a file, settings.

Used by every test of the command line. Commands run in this process, or as the installed executable from an empty
folder.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.cli import run
from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.statefile import StateFile
from reconciler.drivers.simulated.world import World

EXECUTABLE = Path(sys.executable).with_name("reconciler")
ATTRIBUTES = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none", "online_migration": "enabled"}
UUIDS = {name: f"00000000-0000-4000-8000-00000000000{number}" for number, name in enumerate(("web", "db", "batch"), 1)}
HOMES = {"web": "h1", "db": "h1", "batch": "h2"}
SPEED = 200.0

HEAD = "apiVersion: reconciler/v1alpha1\nkind: "
FLEET = f"{HEAD}Fleet\nmetadata: {{name: bench}}\nspec:\n  mode: %s\n  retry: {{backoff: 10s}}\n"
HOST = f"{HEAD}Host\nmetadata: {{name: %s}}\nspec: {{driver: simulated}}\n"
GUEST = f"{HEAD}Guest\nmetadata: {{name: %s}}\nspec:\n  host: %s\n  uuid: %s\n%s"


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as a document."""
        return json.loads(self.out)

    @property
    def steps(self) -> list[str]:
        """What a pass that printed its run did, in the order in which it was begun."""
        runs = sorted(self.json["steps"], key=lambda run: run["started"])
        return [f"{run['step']['guest']} {run['step']['kind']} {run['state']}" for run in runs]


@dataclass
class Bench:
    """The folder that holds it all."""

    folder: Path
    mode: str = "apply"
    homes: dict[str, str] = field(default_factory=lambda: dict(HOMES))
    more: dict[str, str] = field(default_factory=dict)
    """Guest -> further lines of its document's spec."""

    def build(self, *, speed: float = SPEED, arrange: Callable[[World], None] = lambda world: None) -> Bench:
        """Make the repository with one commit, the hosts and the settings."""
        world = World.of((SimHost(f"h{n}", version="4.2", networks=("lan",)) for n in (1, 2, 3)), rules=refusal)
        self.place(world, "web", "h1", Disk("wwid-web", StorageKind.SAN, 4096))
        self.place(world, "db", "h1", Disk("/dev/vg/db", StorageKind.LOGICAL_VOLUME, 2048))
        self.place(world, "batch", "h2", Disk("wwid-batch", StorageKind.SAN, 4096), RunState.STOPPED)
        arrange(world)
        StateFile.create(self.hosts, world, speed=speed)
        self.settings.write_text(
            '[repository]\npath = "fleet"\nfolder = "desired"\n[state]\nfolder = "state"\n'
            '[drivers.simulated]\nstate_file = "hosts.json"\n'
        )
        (self.folder / "empty").mkdir()
        self.git("init", "--quiet", "--initial-branch=main", at=self.folder, extra=("fleet",))
        self.commit()
        return self

    def place(
        self, world: World, name: str, host: str, disk: Disk, state: RunState = RunState.RUNNING, uuid: str = ""
    ) -> None:
        """Put a guest there; every host sees a disk that is shared."""
        for there in world.fleet.hosts.values():
            there.presented = (*there.presented, disk.id) if disk.kind.shared else there.presented
        identity = uuid or UUIDS[name]
        guest = SimGuest(identity, name, networks=("lan",), attributes=ATTRIBUTES, shutdown_s=10.0, boot_s=20.0)
        world.place(guest, host, (disk,), state)

    # --- the parts -------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "settings.toml"

    @property
    def hosts(self) -> Path:
        """The simulated hosts."""
        return self.folder / "hosts.json"

    @property
    def desired(self) -> Path:
        """The documents in the work tree."""
        return self.folder / "fleet" / "desired"

    @property
    def journal(self) -> list[dict[str, Any]]:
        """What was noted; a line that a full disk cut short was not."""
        path = self.folder / "state" / "journal.jsonl"
        lines = path.read_text().splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def sent(self) -> list[str]:
        """The verbs of all commands that change anything."""
        return [note["verb"] for note in self.journal if note["what"] == "sending" and note["verb"] != "check"]

    def where(self, guest: str) -> list[str]:
        """The hosts where the guest runs or could be started, by the hosts themselves."""
        with StateFile(self.hosts).change() as world:
            places = world.copies(UUIDS[guest])
        return [host for host, state, runnable in places if runnable or state is not RunState.STOPPED]

    def change_hosts(self, change: Callable[[World], None]) -> None:
        """Let something befall the hosts."""
        with StateFile(self.hosts).change() as world:
            change(world)

    # --- documents -------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """The documents, into the work tree."""
        self.desired.mkdir(parents=True, exist_ok=True)
        (self.desired / "fleet.yaml").write_text(FLEET % self.mode)
        (self.desired / "hosts.yaml").write_text("---\n".join(HOST % host for host in ("h1", "h2", "h3")))
        for name, home in self.homes.items():
            text = GUEST % (name, home, UUIDS[name], self.more.get(name, ""))
            (self.desired / f"{name}.yaml").write_text(text)

    def commit(self, message: str = "Change", **homes: str) -> None:
        """Declare guests on other hosts, and commit."""
        self.homes |= homes
        self.write()
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")

    def git(self, *arguments: str, at: Path | None = None, extra: tuple[str, ...] = ()) -> str:
        """Run git in the repository."""
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.invalid", *arguments, *extra]
        folder = at or self.folder / "fleet"
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout

    def reports(self) -> list[str]:
        """The commits of the status branch."""
        return (
            self.git("for-each-ref", "--format=%(objectname)", "refs/heads/reconciler/").split()
            and self.git("rev-list", "reconciler/status/bench").split()
        )

    # --- commands --------------------------------------------------------------------------------------------------

    def call(self, *arguments: object) -> Ran:
        """Run a command in this process, under the bench's settings."""
        out, err = io.StringIO(), io.StringIO()
        os.environ["RECONCILER_SETTINGS"] = str(self.settings)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run([str(argument) for argument in arguments])
        finally:
            del os.environ["RECONCILER_SETTINGS"]
        return Ran(code, out.getvalue(), err.getvalue())

    def executable(self, *arguments: object, env: Mapping[str, str] | None = None) -> Ran:
        """Run the installed executable, from an empty folder."""
        with self.started(*arguments, env=env) as process:
            out, err = process.communicate(timeout=120)
            return Ran(process.returncode, out, err)

    def started(self, *arguments: object, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Begin it, and do not wait."""
        return subprocess.Popen(
            [str(EXECUTABLE), *map(str, arguments)],
            cwd=self.folder / "empty",
            env={**os.environ, "RECONCILER_SETTINGS": str(self.settings), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
