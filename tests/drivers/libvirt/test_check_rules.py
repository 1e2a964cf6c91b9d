"""What hosts say and lack as findings: told so that people can read it, and only where it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.model import Processor, RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, Registration
from reconciler.drivers.libvirt.checking.findings import Examined, of_host, of_identities
from reconciler.drivers.libvirt.checking.images import of_images, samples
from reconciler.drivers.libvirt.checking.needs import of_guests
from reconciler.drivers.libvirt.checking.ways import Way, of_way
from reconciler.drivers.libvirt.looking.reading import Reading, Stated
from reconciler.ssh.looks.reading import Note
from reconciler.ssh.looks.sections import NOTHING, Section, Unreadable

UUID = "5e0e1f61-2f4a-4a55-8b1c-0d7e0d4f1a2b"
OTHER = "00000000-2f4a-4a55-8b1c-0d7e0d4f1a2b"
NFS = "nfs4 nas:/vm at /srv/vm"
WELL = Section(f"{UUID}\n", 0)
DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 100 1 %d 50%% /\n"


def host(name: str, *registrations: Registration, presented: tuple[str, ...] = (NFS,), **more: Any) -> Examined:
    facts = HostFacts(
        name,
        f"machine-{name}",
        "libvirt",
        "7.2.22",
        Processor(25, 17),
        cpus=2,
        memory_mib=8192,
        presented=presented,
        networks=("bridge:br0",),
        disk_free_mib=1000,
        registrations=registrations,
    )
    sections = {"user": Section("0", 0), "book": Section("open /var/lib", 0), "host begun": Section("", 0)}
    return Examined(Reading(name, sections, Stated()), replace(facts, **more), None, 0.0)


def guest(name: str, *disks: Disk, networks: tuple[str, ...] = ("bridge:br0",), **attributes: str) -> Registration:
    return Registration(
        f"uuid-{name}",
        name,
        RunState.RUNNING,
        memory_mib=2048,
        vcpus=1,
        disks=disks,
        networks=networks,
        attributes=attributes,
    )


def shared(path: str, store: str = NFS) -> Disk:
    return Disk(path, StorageKind.SHARED_FILE, 100, store=store)


def needed(*hosts: Examined) -> list[tuple[str, str]]:
    read = {examined.reading.host: examined for examined in hosts}
    return [(entry.code, entry.text) for entry in of_guests(read, set(read))]


def test_storage_and_networks_that_hosts_lack_are_told() -> None:
    web = guest("web", shared("/srv/vm/web"), networks=("bridge:br7", "network:lab", "ovs:ov0"))
    assert [
        ("storage-missing", f"{NFS} is not there on b"),
        ("network-missing", "bridge br7 is not there on b"),
        ("network-missing", "libvirt network lab is not active on b"),
        ("network-missing", "Open vSwitch bridge ov0 is not there on b"),
    ] == needed(host("a", web, networks=web.networks), host("b", presented=()))


def test_what_could_not_be_read_is_not_called_missing() -> None:
    blind = host("b", presented=(), disk_free_mib=0)
    blind.reading.notes += [Note("mounts", "mountinfo: not a mount"), Note("room", "df: not one file system")]
    local = Disk("/srv/local/web", StorageKind.FILE, 5000)
    a = host("a", guest("web", shared("/srv/vm/web"), local, machine="pc-q35-9.0"))
    assert [] == needed(a, blind)


def test_machine_types_and_features_that_a_host_does_not_offer_are_warnings() -> None:
    cpu = {"virt_type": "kvm", "cpu_mode": "custom", "cpu_model": "EPYC", "cpu_features": "+aes,-svm"}
    web = replace(guest("web"), attributes={"machine": "pc-q35-9.0", **cpu})
    a = host("a", web, attributes={"machines": "pc-q35-9.0", "model:EPYC": "svm,avx2,sse"})
    b = host("b", attributes={"machines": "pc-q35-7.2", "cpu:kvm": "sse,aes"})
    assert [
        ("machine-missing", "b does not offer their machine type, pc-q35-9.0"),
        ("cpu-missing", "b lacks features that their CPUs have now: avx2"),
    ] == needed(a, b)


def test_local_disks_that_fit_nowhere_are_told_with_what_is_free() -> None:
    big = guest("big", Disk("/srv/local/big", StorageKind.FILE, 1001))
    text = "their local disks do not fit into what is free for copies (b: 1000 MiB)"
    assert [("copy-room-short", text)] == needed(host("a", big), host("b"), host("c", disk_free_mib=2000))


IMAGE = "/srv/vm/web"


def compared(of_a: str, of_b: str, store: str = NFS) -> list[str]:
    hosts = {name: host(name, presented=(store,)).facts for name in "ab"}
    known = {name: facts for name, facts in hosts.items() if facts is not None}
    known["a"] = replace(known["a"], registrations=(guest("web", shared(IMAGE, store)),))
    tried: Mapping[str, Mapping[str, Section]] = {
        name: {"images": Section(f"{line} {IMAGE}\n", 0)} for name, line in (("a", of_a), ("b", of_b))
    }
    return [found.code for found in of_images(known, tried, {"a", "b"})]


@pytest.mark.parametrize(
    ("of_a", "of_b", "codes"),
    [
        ("file 7 1700000000", "file 7 1700000000", []),
        ("file 7 1700000000", "file 7 0", []),
        ("file 7 0", "file 8 0", ["image-differs"]),
        ("file 7 1700000000", "file 7 1700000001", ["image-differs"]),
        ("file 7 0", "none - -", ["image-missing"]),
        ("file 7 0", "device 100 mpath-1", ["image-differs"]),
        ("device 100 mpath-1", "device 100 mpath-1", []),
        ("device 100 mpath-1", "device 100 -", []),
        ("device 100 mpath-1", "device 100 mpath-2", ["image-differs"]),
        ("none - -", "file 7 0", []),
    ],
)
def test_an_image_is_another_one_only_where_both_hosts_say_what_it_is(of_a: str, of_b: str, codes: list[str]) -> None:
    assert codes == compared(of_a, of_b)


def test_numbers_that_are_each_clients_own_prove_nothing() -> None:
    assert [] == compared("file 7 0", "file 8 0", "cifs //nas/vm at /srv/vm")


def test_one_image_of_each_store_is_enough() -> None:
    facts = host("a", guest("web", shared("/srv/vm/1"), shared("/srv/vm/2")), guest("db", shared("/srv/vm/0"))).facts
    assert facts is not None
    assert ["/srv/vm/0"] == [sample.path for sample in samples({"a": facts})]


def of_one(examined: Examined, **tried: Section) -> list[str]:
    return [found.code for found in of_host(examined, {name.replace("_", " "): said for name, said in tried.items()})]


def test_what_a_host_lacks_for_moves_is_told() -> None:
    assert [] == of_one(
        host("a"), tools=Section("", 0), record_room=Section(DF % 99999, 0), copies=Section("open\n", 0)
    )
    assert ["tool-missing", "virsh-too-old", "records-full", "copy-folder-unusable"] == of_one(
        host("a"),
        tools=Section("qemu-img\nvirsh dumpxml --xpath\n", 0),
        record_room=Section(DF % 100, 0),
        copies=Section("missing\n", 0),
    )
    assert ["copy-folder-unusable"] == of_one(host("a"), copies=Section("closed\n", 0))
    assert [] == of_one(host("a"))


def test_a_libvirtd_that_does_not_answer_is_told_in_place_of_what_follows_from_it() -> None:
    examined = host("a")
    sections = {**examined.reading.sections, "host begun": Section("", 124)}
    silent = Examined(Reading("a", sections, Stated()), None, Unreadable("it did not answer in time"), 0.0)
    [found] = of_host(silent, {})
    assert ("libvirt-silent", "libvirtd takes the connection and does not answer") == (found.code, found.text)
    sections["host begun"] = Section("error: failed to connect", 1)
    [found] = of_host(Examined(Reading("a", sections, Stated()), None, Unreadable("no"), 0.0), {})
    assert ("virsh cannot ask libvirt", "error: failed to connect") == (found.text, found.excerpt)


def test_more_memory_in_use_than_there_is_and_disks_that_were_kept_are_told() -> None:
    assert ["memory-overrun"] == of_one(host("a", guest("web"), memory_mib=1024))
    kept = {"occupied": "/srv/local/db,/srv/local/web.moved-20261128T001356-e35e.01.1"}
    assert ["disks-kept"] == of_one(host("a", attributes=kept))
    assert [] == of_one(host("a", attributes={"occupied": "/srv/local/db"}))


def test_two_machines_of_one_uuid_are_told_from_one_machine_with_two_names() -> None:
    read = {name: host(name, machine_id=UUID) for name in "ab"}
    boots = {"a": {"boot": Section("1\n", 0)}, "b": {"boot": Section("2\n", 0)}}
    assert [("a", "host-uuid-twice"), ("b", "host-uuid-twice")] == [
        (found.subject, found.code) for found in of_identities(read, boots)
    ]
    assert [] == list(of_identities(read, {**boots, "b": boots["a"]}))
    assert [] == list(of_identities(read, {}))


@pytest.mark.parametrize(
    ("way", "codes"),
    [
        (Way("a", "b", "m", UUID, Section("", 0), libvirt=WELL), []),
        (Way("a", "b", "m", UUID, Section("motd\n", 0), libvirt=WELL, ports={"49152": "refused"}), []),
        (Way("a", "b", "m", UUID, Section("", 255), named=Section("", 2)), ["way-name-unknown"]),
        (Way("a", "b", "10.1.1.1", UUID, Section("", 255), Section("", 2), Section("", 1)), ["way-key-unknown"]),
        (Way("a", "b", "m", UUID, Section("", 255), Section("", 0), Section("", 2)), ["way-blocked"]),
        (Way("a", "b", "m", UUID, Section("Permission denied", 255)), ["way-blocked"]),
        (Way("a", "b", "m", UUID, Section("", 127)), ["way-without-ssh"]),
        (Way("a", "b", "m", UUID, Section("", 124)), ["way-silent"]),
        (Way("a", "b", "m", UUID, NOTHING), ["way-silent"]),
        (Way("a", "b", "m", UUID, Section("@lacks qemu-img", 0), libvirt=WELL), ["way-without-tools"]),
        (Way("a", "b", "m", UUID, Section("@lacks virsh", 0), libvirt=Section("", 1)), ["way-without-tools"]),
        (Way("a", "b", "m", UUID, Section("", 0), libvirt=Section("error: no", 1)), ["way-without-libvirt"]),
        (Way("a", "b", "m", UUID, Section("@helperless", 0), libvirt=Section("", 1)), ["way-without-libvirt"]),
        (Way("a", "b", "m", UUID, Section("", 0), libvirt=NOTHING), ["way-without-libvirt"]),
        (Way("a", "b", "m", UUID, Section("", 0), libvirt=Section(OTHER, 0)), ["way-elsewhere"]),
        (Way("a", "b", "m", UUID, Section("", 0), libvirt=WELL, ports={"49152": "silent"}), ["way-ports-shut"]),
        (Way("a", "b", "m", UUID, Section("", 0), libvirt=WELL, ports={"1": "blocked no way"}), ["way-ports-shut"]),
    ],
)
def test_what_came_of_a_way_is_told_by_exit_statuses(way: Way, codes: list[str]) -> None:
    assert codes == [found.code for found in of_way(way)]


def test_a_target_without_a_helper_is_told_what_to_install() -> None:
    [found] = of_way(Way("a", "b", "m", UUID, Section("@helperless", 0), libvirt=Section("no helper", 1)))
    assert "b has neither virt-ssh-helper nor nc" in found.text
    assert found.fix.startswith("on b: install")
