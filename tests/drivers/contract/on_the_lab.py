"""The bench of the driver `libvirt`: two hosts of the lab, real guests, and clocks that can be wound.

Used by conftest. Hosts and guests are made once for a whole session; between two tests only what the first one has
changed is made anew, which is little, since most tests leave both guests as they were.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reconciler.core.desired import Host
from reconciler.core.observed import HostFacts
from reconciler.drivers.libvirt.driver import LibvirtDriver
from reconciler.drivers.libvirt.looking.reading import Stated
from reconciler.drivers.libvirt.settings import LibvirtSettings
from reconciler.errors import Location
from reconciler.ssh.access import Access
from reconciler.ssh.connections import Connections
from tests.drivers.contract.bench import DB, WEB, Bench
from tests.lab.guests.guest import LOCAL, Guest
from tests.lab.hosts.machine import Machine
from tests.lab.lab import Lab
from tests.lab.waiting import until

RECORDS = "/var/lib/libvirt/reconciler"
"""Private to each host of the lab."""
LOCAL_MIB = 512
"""A file system of its own, so that its free room is only ours to change."""
WEB_MIB, SET_MIB, TOO_MUCH_MIB = 112, 100, 8192
PERIOD_S = 1_000_000
"""Of balloon statistics, once there are some: they stay fresh when a test winds the clock."""
SLOW_MBIT = 60
"""A migration of `WEB` takes several seconds then."""
DATE = """\
#!/bin/sh
exec /run/date -d "$(cat /run/wound) seconds" "$@"
"""
WIND = """\
[ -e /run/date ] || {
    cp /usr/bin/date /run/date && cat >/run/date.wound && chmod 755 /run/date.wound && echo 0 >/run/wound &&
        mount --bind /run/date.wound /usr/bin/date
}
echo $(($(cat /run/wound) * $1 + $2)) >/run/wound
"""
UNDER_WAY = f"""\
figure() {{ sed -n "s/$1/\\1/p"; }}
has=$(virsh -q domstats --raw --balloon {WEB} 2>/dev/null | figure '^ *balloon.current=\\([0-9]*\\)$')
shall=$(virsh -q dumpxml {WEB} --inactive 2>/dev/null | figure ".*<currentMemory unit='KiB'>\\([0-9]*\\)<.*")
[ -z "$has" ] || [ "$has" = "$shall" ] || echo "memory $has of $shall"
cd "$1/jobs" 2>/dev/null || exit 0
for job in *.*; do
    [ ! -d "$job" ] || [ -e "$job/status" ] || echo "$job"
done
for job in *.stop; do
    [ ! -d "$job" ] || [ -n "$(ls -d "${{job%.stop}}".start* 2>/dev/null)" ] || virsh -q list --name
done
"""
"""What has not come to its end: a balloon, jobs, and guests that were asked to shut down."""
HANG_UP = """\
for place in /proc/[0-9]*; do
    [ "$(cat "$place/comm" 2>/dev/null)" != sshd ] || [ "${place#/proc/}" = "$(cat /run/sshd.pid)" ] ||
        kill "${place#/proc/}"
done
"""
STATE = f"""\
virsh -q 'list --all --uuid --name; list --uuid; list --all --uuid --autostart'
for guest in {WEB} {DB}; do
    virsh -q "dumpxml $guest; dumpxml $guest --inactive; domstate $guest --reason" 2>&1
    virsh -q "dommemstat $guest" 2>/dev/null | grep '^actual'
done
find /srv/local
"""
"""All that the tests may change, but for what changes by itself."""


@dataclass(frozen=True)
class Named(Guest):
    """A guest with the identity that the contract gives it."""

    identity: str = ""

    @property
    def uuid(self) -> str:
        """Not made of its name."""
        return self.identity


class Hosts:
    """Hosts a and b, and a driver of them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        access = Access(lab.known_hosts_file, lab.key_file, connect_timeout_s=5.0, retry_after_s=0.0)
        usually = Stated(copy_folder="/srv/local", host_reserve_mib=64)
        self.driver = LibvirtDriver(
            Connections(access),
            LibvirtSettings(
                record_folder=RECORDS,
                migration_addresses=("a", "b"),
                slots=1,
                usually=usually,
            ),
        )
        self._made: list[str] | None = None
        self._troubled = False

    def bench(self) -> Bench:
        """Both guests as they are to be, no record, clocks as they are."""
        found = [self._as_found(machine) for machine in self.lab.machines.values()]
        if self._troubled or found != self._made:
            self._make()
        documents = {host: self.lab.document(host) for host in ("a", "b")}
        documents["nowhere"] = Host("nowhere", "libvirt", Location("hosts.yaml"), "127.77.255.254", 9)
        return Bench(
            self.driver,
            self.wait,
            self._cut_off,
            documents,
            boots=False,
            keeps_registration=False,
            bounds_memory=False,
            settable_mib=SET_MIB,
            too_much_mib=TOO_MUCH_MIB,
            own_boot=self._own_boot,
            slow_down=self._slow_down,
        )

    def wait(self, seconds: float) -> None:
        """Until all that is under way has come to its end; only then, all at once, the rest of these seconds."""
        began = time.monotonic()
        for machine in self.lab.machines.values():
            until(f"{machine.name} is done", partial(self._is_done, machine))
        for machine in self.lab.machines.values():
            self._wind(machine, 1, max(0, round(seconds - (time.monotonic() - began))))

    def _is_done(self, machine: Machine) -> bool:
        return not machine.run(["sh", "-c", UNDER_WAY, "under way", RECORDS]).stdout

    def _wind(self, machine: Machine, keep: int, more_s: int) -> None:
        machine.run(["sh", "-c", WIND, "wind", str(keep), str(more_s)], input=DATE)

    def _cut_off(self, host: str) -> None:
        self._troubled = True
        self.lab[host].run(["sh", "-c", HANG_UP])
        self.lab[host].cut()

    def _slow_down(self) -> None:
        self._troubled = True
        self.lab["a"].shape(SLOW_MBIT)

    def _own_boot(self) -> str:
        web = self.lab.guests["web"]
        web.await_ticks(1)
        return web.boot()

    def _as_found(self, machine: Machine) -> str:
        """What there is of guests, once clock and records are as on the first day."""
        said = machine.run(["sh", "-c", f"{WIND}rm -rf {RECORDS}\n{STATE}", "as found", "0", "0"], DATE, check=False)
        return said.stdout

    def _make(self) -> None:
        """Both guests anew."""
        self.lab.reset()
        self._troubled = False
        for guest, running in (
            (Named(self.lab.switch, "web", memory_mib=WEB_MIB, identity=WEB), True),
            (Named(self.lab.switch, "db", disk=LOCAL, identity=DB), False),
        ):
            self.lab.place(guest, "a", running=running)
        until("the balloon driver of web answers", self._balloon_answers, pause_s=0.5)
        self.lab["a"].virsh("dommemstat", "web", "--period", str(PERIOD_S), "--live")
        self._made = [self._as_found(machine) for machine in self.lab.machines.values()]

    def _balloon_answers(self) -> bool:
        seen = self.driver.look(self.lab.document("a"))
        assert isinstance(seen, HostFacts), seen
        web = seen.registration(WEB)
        return web is not None and web.memory_step_mib > 0


def started(folder: Path) -> Hosts:
    """In a lab of its own, which `lab` of what is returned must stop."""
    return Hosts(Lab.start(folder, ("a", "b"), local_mib=LOCAL_MIB))
