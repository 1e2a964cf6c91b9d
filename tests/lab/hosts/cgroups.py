"""A control group for each host, so that two of them never share one and the memory of one can be limited.

Called by the machine. Speaks both versions, as the machine that runs the tests has them mounted: one hierarchy a
controller (1), or one for all (2). Removes only groups that it made.
"""

from __future__ import annotations

import contextlib
import functools
import os
from dataclasses import dataclass
from pathlib import Path

from tests.lab.waiting import until

CONTROLLERS = frozenset({"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"})
UNIFIED = "+cpu +cpuset +io +memory +pids"
"""What libvirt uses of version 2."""
PREFIX = "reconciler-lab-"
LEAF = "processes"
"""In version 2 a group that hands out controllers holds no processes itself."""


@dataclass(frozen=True)
class Hierarchy:
    """A tree of groups, where it is mounted."""

    mount: Path
    controllers: frozenset[str]
    unified: bool = False

    @property
    def line(self) -> str:
        """How a host mounts it, for host.sh."""
        kind = "cgroup2 rw" if self.unified else f"cgroup {','.join(sorted(self.controllers))}"
        return f"{kind} {self.mount}"


@functools.cache
def hierarchies() -> tuple[Hierarchy, ...]:
    """Those that this machine has controllers in."""
    found = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, kind, options, *_ = line.split()
        controllers = CONTROLLERS & set(options.split(","))
        if kind == "cgroup" and controllers:
            found.append(Hierarchy(Path(mount), controllers))
        elif kind == "cgroup2" and "memory" in (Path(mount) / "cgroup.controllers").read_text(encoding="ascii").split():
            found.append(Hierarchy(Path(mount), frozenset(), unified=True))
    return tuple(dict.fromkeys(found))


def lab_name(number: int) -> str:
    """What the groups of this process's labs are called."""
    return f"{PREFIX}{os.getpid()}-{number}"


def sweep() -> None:
    """Remove the groups of labs whose process was killed. All that ran in them has ended with it."""
    for hierarchy in hierarchies():
        for folder in hierarchy.mount.glob(f"{PREFIX}*"):
            pid = folder.name.removeprefix(PREFIX).partition("-")[0]
            if not Path("/proc", pid).exists():
                for below, _, _ in os.walk(folder, topdown=False):
                    with contextlib.suppress(OSError):
                        Path(below).rmdir()


@dataclass(frozen=True)
class Cgroup:
    """The groups of one name, one in each hierarchy. `name` may have a parent: `lab/host`."""

    name: str

    @property
    def folders(self) -> list[Path]:
        """One a hierarchy."""
        return [hierarchy.mount / self.name for hierarchy in hierarchies()]

    @property
    def joined(self) -> list[str]:
        """The files a process writes its id to when it joins."""
        return [
            str(hierarchy.mount / self.name / (LEAF if hierarchy.unified else "") / "cgroup.procs")
            for hierarchy in hierarchies()
        ]

    def make(self) -> None:
        """Make it, and its parent."""
        for hierarchy in hierarchies():
            folder = hierarchy.mount
            for part in self.name.split("/"):
                if hierarchy.unified:
                    (folder / "cgroup.subtree_control").write_text(UNIFIED, encoding="ascii")
                parent, folder = folder, folder / part
                folder.mkdir(exist_ok=True)
                if "cpuset" in hierarchy.controllers:  # one begins empty, and takes no process then
                    for file in ("cpuset.cpus", "cpuset.mems"):
                        (folder / file).write_text((parent / file).read_text(encoding="ascii"), encoding="ascii")
            if hierarchy.unified:
                (folder / LEAF).mkdir(exist_ok=True)

    def limit_memory(self, mib: int | None) -> None:
        """All processes in it together get no more than that; None: no limit."""
        for hierarchy, folder in zip(hierarchies(), self.folders, strict=True):
            if hierarchy.unified:
                (folder / "memory.max").write_text("max" if mib is None else str(mib << 20), encoding="ascii")
            elif "memory" in hierarchy.controllers:
                limit = "-1" if mib is None else str(mib << 20)
                (folder / "memory.limit_in_bytes").write_text(limit, encoding="ascii")

    def processes(self) -> list[int]:
        """Ids of all that run in it and below."""
        pids: set[int] = set()
        for folder in self.folders[:1]:
            for file in folder.rglob("cgroup.procs"):
                with contextlib.suppress(OSError):
                    pids |= {int(pid) for pid in file.read_text(encoding="ascii").split()}
        return sorted(pids)

    def clear(self) -> None:
        """Remove what libvirt made in it; nothing runs there any more."""
        for folder in self.folders:
            for below, _, _ in os.walk(folder, topdown=False):
                if below not in (str(folder), str(folder / LEAF)):
                    _remove(Path(below))

    def remove(self) -> None:
        """Remove it, and its parent with the last of its kind."""
        self.clear()
        for folder in self.folders:
            for each in (folder / LEAF, folder):
                if each.exists():
                    _remove(each)
            with contextlib.suppress(OSError):
                folder.parent.rmdir()


def _remove(folder: Path) -> None:
    """The kernel takes a moment to see that the last process has gone."""

    def gone() -> bool:
        with contextlib.suppress(OSError):
            folder.rmdir()
        return not folder.exists()

    until(f"{folder} is in use", gone, limit_s=30)
