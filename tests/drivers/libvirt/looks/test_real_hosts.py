"""What observe.sh and expand.sh say of real libvirt hosts, at moments that no recording holds still."""

from __future__ import annotations

import pytest

from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import HostFacts, Registration
from reconciler.drivers.libvirt.driver import observer
from reconciler.drivers.libvirt.looking.facts import expanded, facts, wanted
from reconciler.drivers.libvirt.looking.reading import Reading, Stated
from reconciler.drivers.over_ssh import looking
from reconciler.ssh.looks.sections import Unreadable, split
from tests.lab.hosts.machine import Machine
from tests.lab.lab import Lab
from tests.lab.waiting import until

pytestmark = pytest.mark.slow

TOKEN = "@0123456789abcdef"
STATED = Stated(copy_folder="/srv/local")
LIVE = "virsh migrate --live --persistent --undefinesource --p2p"


def read(machine: Machine) -> Reading:
    words = (TOKEN, "/var/lib/reconciler", STATED.copy_folder)
    said = machine.run(("sh", "-c", observer(), "reconciler", *words)).stdout
    return Reading(machine.name, split(said, TOKEN), STATED)


def look(machine: Machine) -> HostFacts:
    return facts(read(machine), {})


def guest(host: HostFacts, name: str) -> Registration | None:
    return next((entry for entry in host.registrations if entry.name == name), None)


def features(machine: Machine) -> HostFacts:
    """A look, and what it takes besides to know CPUs."""
    first = read(machine)
    asks = looking("reconciler.drivers.libvirt.looking", "expand.sh")
    said = machine.run(("sh", "-c", asks, "reconciler", TOKEN, *wanted(first, {}))).stdout
    expansions = expanded(split(said, TOKEN))
    assert () == wanted(first, expansions)
    return facts(first, expansions)


def test_shared_and_local_disks_are_told_apart(lab: Lab) -> None:
    lab.guest("shared", "h1", running=False)
    lab.guest("local", "h1", disk="local", running=False)
    here, there = look(lab["h1"]), look(lab["h2"])
    shared, local = guest(here, "shared"), guest(here, "local")
    assert shared is not None
    assert local is not None
    assert [StorageKind.SHARED_FILE] == [disk.kind for disk in shared.disks]
    assert [StorageKind.FILE] == [disk.kind for disk in local.disks]
    assert shared.disks[0].store in set(here.presented) & set(there.presented)
    assert here.machine_id != there.machine_id
    assert ("/srv/local/local.qcow2", "") == (here.attributes["occupied"], there.attributes["occupied"])


def test_a_migration_is_seen_at_both_ends(lab: Lab) -> None:
    """Nobody of ours began it: so both ends hold the guest by a record of somebody's."""
    made = lab.guest("g1", "h1", dirty_mib=32)
    made.await_ticks(2)
    lab["h1"].virsh("migrate-setspeed", "g1", "4")
    lab["h1"].run(["sh", "-c", f"setsid {LIVE} g1 qemu+ssh://root@h2/system >/dev/null 2>&1 </dev/null &"])
    until("it arrives", lambda: "paused (migrating)" in lab["h2"].virsh("domstate", "g1", "--reason", check=False))
    leaves, arrives = look(lab["h1"]), look(lab["h2"])
    leaving, arriving = guest(leaves, "g1"), guest(arrives, "g1")
    assert leaving is not None
    assert arriving is not None
    assert (RunState.RUNNING, True) == (leaving.state, leaving.runnable)
    assert (RunState.TRANSITION, False) == (arriving.state, arriving.runnable)
    assert [("h1", "elsewhere")] == [(record.source, record.target) for record in leaves.records]
    assert [("elsewhere", "h2")] == [(record.source, record.target) for record in arrives.records]
    lab["h1"].virsh("domjobabort", "g1")
    until("it is over", lambda: "g1" not in lab["h2"].virsh("list", "--all", "--name"))
    assert () == look(lab["h1"]).records
    assert guest(look(lab["h2"]), "g1") is None


def test_what_a_running_guest_sees_is_among_what_its_host_can_give(lab: Lab) -> None:
    lab.guest("plain", "h1").await_ticks(1)
    cpu = "<cpu mode='custom' match='exact' check='none'><model fallback='allow'>EPYC</model></cpu>"
    lab.guest("epyc", "h1", cpu=cpu).await_ticks(1)
    host = features(lab["h1"])
    offered = set(host.attributes["cpu:qemu"].split(","))
    for name in ("plain", "epyc"):
        found = guest(host, name)
        assert found is not None
        spelt = found.attributes["cpu_features"].split(",")
        sees = set(host.attributes[f"model:{found.attributes['cpu_model']}"].split(","))
        sees |= {word[1:] for word in spelt if word.startswith("+")}
        sees -= {word[1:] for word in spelt if word.startswith("-")}
        assert set() == sees - offered
    assert "EPYC" not in host.attributes["models:qemu"].split(",")


def test_an_older_host_says_what_it_lacks(lab: Lab) -> None:
    lab["h2"].make_older(machines=["pc-i440fx-7.2"], cpu_models=["Nehalem"])
    older, newer = look(lab["h2"]), look(lab["h1"])
    machines = [set(host.attributes["machines"].split(",")) for host in (newer, older)]
    assert {"pc-i440fx-7.2"} == machines[0] - machines[1]
    assert "Nehalem" in newer.attributes["models:qemu"].split(",")
    assert "Nehalem" not in older.attributes["models:qemu"].split(",")


def test_a_libvirt_that_does_not_run_is_no_empty_host(lab: Lab) -> None:
    lab["h1"].kill_libvirtd()
    with pytest.raises(Unreadable, match="virsh cannot ask libvirt"):
        look(lab["h1"])


@pytest.mark.long
def test_a_libvirt_that_never_answers_is_no_empty_host(lab: Lab) -> None:
    lab["h1"].stall_libvirtd()
    try:
        with pytest.raises(Unreadable, match="did not answer in time"):
            look(lab["h1"])
    finally:
        lab["h1"].unstall_libvirtd()


def test_a_look_changes_nothing(lab: Lab) -> None:
    lab.guest("g1", "h1", running=False)
    before = lab["h1"].run(["find", "/etc/libvirt", "/srv", "/var/lib/libvirt", "-newermt", "2000-01-01"]).stdout
    look(lab["h1"])
    features(lab["h1"])
    after = lab["h1"].run(["find", "/etc/libvirt", "/srv", "/var/lib/libvirt", "-newermt", "2000-01-01"]).stdout
    assert sorted(before.split("\n")) == sorted(after.split("\n"))
    assert [] == lab.leftovers()
