"""What we add to a live migration: `python -m tests.benchmarks.online [--rounds 5] [--json FILE]`.

One guest on real libvirt hosts of the lab, there and back, again and again: by a bare `virsh migrate`, timed there,
and by `reconciler apply --yes`, a process of its own; then by a daemon that is given commits. At last all hosts are
looked at, beside `ssh HOST true` over connections that stay open. Each figure stands beside a bare one of the same run:
only differences and ratios say anything about another machine. Needs what the lab needs, as root.

When a step was ready and when it was done is read from the journal (the run record has the same moments, in whole
seconds); when a command began on a host, from the time that its file system gave the file which the command made.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.desired import Host
from reconciler.core.observed import HostFacts
from tests.cli.bench import EXECUTABLE
from tests.daemon.running import daemon
from tests.drivers.libvirt.site import RECORDS, Site
from tests.lab.guests.guest import Guest
from tests.lab.lab import Lab
from tests.lab.waiting import until

HOMES = ("h2", "h1")
"""Where the guest goes in turn; it begins on the last of them."""
BARE = ("virsh", "migrate", "--live", "--persistent", "--undefinesource", "--p2p")
TIMED = 'began=$(date +%s%N); "$@" >&2 || exit; echo $(($(date +%s%N) - began))'
PAUSE_S = 0.005
NANO = 1e-9
NO_BREAK = "\N{NO-BREAK SPACE}"

Figures = dict[str, list[float]]


@dataclass
class Lane:
    """One guest that goes to and fro, and everything measured meanwhile: seconds by name, one for each move."""

    site: Site
    guest: Guest
    found: Figures = field(default_factory=dict)

    def took(self, name: str, seconds: float) -> None:
        """Keep a figure."""
        self.found.setdefault(name, []).append(seconds)

    @property
    def journal(self) -> list[dict[str, Any]]:
        """What the controller has noted so far."""
        path = self.site.folder / "state" / "journal.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines]

    # ------------------------------------------------------------------------------------------------------- the moves

    def bare(self, source: str, target: str) -> None:
        """By libvirt's own client, on the source."""
        command = ("sh", "-c", TIMED, "timed", *BARE, self.guest.uuid, f"qemu+ssh://root@{target}/system")
        self.took("virsh migrate", int(self.site.lab[source].run(command).stdout) * NANO)

    def apply(self, target: str) -> None:
        """By one pass in a process of its own; and where its time went, by the journal."""
        self.site.commit(**{self.guest.name: target})
        before, began = len(self.journal), time.time()
        self._reconciler("apply", "--yes")
        ended = time.time()
        notes = self.journal[before:]
        [step] = [note for note in notes if note["what"] == "step"]
        [finished] = [note for note in notes if note["what"] == "finished"]
        ready, done = step["at_s"], finished["at_s"]
        self.took("apply", ended - began)
        self.took("  before the step is ready", ready - began)
        self.took("  step, ready to done", done - ready)
        self._commands(notes[notes.index(step) : notes.index(finished)], step["source"], done)
        self.took("  after the step", ended - done)

    def _commands(self, notes: list[dict[str, Any]], source: str, done: float) -> None:
        """Each command of the step, and the look at both ends that follows it."""
        name, since, at = "look", notes[0]["at_s"], ""
        for note in notes:
            if note["what"] == "sending":
                self.took(f"    {name}", note["at_s"] - since)
                since, at = note["at_s"], "source" if note["host"] == source else "target"
            elif note["what"] == "answered":
                self.took(f"    {note['verb']}, {at}", note["at_s"] - since)
                name, since = f"look after {note['verb']}, {at}", note["at_s"]
        self.took(f"    {name}", done - since)

    def nothing(self) -> None:
        """A pass that finds everything in order: what a process, a look, a plan and a report cost anyhow."""
        began = time.time()
        self._reconciler("apply", "--yes")
        self.took("apply, nothing to do", time.time() - began)

    def pushed(self, target: str) -> None:
        """From a commit, once it is there, to the first thing that the daemon does on a host, and to the migration."""
        source = next(host for host in HOMES if host != target)
        began = time.time()
        self.site.commit(**{self.guest.name: target})
        committed = time.time()
        self.took("git commit", committed - began)
        for name, pattern in (
            ("commit to first command", f"records/{self.guest.uuid}"),
            ("commit to migration", "jobs/*.migrate/pid"),
        ):
            self.took(name, _made_s(self.site.lab[source].path(RECORDS), pattern) - committed)

    def _reconciler(self, *words: str) -> None:
        done = subprocess.run(
            [str(EXECUTABLE), *words],
            env={**os.environ, "RECONCILER_SETTINGS": str(self.site.settings)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, f"{done.stdout}\n{done.stderr}"


def _made_s(folder: Path, pattern: str) -> float:
    """When such a file was made there; waits until it is."""
    made: list[float] = []

    def look() -> bool:
        with contextlib.suppress(FileNotFoundError):  # it may go again at once
            made.extend(file.stat().st_mtime_ns * NANO for file in folder.glob(pattern))
        return bool(made)

    until(f"there is {folder}/{pattern}", look, pause_s=PAUSE_S)
    return made[0]


# ------------------------------------------------------------------------------------------------------------ the looks


def looks(site: Site, rounds: int) -> Figures:
    """All hosts at once: our look, and `ssh HOST true`, both over connections that are open already."""
    found: Figures = {"look": [], "ssh true": []}
    documents = [site.lab.document(host) for host in site.lab.machines]
    config = _ssh_config(site)
    driver = site.driver()

    def ours(document: Host) -> None:
        assert isinstance(driver.look(document), HostFacts)

    def theirs(document: Host) -> None:
        subprocess.run(["ssh", "-F", str(config), document.name, "true"], check=True, stdin=subprocess.DEVNULL)

    try:
        with ThreadPoolExecutor(len(documents)) as pool:
            for number in range(rounds + 1):
                for name, look in (("look", ours), ("ssh true", theirs)):
                    began = time.monotonic()
                    list(pool.map(look, documents))
                    if number:  # the first opens connections
                        found[name].append(time.monotonic() - began)
    finally:
        driver.close()
        for document in documents:
            end = ["ssh", "-F", str(config), "-O", "exit", document.name]
            subprocess.run(end, check=False, capture_output=True)
    return found


def _ssh_config(site: Site) -> Path:
    lines = [
        f"Host {host}\n  HostName {site.lab.addresses[host]}\n  Port {site.lab.ports[host]}\n  HostKeyAlias {host}\n"
        for host in site.lab.machines
    ]
    lines += [
        f"Host *\n  User root\n  IdentityFile {site.lab.key_file}\n  UserKnownHostsFile {site.lab.known_hosts_file}\n"
        "  BatchMode yes\n  StrictHostKeyChecking yes\n  LogLevel ERROR\n"
        f"  ControlMaster auto\n  ControlPersist 60\n  ControlPath {site.folder}/%C\n"
    ]
    config = site.folder / "ssh_config"
    config.write_text("".join(lines), encoding="utf-8")
    return config


# ------------------------------------------------------------------------------------------------------------ the table


def measured(folder: Path, rounds: int) -> Figures:
    """Everything, in one run."""
    (folder / "lab").mkdir()
    (folder / "site").mkdir()
    with Lab.start(folder / "lab") as lab:
        site = Site.on(folder / "site", lab)
        lane = Lane(site, lab.guest("web", HOMES[-1]))
        lane.guest.await_ticks(3)
        site.commit(web=HOMES[-1])
        lane.nothing()
        lane.found.clear()
        for _ in range(rounds):
            for source, target in ((HOMES[-1], HOMES[0]), HOMES):
                lane.bare(source, target)
            for target in HOMES:
                lane.apply(target)
            lane.nothing()
        with daemon(site.settings) as running:
            for _ in range(rounds):
                for target in HOMES:
                    lane.pushed(target)
                    running.hears("pass-ended", result="converged")
        assert [] == lab.leftovers()
        return {**lane.found, **looks(site, 2 * rounds)}


BESIDE = {"apply": "virsh migrate", "  step, ready to done": "virsh migrate", "look": "ssh true"}
"""What a figure is compared with."""


def table(found: Figures, loads: tuple[float, float]) -> str:
    """Each figure, and those that have a bare one beside it."""
    lines = [
        f"Medians of {len(found['virsh migrate'])} moves, in seconds. Load average {loads[0]:.1f} to {loads[1]:.1f}.",
        "",
        "| | median | worst | bare | median more | times |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, each in found.items():
        row = f"| {name.replace(' ', NO_BREAK) if name.startswith(' ') else name} "
        row += f"| {statistics.median(each):.2f} | {max(each):.2f} |"
        bare = found.get(BESIDE.get(name, ""), [])
        if bare:
            more = statistics.median(mine - other for mine, other in zip(each, bare, strict=True))
            base = statistics.median(bare)
            row += f" {base:.2f} | {more:.2f} | {statistics.median(each) / base:.1f} |"
        else:
            row += " | | |"
        lines.append(row)
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    try:
        with tempfile.TemporaryDirectory(prefix="online-") as folder:
            found = measured(Path(folder), options.rounds)
    except (pytest.skip.Exception, pytest.fail.Exception) as refused:
        sys.exit(f"error: {refused}\nhint: INSTALL=1 python -m tests.benchmarks.online, as root")
    loads = (before, os.getloadavg()[0])
    print(table(found, loads))
    if options.json is not None:
        figures = {name.strip(): [round(each, 4) for each in values] for name, values in found.items()}
        options.json.write_text(json.dumps({"load": loads, "seconds": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
