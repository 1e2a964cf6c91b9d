"""What real libvirt hosts said comes out as the values that the rest of the reconciler knows."""

from __future__ import annotations

import pytest

from reconciler.core.model import Processor, RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, LeftDisk, Registration
from reconciler.drivers.libvirt.looking.facts import expanded, facts, versions, wanted
from reconciler.drivers.libvirt.looking.parse import files
from reconciler.ssh.looks.sections import split
from tests.drivers.libvirt.looks.recorded import TOKEN, expansions, look, reading, recorded

SAN = "fuse.glusterfs /lab/san at /srv/san2"


def guest(host: HostFacts, name: str) -> Registration:
    return next(entry for entry in host.registrations if entry.name == name)


def test_a_host_is_read() -> None:
    host = look("look-many")
    assert ("libvirt", "7.2.22", "9.0.0") == (host.platform, host.version, host.attributes["libvirt"])
    assert Processor(25, 17, "kvm64") == host.processor
    assert (2, 24684096 // 1024 - 1024, False) == (host.cpus, host.memory_mib, host.keeps_copies)
    assert "-" in host.machine_id
    assert ("bridge:br7",) == host.networks
    assert (SAN, "settings: /srv/san") == host.presented
    assert "/srv/local" == host.attributes["copy_folders"]
    assert (
        "/srv/local/cd.iso,/srv/local/plain.img,/srv/local/s1.qcow2,/srv/local/t1.qcow2" == host.attributes["occupied"]
    )
    assert 70_000 < host.disk_free_mib < 80_000
    assert 1795822000 < host.clock_s < 1795830000


@pytest.mark.parametrize(
    ("name", "state", "left_over"),
    [
        ("d1", RunState.RUNNING, False),
        ("g1", RunState.STOPPED, False),
        ("g2", RunState.STOPPED, True),
    ],
)
def test_states(name: str, state: RunState, left_over: bool) -> None:
    found = guest(look("look-many"), name)
    assert (state, left_over, True) == (found.state, found.left_over, found.runnable)


def test_a_guest_that_arrives_is_not_runnable_and_has_a_record_of_somebody_s() -> None:
    host = look("look-arriving")
    found = guest(host, "s1")
    assert (RunState.TRANSITION, False) == (found.state, found.runnable)
    assert [("by-hand", "elsewhere", "h1", found.uuid)] == [
        (record.controller, record.source, record.target, record.guest_uuid) for record in host.records
    ]


def test_a_guest_that_leaves_by_somebody_s_command_has_a_record() -> None:
    host = look("look-many")
    found = guest(host, "s1")
    assert "outgoing migration" == found.attributes["job"]
    assert [("by-hand", "h1", "elsewhere", found.uuid)] == [
        (record.controller, record.source, record.target, record.guest_uuid) for record in host.records
    ]


def test_a_running_guest_with_a_balloon_driver_can_be_given_another_memory() -> None:
    host = look("look-many")
    running, stopped = guest(host, "d1"), guest(host, "g1")
    assert (160, 160, 1, 1) == (
        running.memory_mib,
        running.memory_current_mib,
        running.memory_min_mib,
        running.memory_step_mib,
    )
    assert (96, 0, 0, 0) == (
        stopped.memory_mib,
        stopped.memory_current_mib,
        stopped.memory_min_mib,
        stopped.memory_step_mib,
    )


def test_a_balloon_whose_statistics_are_old_has_no_driver_that_lives() -> None:
    text = reading("look-many").text("stats")
    stale = text.replace("balloon.last-update=17958", "balloon.last-update=17957")
    assert 0 == guest(look("look-many", {"stats": stale}), "d1").memory_step_mib


def test_shares_and_quota_of_a_guest() -> None:
    rich, plain = guest(look("look-many"), "rich"), guest(look("look-many"), "g1")
    assert (1, 50, 50, True) == (rich.vcpus, rich.cpu_entitlement_percent, rich.cpu_cap_percent, rich.autostart)
    assert (0, 100, False) == (plain.cpu_entitlement_percent, plain.cpu_cap_percent, plain.autostart)
    version_2 = guest(look("look-many", {"cgroups": "cgroup2fs\n"}), "rich")
    assert 512 == version_2.cpu_entitlement_percent, "the same weight stands for more there"


def test_disks_are_told_apart() -> None:
    host = look("look-many")
    assert (
        Disk("/srv/san2/img/layer.qcow2", StorageKind.SHARED_FILE, 1, (), "vda", SAN),
        Disk("/srv/san2/img/snap.qcow2", StorageKind.SHARED_FILE, 1, ("twin",), "vdb", SAN),
        Disk("/srv/local/plain.img", StorageKind.FILE, 3, (), "vdc"),
        Disk("/dev/vda", StorageKind.LOCAL_DISK, 262144, (), "vdd"),
    ) == guest(host, "rich").disks
    assert (Disk("/srv/san2/img/alias.qcow2", StorageKind.SHARED_FILE, 1, ("rich",), "vda", SAN),) == guest(
        host, "twin"
    ).disks


def test_what_the_settings_vouch_for_is_shared() -> None:
    host = look(
        "look-many", {"vouched": "/dev/vda\n/srv/local\n"}, shared_paths=("/dev/vda", "/srv/local", "/srv/none")
    )
    disks = {disk.id: disk for disk in guest(host, "rich").disks}
    assert (StorageKind.SAN, "settings: /dev/vda", True) == (
        disks["/dev/vda"].kind,
        disks["/dev/vda"].store,
        disks["/dev/vda"].vouched,
    )
    assert (StorageKind.SHARED_FILE, "settings: /srv/local") == (
        disks["/srv/local/plain.img"].kind,
        disks["/srv/local/plain.img"].store,
    )
    assert {"settings: /dev/vda", "settings: /srv/local"} == set(host.presented) - {SAN}
    assert "" == guest(host, "rich").attributes["local_media"]


def test_what_the_rules_need_of_a_guest_with_much() -> None:
    attributes = guest(look("look-many"), "rich").attributes
    assert {
        "arch": "x86_64",
        "backing": "vda",
        "cache": "vdb",
        "checkpoints": "0",
        "cpu_features": "",
        "cpu_mode": "custom",
        "cpu_model": "qemu64",
        "internal_snapshots": "vdb",
        "job": "none",
        "local_media": "hda",
        "machine": "pc-i440fx-7.2",
        "managed_save": "no",
        "nvram": "/var/lib/libvirt/qemu/nvram/rich_VARS.fd",
        "persistent": "yes",
        "read_only": "vdc",
        "refused_devices": "host device",
        "shareable": "vdc",
        "snapshots": "0",
        "tpm": "passthrough",
        "unclear_disks": "vde",
        "virt_type": "qemu",
    } == attributes
    assert ("bridge:br7", "network:default") == guest(look("look-many"), "rich").networks


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("g1", "managed_save", "yes"),
        ("t1", "persistent", "no"),
        ("g3", "snapshots", "1"),
        ("g3", "internal_snapshots", "vda"),
        ("c1", "cpu_features", "-svm"),
        ("c2", "stored_cpu_mode", "host-model"),
        ("d1", "stored_machine", "pc-i440fx-7.2"),
        ("d1", "cpu_features", "+hypervisor,+lahf_lm"),
    ],
)
def test_single_attributes(name: str, key: str, value: str) -> None:
    found = guest(look("look-many"), name).attributes[key]
    assert value in (found, *found.split(","))


