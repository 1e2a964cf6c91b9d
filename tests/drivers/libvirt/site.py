"""A folder with a repository and settings, and the lab behind it: commands run on it as a person would run them.

Used by the tests of this folder. What became of the guests is asked of the hosts and of the guests themselves.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.core.observed import HostFacts, Registration
from reconciler.drivers.libvirt.driver import LibvirtDriver
from reconciler.drivers.libvirt.looking.reading import Stated
from reconciler.drivers.libvirt.settings import LibvirtSettings
from reconciler.ssh.access import Access
from reconciler.ssh.connections import Connections
from tests.cli.bench import Bench, Ran
from tests.lab.guests.guest import Guest
from tests.lab.lab import Lab

RECORDS = "/var/lib/libvirt/reconciler"
"""Private to each host of the lab."""
HEAD = "apiVersion: reconciler/v1alpha1\nkind: "
FLEET = f"{HEAD}Fleet\nmetadata: {{name: lab}}\nspec:\n  mode: apply\n  retry: {{backoff: 1s}}\n%s"
GUEST = f"{HEAD}Guest\nmetadata: {{name: %s}}\nspec:\n  host: %s\n  uuid: %s\n%s"
DOWNTIME = "  migration: {downtime: allowed, stop: {graceful: 1m}}\n"


@dataclass
class Site:
    """The folder, and the hosts. `homes`: guest -> declared host; `more`: guest -> further lines of its spec."""

    folder: Path
    lab: Lab
    homes: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)
    fleet: str = ""
    """Further lines of the Fleet's spec."""

    @classmethod
    def on(cls, folder: Path, lab: Lab, **driver: object) -> Site:
        """An empty repository, and settings with these entries for the driver."""
        site = cls(folder, lab)
        (folder / "repo").mkdir()
        site.git("init", "--quiet", "--initial-branch=main")
        site.set(**driver)
        for machine in lab.machines.values():
            machine.run(["rm", "-rf", RECORDS])
        return site

    def set(self, **driver: object) -> None:
        """Write the settings file anew."""
        entries = {"record_folder": RECORDS, "host_reserve_mib": 64, **driver}
        lines = [f"{key} = {value!r}".replace("'", '"') for key, value in entries.items()]
        text = f'[repository]\npath = "repo"\n[state]\nfolder = "state"\n{self.lab.settings_toml()}'
        self.settings.write_text(text + "\n".join(lines) + "\n", encoding="utf-8")

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "settings.toml"

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.invalid", *arguments]
        done = subprocess.run(command, cwd=self.folder / "repo", check=True, capture_output=True, text=True, timeout=60)
        return done.stdout

    def commit(self, **homes: str) -> None:
        """Declare guests on these hosts."""
        self.homes |= homes
        text = [FLEET % self.fleet, *self.lab.host_documents_yaml().split("---\n")]
        text += [
            GUEST % (name, home, self.lab.guests[name].uuid, self.more.get(name, ""))
            for name, home in sorted(self.homes.items())
        ]
        (self.folder / "repo" / "fleet.yaml").write_text("---\n".join(text), encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=Change")

    def call(self, *arguments: object) -> Ran:
        """Run a command in this process."""
        return Bench(self.folder).call(*arguments)

    def apply(self, code: int = 0, *arguments: str) -> Ran:
        """One pass, unasked."""
        ran = self.call("apply", "--yes", *arguments)
        assert code == ran.code, f"{ran.out}\n{ran.err}"
        return ran

    # ------------------------------------------------------------------------------------------------ what became of it

    def last_run(self) -> dict[str, Any]:
        """The record of the run that was reported last, as it lies on the status branch."""
        branch = "reconciler/status/lab"
        names = self.git("ls-tree", "-r", "--name-only", branch, "runs").split()
        found: dict[str, Any] = json.loads(self.git("show", f"{branch}:{max(names)}"))
        return found

    def driver(self) -> LibvirtDriver:
        """A driver of its own, to look with."""
        access = Access(self.lab.known_hosts_file, self.lab.key_file, connect_timeout_s=5.0)
        settings = LibvirtSettings(
            RECORDS, tuple(self.lab.machines), usually=Stated(copy_folder="/srv/local", host_reserve_mib=64)
        )
        return LibvirtDriver(Connections(access), settings)

    def facts(self, host: str) -> HostFacts:
        """One look at a host that answers."""
        driver = self.driver()
        try:
            seen = driver.look(self.lab.document(host))
        finally:
            driver.close()
        assert isinstance(seen, HostFacts), seen
        return seen

    def entry(self, host: str, guest: Guest) -> Registration | None:
        """The guest's registration there."""
        return self.facts(host).registration(guest.uuid)

    def running_on(self, guest: Guest) -> list[str]:
        """The hosts where it is active."""
        return [host for host, seen in self.lab.whereabouts(guest.name).items() if seen.active]

    def defined_on(self, guest: Guest) -> list[str]:
        """The hosts that have a definition of it."""
        return [host for host, seen in self.lab.whereabouts(guest.name).items() if seen.defined]

    def book(self, host: str) -> list[str]:
        """Everything that lies in the folder of move records there."""
        found = self.lab[host].run(["find", RECORDS, "-type", "f"], check=False).stdout.split()
        return sorted(path.removeprefix(f"{RECORDS}/") for path in found if not path.endswith("/lock"))


def assert_whole(site: Site, guest: Guest, home: str) -> None:
    """It runs there and nowhere else, and no host has anything of it, or of a move, that it should not have."""
    assert ([home], [home]) == (site.running_on(guest), site.defined_on(guest))
    leftovers = site.lab.leftovers()
    assert not leftovers, leftovers
    books = {host: site.book(host) for host in site.lab.machines}
    assert not any(books.values()), books
