"""What guests need that hosts lack: told so that people can read it, and only where it is known."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.model import Processor, RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, Registration
from reconciler.drivers.hpvm.checking.findings import Examined
from reconciler.drivers.hpvm.checking.needs import of_guests
from reconciler.drivers.hpvm.reading import Reading, Stated
from reconciler.ssh.looks.reading import Note
from reconciler.ssh.looks.sections import Section

HPVMNET = """\
Name     Number State   Mode      NamePPA  MAC Address    IP Address
======== ====== ======= ========= ======== ============== ===============
prod          1 Down    Shared    lan0     0x001A4B07F002
"""


def host(
    name: str, *registrations: Registration, presented: tuple[str, ...] = (), networks: tuple[str, ...] = ()
) -> Examined:
    facts = HostFacts(
        name,
        f"machine-{name}",
        "integrity-vm",
        "4.2",
        Processor(32, 1),
        cpus=2,
        memory_mib=8192,
        presented=presented,
        networks=networks,
        registrations=registrations,
    )
    return Examined(Reading(name, {}, Stated()), facts, None, 0.0)


def guest(
    name: str, *luns: str, networks: tuple[str, ...] = (), memory_mib: int = 2048, vcpus: int = 1
) -> Registration:
    disks = tuple(Disk(lun, StorageKind.SAN) for lun in luns)
    return Registration(
        f"uuid-{name}", name, RunState.RUNNING, memory_mib=memory_mib, vcpus=vcpus, disks=disks, networks=networks
    )


def found(*hosts: Examined) -> list[tuple[str, str, str]]:
    names = {examined.reading.host for examined in hosts}
    return [(entry.subject, entry.code, entry.text) for entry in of_guests(hosts, names)]


def test_luns_of_the_same_guests_that_the_same_hosts_lack_are_one_finding() -> None:
    a = host("a", guest("db", "0x1", "0x2"), guest("web", "0x3"), presented=("0x1", "0x2", "0x3"))
    assert [
        ("db", "lun-missing", "LUNs 0x1, 0x2 are not presented to b, c"),
        ("web", "lun-missing", "LUN 0x3 is not presented to c"),
    ] == found(a, host("b", presented=("0x3",)), host("c"))


def test_what_could_not_be_read_is_not_called_missing() -> None:
    blind = host("b")
    blind.reading.notes += [Note("storage", "scsimgr lists no LUN"), Note("switches", "no table")]
    assert [] == found(host("a", guest("db", "0x1", networks=("prod",)), presented=("0x1",), networks=("prod",)), blind)


def test_a_switch_that_is_down_is_told_from_one_that_is_not_there() -> None:
    a = host("a", guest("db", networks=("prod",)), networks=("prod",))
    b = host("b")
    b = replace(b, reading=Reading("b", {"switches": Section(HPVMNET, 0)}, Stated()))
    assert [
        ("db", "switch-down", "virtual switch prod is not up on b"),
        ("db", "switch-missing", "virtual switch prod is not there on c"),
    ] == found(a, b, host("c"))


def test_a_guest_larger_than_a_host_is_told_by_memory_or_cpu() -> None:
    wide = replace(guest("wide", vcpus=4), cpu_entitlement_percent=100)
    text = "larger than all the memory for guests, or all the CPU, of a"
    assert [("large, wide", "host-too-small", text)] == found(host("a", guest("large", memory_mib=9000), wide))


def test_a_copy_that_can_no_longer_run_needs_nothing() -> None:
    left_behind = replace(guest("db", "0x1"), state=RunState.STOPPED, runnable=False)
    assert [] == found(host("a", left_behind), host("b"))