def test_a_machine_type_that_an_older_host_lacks_is_not_among_its_own() -> None:
    older, newer = look("look-older"), look("look-many")
    assert "pc-i440fx-7.2" not in older.attributes["machines"].split(",")
    assert "pc-i440fx-7.2" in newer.attributes["machines"].split(",")
    assert "pc-i440fx-7.1" == guest(older, "g3").attributes["machine"]


def test_a_failed_guest_is_a_left_over_only_where_a_move_was_to_bring_it() -> None:
    assert not guest(look("look-older"), "g3").left_over


def test_an_image_that_is_not_there_leaves_unknown_what_it_would_say() -> None:
    found = guest(look("look-older"), "g3")
    assert {"backing", "internal_snapshots"}.isdisjoint(found.attributes)
    assert (Disk("/srv/san2/img/none.qcow2", StorageKind.SHARED_FILE, 0, (), "vda", SAN),) == found.disks


def test_left_disks_that_exist_are_told() -> None:
    assert (LeftDisk("m1", "/srv/local/plain.img"),) == look("look-many").left


def test_cpu_features_are_asked_for_once() -> None:
    read = reading("look-many")
    asked = wanted(read, {})
    assert {"kvm", "qemu"} == {question.partition(" ")[0] for question in asked}
    assert set(asked) == set(expansions())
    assert () == wanted(read, expansions())
    assert "Running hypervisor: QEMU 7.2.22" in versions(read)


def test_cpu_features_that_were_told_are_facts() -> None:
    attributes = look("look-many").attributes
    epyc, offered = set(attributes["model:EPYC"].split(",")), set(attributes["cpu:qemu"].split(","))
    assert {"vme", "sha-ni", "monitor"} <= epyc - offered | {"monitor"}
    assert {"avx2", "hypervisor", "lahf_lm"} <= offered
    assert "Nehalem" in attributes["models:qemu"].split(",")
    assert "EPYC" not in attributes["models:qemu"].split(",")


def test_a_guest_sees_what_its_host_offers() -> None:
    host = look("look-many")
    offered = set(host.attributes["cpu:qemu"].split(","))
    for name in ("d1", "c2", "t1"):
        attributes = guest(host, name).attributes
        features = attributes["cpu_features"].split(",")
        seen = set(host.attributes[f"model:{attributes['cpu_model']}"].split(","))
        seen |= {feature[1:] for feature in features if feature.startswith("+")}
        seen -= {feature[1:] for feature in features if feature.startswith("-")}
        assert set() == seen - offered, name


def test_cpu_features_that_no_host_could_tell_stay_unknown() -> None:
    read = reading("look-many")
    nothing = {question: frozenset[str]() for question in wanted(read, {})}
    assert () == wanted(read, nothing)
    assert set() == {key for key in facts(read, nothing).attributes if key.startswith(("cpu:", "model:"))}


def test_a_host_that_cannot_tell_says_so_once() -> None:
    said = f"\n{TOKEN} cpu kvm <cpu><model>x</model></cpu>\nerror: no such thing\n\n{TOKEN} = 1\n"
    assert {"kvm <cpu><model>x</model></cpu>": frozenset()} == expanded(split(said, TOKEN))
    assert "domjobinfo" not in recorded("expand")


def test_a_host_that_did_not_come_to_an_answer_is_asked_again() -> None:
    began = f"\n{TOKEN} cpu kvm <cpu><model>x</model></cpu>\nerror: no such thing\n"
    for said in (began, f"{began}\n{TOKEN} = 124\n"):
        assert {} == expanded(split(said, TOKEN))


def test_a_host_without_disks_has_nothing_unread() -> None:
    assert {} == files.resolved("\n", "readlink: missing operand\nTry 'readlink --help' for more information.\n")
