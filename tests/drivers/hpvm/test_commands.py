"""What is sent to the platform, word for word; and what never is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.commands import Verb
from reconciler.core.model import Method, RunState, StepKind
from reconciler.core.records import MoveRecord
from reconciler.drivers.hpvm.commands import command, deed
from reconciler.drivers.words import UnsafeWord
from reconciler.ssh.hostbook import How

DRIVER = Path(__file__).parents[3] / "reconciler" / "drivers" / "hpvm"
RECORD = MoveRecord(
    id="m1",
    guest_uuid="11111111-aaaa-4aaa-8aaa-111111111111",
    guest_name="web",
    kind=StepKind.MIGRATE,
    source="a",
    target="b",
    method=Method.ONLINE,
    was=RunState.RUNNING,
    intent="i",
    facts="f",
    controller="us",
    via="b-hpvm-migr",
)
OFFLINE = replace(RECORD, method=Method.OFFLINE, copies=("disk:scsi:0,2,0:lv:/dev/vg01/rweb",))


@pytest.mark.parametrize(
    ("verb", "record", "words"),
    [
        (Verb.CHECK, RECORD, "hpvmmigrate -o -P web -h b-hpvm-migr -s"),
        (Verb.CHECK, OFFLINE, "hpvmmigrate -P web -h b-hpvm-migr -s"),
        (Verb.MIGRATE, RECORD, "hpvmmigrate -o -P web -h b-hpvm-migr"),
        (Verb.MIGRATE, OFFLINE, "hpvmmigrate -P web -h b-hpvm-migr -m disk:scsi:0,2,0:lv:/dev/vg01/rweb -C"),
        (Verb.STOP, RECORD, "hpvmstop -g -F -P web"),
        (Verb.STOP_HARD, RECORD, "hpvmstop -F -P web"),
        (Verb.START, RECORD, "hpvmstart -P web"),
        (Verb.SET, replace(RECORD, settings=(("memory_mib", "2048"),)), "hpvmmodify -P web -x ram_target=2048"),
        (Verb.SET, replace(RECORD, settings=(("cpu_entitlement_percent", "20"),)), "hpvmmodify -P web -e 20"),
        (Verb.SET, replace(RECORD, settings=(("autostart", "off"),)), "hpvmmodify -P web -B manual"),
    ],
)
def test_each_deed_is_spelt_as_the_manuals_have_it(verb: Verb, record: MoveRecord, words: str) -> None:
    assert words == " ".join(command(verb, "a", record, None).argv)


def test_migrations_stops_and_starts_go_on_by_themselves() -> None:
    for verb in (Verb.MIGRATE, Verb.STOP, Verb.STOP_HARD, Verb.START):
        assert How.JOB is deed(command(verb, "a", RECORD, None)).how
    assert How.RUN is deed(command(Verb.CHECK, "a", RECORD, None)).how


def test_no_migration_and_no_start_begins_beside_a_migration() -> None:
    for verb in (Verb.MIGRATE, Verb.START):
        assert "hpvmmigrate" == deed(command(verb, "a", RECORD, None)).alone


@pytest.mark.parametrize("word", ["-F", "-x", "a b", "a;reboot", "$(reboot)", "a\nb", "ü", "x" * 2000])
def test_a_hostile_address_or_device_never_becomes_part_of_a_command(word: str) -> None:
    for record in (replace(RECORD, via=word), replace(OFFLINE, copies=(word,))):
        with pytest.raises(UnsafeWord):
            command(Verb.MIGRATE, "a", record, None)


def test_nothing_is_ever_forced_removed_or_started_along() -> None:
    """`hpvmmigrate -F`, `-D`, `-b`, `-d` and hpvmremove: not in any command that is made, nor in any program sent."""
    for verb in Verb:
        for record in (RECORD, OFFLINE):
            argv = command(verb, "a", replace(record, settings=(("autostart", "on"),)), None).argv
            if argv[0] == "hpvmmigrate":
                assert set() == {"-F", "-D", "-b", "-d"} & set(argv)
            assert "hpvmremove" not in argv
    for program in DRIVER.rglob("*.sh"):
        assert not re.search(r"hpvmremove|hpvmstop|hpvmstart|hpvmmodify", program.read_text(encoding="utf-8"))
