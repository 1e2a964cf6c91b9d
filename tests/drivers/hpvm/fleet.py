"""A folder with a repository, settings and real hosts behind SSH: commands run on it as a person would run them.

Used by the tests of this folder. The hosts are the fleet of tests/drivers/hosts; their guests' documents are made here.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from tests.cli.bench import Bench, Ran
from tests.drivers.hosts.fleet import SshdFleet
from tests.drivers.hosts.variants import Variants

HEAD = "apiVersion: reconciler/v1alpha1\nkind: "
FLEET = f"{HEAD}Fleet\nmetadata: {{name: real}}\nspec: {{mode: apply, retry: {{backoff: 1s}}}}\n"
GUEST = f"{HEAD}Guest\nmetadata: {{name: %s}}\nspec:\n  host: %s\n  uuid: %s\n%s"
ATTRIBUTES = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}
UUIDS = {name: f"00000000-0000-4000-8000-00000000000{number}" for number, name in enumerate(("web", "db", "batch"), 1)}


def world(hosts: int = 3) -> World:
    """Hosts a, b, c: `web` runs on a, `db` runs there from a logical volume, `batch` is stopped on b."""
    made = World.of(
        (SimHost(name, networks=("prod",), memory_overhead_percent=9) for name in "abcdefg"[:hosts]), rules=refusal
    )
    lun = {name: f"600143801259b8ae000090000{number}33000{number}" for number, name in enumerate(UUIDS)}
    for host in made.fleet.hosts.values():
        host.presented = (lun["web"], lun["batch"])
    place(made, "web", "a", Disk(lun["web"], StorageKind.SAN, 4096))
    place(made, "db", "a", Disk("/dev/vg01/db", StorageKind.LOGICAL_VOLUME, 2048))
    place(made, "batch", "b", Disk(lun["batch"], StorageKind.SAN, 4096), RunState.STOPPED)
    return made


def place(there: World, name: str, host: str, disk: Disk, state: RunState = RunState.RUNNING) -> None:
    """Put a guest there."""
    guest = SimGuest(UUIDS[name], name, networks=("prod",), attributes=ATTRIBUTES, shutdown_s=20.0, boot_s=30.0)
    there.place(guest, host, (disk,), state)


@dataclass
class Real:
    """The folder, and the hosts."""

    folder: Path
    hosts: SshdFleet
    homes: dict[str, str] = field(default_factory=lambda: {"web": "a", "db": "a", "batch": "b"})
    more: dict[str, str] = field(default_factory=dict)
    """Guest -> further lines of its document's spec."""

    @staticmethod
    @contextlib.contextmanager
    def started(
        folder: Path, there: World | None = None, *, speed: float = 60.0, variants: Variants | None = None
    ) -> Iterator[Real]:
        """Start the hosts and declare the guests where they are."""
        (folder / "hosts").mkdir()
        (folder / "repo").mkdir()
        with SshdFleet.start(folder / "hosts", there or world(), speed=speed, variants=variants) as fleet:
            real = Real(folder, fleet)
            real.git("init", "--quiet", "--initial-branch=main")
            real.settings.write_text(
                f'[repository]\npath = "repo"\n[state]\nfolder = "state"\n{fleet.settings_toml()}', encoding="utf-8"
            )
            real.commit()
            yield real

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "settings.toml"

    @property
    def bench(self) -> Bench:
        """What runs commands under these settings."""
        return Bench(self.folder)

    def commit(self, **homes: str) -> None:
        """Declare guests on these hosts."""
        self.homes |= homes
        text = [FLEET, *self.hosts.host_documents_yaml().split("---\n")]
        text += [GUEST % (name, home, UUIDS[name], self.more.get(name, "")) for name, home in self.homes.items()]
        (self.folder / "repo" / "fleet.yaml").write_text("---\n".join(text), encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=Change")

    def git(self, *arguments: str) -> None:
        """Run git in the repository."""
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.invalid", *arguments]
        subprocess.run(command, cwd=self.folder / "repo", check=True, capture_output=True, timeout=60)

    def call(self, *arguments: object) -> Ran:
        """Run a command in this process."""
        return self.bench.call(*arguments)

    def where(self, guest: str) -> list[str]:
        """The hosts where the guest runs or could be started, by the physics themselves."""
        with self.hosts.change() as there:
            places = there.copies(UUIDS[guest])
        return [host for host, state, runnable in places if runnable or state is not RunState.STOPPED]

    def nothing_lost(self) -> bool:
        """Whether no guest ran twice, none started from old disks, and no content is gone."""
        with self.hosts.change() as there:
            ledger = there.ledger
        return not (ledger.double_runs or ledger.stale_starts or ledger.lost_contents)

    def book(self, host: str) -> list[str]:
        """Everything that lies in the folder of move records."""
        folder = self.hosts.path(host, "/var/opt/reconciler")
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) if folder.is_dir() else []


def environment(real: Real) -> dict[str, str]:
    """For commands in a process of their own."""
    return {**os.environ, "RECONCILER_SETTINGS": str(real.settings)}
