"""What is sent to libvirt hosts, word for word; and what never is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.commands import Verb
from reconciler.core.model import Method, RunState, StepKind
from reconciler.core.records import MoveRecord
from reconciler.drivers.libvirt.commands import command, deed
from reconciler.drivers.libvirt.settings import LibvirtSettings
from reconciler.drivers.words import UnsafeWord
from reconciler.ssh.hostbook import How

DRIVER = Path(__file__).parents[3] / "reconciler" / "drivers" / "libvirt"
UUID = "11111111-aaaa-4aaa-8aaa-111111111111"
RECORD = MoveRecord(
    id="m1",
    guest_uuid=UUID,
    guest_name="web",
    kind=StepKind.MIGRATE,
    source="a",
    target="b",
    method=Method.ONLINE,
    was=RunState.RUNNING,
    intent="i",
    facts="f",
    controller="us",
    via="b-migr",
)
OFFLINE = replace(RECORD, method=Method.OFFLINE, copies=("vda",))
LIVE = "virsh migrate --live --persistent --undefinesource --p2p"
WAY = f"--migrateuri tcp://b-migr {UUID} qemu+ssh://root@b-migr/system"
CAP = (("cpu_cap_percent", "50"),)


@pytest.mark.parametrize(
    ("verb", "record", "words"),
    [
        (Verb.CHECK, RECORD, f"check --online {UUID} b-migr"),
        (Verb.CHECK, OFFLINE, f"check --offline {UUID} b-migr vda"),
        (Verb.MIGRATE, RECORD, f"{LIVE} {WAY}"),
        (
            Verb.MIGRATE,
            replace(RECORD, copies=("vda", "vdb")),
            f"{LIVE} --copy-storage-all --migrate-disks vda,vdb {WAY}",
        ),
        (Verb.MIGRATE, replace(RECORD, vouched=True), f"{LIVE} --unsafe {WAY}"),
        (Verb.MIGRATE, replace(RECORD, converge=True), f"{LIVE} {WAY}"),
        (Verb.MIGRATE, replace(RECORD, converge=True, attempt=2), f"{LIVE} --auto-converge {WAY}"),
        (Verb.MIGRATE, replace(RECORD, attempt=2), f"{LIVE} {WAY}"),
        (Verb.MIGRATE, OFFLINE, f"relocate {UUID} b-migr vda"),
        (Verb.STOP, RECORD, f"virsh shutdown {UUID}"),
        (Verb.STOP_HARD, RECORD, f"virsh destroy {UUID}"),
        (Verb.START, RECORD, f"virsh start {UUID}"),
        (Verb.SET, replace(RECORD, settings=(("memory_mib", "64"),)), f"virsh setmem {UUID} 64MiB --live --config"),
        (Verb.SET, replace(RECORD, settings=(("autostart", "off"),)), f"virsh autostart {UUID} --disable"),
        (
            Verb.SET,
            replace(RECORD, settings=CAP),
            f"virsh schedinfo {UUID} --live --config --set vcpu_period=100000 --set vcpu_quota=50000",
        ),
        (
            Verb.SET,
            replace(RECORD, settings=CAP, was=RunState.STOPPED),
            f"virsh schedinfo {UUID} --config --set vcpu_period=100000 --set vcpu_quota=50000",
        ),
        (Verb.DISCARD, RECORD, f"tidy discard {UUID} source"),
    ],
)
def test_each_deed_is_spelt_as_virsh_has_it(verb: Verb, record: MoveRecord, words: str) -> None:
    assert words == " ".join(command(verb, "a", record, None).argv)


def test_a_cap_of_a_whole_cpu_is_none() -> None:
    lifted = replace(RECORD, settings=(("cpu_cap_percent", "100"),))
    assert "vcpu_quota=-1" in command(Verb.SET, "a", lifted, None).argv


def test_migrations_stops_and_starts_go_on_by_themselves() -> None:
    for verb in (Verb.MIGRATE, Verb.STOP, Verb.STOP_HARD, Verb.START):
        for record in (RECORD, OFFLINE):
            assert How.JOB is deed(command(verb, "a", record, None), LibvirtSettings()).how
    assert How.RUN is deed(command(Verb.CHECK, "a", RECORD, None), LibvirtSettings()).how


def test_a_host_is_told_which_end_of_the_move_it_is() -> None:
    for host, end in (("a", "source"), ("b", "target")):
        assert end in deed(command(Verb.DISCARD, host, RECORD, None), LibvirtSettings()).argv


@pytest.mark.parametrize("word", ["-F", "-x", "a b", "a;reboot", "$(reboot)", "a\nb", "ü", "x" * 2000])
def test_a_hostile_address_or_device_never_becomes_part_of_a_command(word: str) -> None:
    for record in (replace(RECORD, via=word), replace(OFFLINE, copies=(word,))):
        with pytest.raises(UnsafeWord):
            command(Verb.MIGRATE, "a", record, None)


@pytest.mark.parametrize("word", ["", "-rf", "a b", "a;reboot", "$(reboot)", "../a", "a/b"])
def test_a_hostile_name_never_becomes_part_of_a_command(word: str) -> None:
    for field in ("id", "guest_uuid", "guest_name", "source", "target"):
        for verb in Verb:
            with pytest.raises(UnsafeWord):
                command(verb, "a", replace(RECORD, **{field: word}), None)  # type: ignore[arg-type]  # fields by name


def test_nothing_takes_storage_along_or_moves_the_definition_of_a_guest_that_runs() -> None:
    """`virsh migrate --offline`, and undefine with storage: in no command that is made, nor in any script sent."""
    for verb in Verb:
        for record in (RECORD, OFFLINE):
            argv = command(verb, "a", replace(record, settings=CAP), None).argv
            assert set() == {"--offline"} & set(argv) or argv[0] == "check"
    for program in DRIVER.rglob("*.sh"):
        text = program.read_text(encoding="utf-8")
        assert not re.search(r"--remove-all-storage|--wipe-storage|--storage|migrate --offline|vol-delete", text)
