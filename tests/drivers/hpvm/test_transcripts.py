"""What real hosts were seen to print is read, value for value, by the parser that is responsible for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import Processor
from reconciler.drivers.hpvm.facts import PROGRESS
from reconciler.drivers.hpvm.parse import devices, guests, machine, processes, storage
from reconciler.drivers.hpvm.parse.sizes import share_percent, size_mib
from reconciler.drivers.hpvm.registrations import state_of
from reconciler.ssh.hostbook import answer
from reconciler.ssh.looks.sections import Unreadable, split
from tests.drivers.hosts.transcripts import FOLDER, Transcript


def bdf_rows(text: str) -> list[int]:
    """Free room by file system: the driver asks about one at a time."""
    head, *lines = text.strip("\n").split("\n")
    rows: list[int] = []
    row = ""
    for line in lines:
        row = f"{row}\n{line}" if row else line
        if len(row.split()) == 6:
            rows, row = [*rows, storage.room_mib(f"{head}\n{row}")], ""
    return rows


def whole(text: str) -> bool:
    """Whether a failure's message is kept as it is."""
    return answer(1, "@reconciler done rewrite\n", text).output == text.strip()


def listed(text: str) -> list[tuple[str, str, str, int | None, int | None]]:
    return [(row.name, row.state, row.os, row.memory_mib, row.vcpus) for row in guests.summary(text)]


SEVEN = [
    ("oratest01", "On (OS)", "HPUX", 16384, 4),
    ("oratest02", "On (OS)", "HPUX", 16384, 4),
    ("sapvm01", "Off", "HPUX", 8192, 3),
    ("sapvm02", "Off", "HPUX", 8192, 3),
    ("sles01", "On (OS)", "LINUX", 4096, 1),
    ("rhel01", "Off", "LINUX", 4096, 1),
    ("hp-vxvm", "On (OS)", "HPUX", 6144, 2),
]

READ: Mapping[str, tuple[Callable[[str], object], object]] = {
    "bdf-nfs": (bdf_rows, [1156891, 17194]),
    "bdf-vxfs": (bdf_rows, [1702, 816, 43660, 9394, 1156250]),
    "hpvminfo-host": (machine.is_vm_host, True),
    "hpvmmigrate-3.5": (whole, True),
    "hpvmmigrate-online-4.3": (PROGRESS.findall, ["21"]),
    "hpvmmigrate-refusal-4.3": (whole, True),
    "hpvmmigrate-refusals-3.5": (whole, True),
    "hpvmmodify-error-3.5": (whole, True),
    "hpvmnet-3.5": (machine.switches, ("localnet", "vlan02", "vlan03")),
    "hpvmnet-S-2011": (machine.switches, ("devlan12",)),
    "hpvmstart-3.5": (whole, True),
    "hpvmstatus-3.5": (listed, [*SEVEN, ("ivm1", "Off", "HPUX", 4096, 2)]),
    "hpvmstatus-3.5-ten": (
        listed,
        [*SEVEN, ("ws2003", "Off", "WINDOWS", 12288, 4), ("hpvm1", "Off", "HPUX", 3072, 1)],
    ),
    "hpvmstatus-P-3.5": (
        lambda text: [device.resource for device in (*devices.devices(text).disks, *devices.devices(text).drives)],
        [
            "disk:scsi:0,2,0:lv:/dev/vg_vmtest/rivm1d1",
            "disk:scsi:0,2,1:lv:/dev/vg_vmtest/rivm1d2",
            "dvd:scsi:0,2,2:disk:/dev/rdsk/c1t4d0",
        ],
    ),
    "hpvmstatus-P-d-3.5": (
        lambda text: ([disk.backing for disk in devices.devices(text).disks], devices.devices(text).networks),
        (["/dev/vg_vmtest/rvmnode2disk"], ("localnet", "vlan02")),
    ),
    "hpvmstatus-P-d-4.2": (lambda text: devices.devices(text).networks, ("localnet", "vlan1", "vlan2")),
    "hpvmstatus-V-6.3": (
        lambda text: [(block.name, block.uuid) for block in guests.details(text)],
        [("vm001", "24a7bfa4-b1b2-11e2-8400-b499ba6430e0")],
    ),
    "hpvmstatus-V-dynamic-3.0": (guests.dynamic_memory, guests.DynamicMemory(1222, 6144, 2103, 64, True)),
    "hpvmstatus-r-4.2": (
        lambda text: (
            {name: found.guaranteed_percent for name, found in guests.entitlements(text).items()},
            guests.memory_entitlements(text)["batman"],
        ),
        (
            {"rh-www": 50, "sql-dev": 50, "rhino": 50, "batman": 20, "robin": 20, "falcon": 10},
            guests.MemoryEntitlement(1024, 4096, 4090),
        ),
    ),
    "lvdisplay-11.31": (storage.size_mib, 256),
    "machinfo-11.23-family-31": (
        lambda text: (machine.processor(text, ""), machine.cpus(text), machine.machine_id(text)),
        (Processor(31, 2, "Itanium 2"), 2, "a8f29c7e-b86e-11da-9b3a-01e2c9b6095d"),
    ),
    "machinfo-11.23-family-32": (
        lambda text: (machine.processor(text, ""), machine.cpus(text)),
        (Processor(32, 1, "Itanium 2 9100"), 2),
    ),
    "machinfo-11.31-9100": (
        lambda text: (machine.processor(text, ""), machine.cpus(text), machine.guest_memory_mib(text)),
        (Processor(32, 1, "Itanium 2 9100"), 8, 21951),
    ),
    "machinfo-11.31-9300": (lambda text: (machine.cpus(text), machine.guest_memory_mib(text)), (8, 90024)),
    "machinfo-superdome2": (lambda text: (machine.cpus(text), machine.guest_memory_mib(text)), (6, 12507)),
    "machinfo-v-11.31": (lambda text: machine.processor("", text), Processor(31, 2)),
    "scsimgr-11.31": (
        storage.luns,
        {"/dev/rdisk/disk5": "0x5000cca00cb38d67", "/dev/rdisk/disk6": "0x5000cca00cb120b3"},
    ),
}
NOT_READ = {
    "hpvmstatus-6.3": "the copy has lost its widths; the hosts of the tests print it with them",
    "hpvmstatus-P-avio-6.1.5": "the same",
    "hpvmstatus-r-P-4.2": "its figures stand askew under their rule; the table of all guests is asked for instead",
}


@pytest.mark.parametrize("name", READ)
def test_what_was_recorded_is_read(name: str) -> None:
    read, expected = READ[name]
    assert expected == read(Transcript.named(name).text)


def test_every_recording_is_read_or_says_why_not() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == sorted({*READ, *NOT_READ})


@pytest.mark.parametrize("name", ["machinfo-11.31-9300", "machinfo-superdome2"])
def test_a_processor_whose_numbers_no_source_tells_is_not_guessed(name: str) -> None:
    with pytest.raises(Unreadable):
        machine.processor(Transcript.named(name).text, "")


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("HPVM Version B.04.20", "4.2"),
        ("Version B.04.20.05", "4.2.5"),
        ("version: A.03.50", "3.5"),
        ("HPVM B.04.30.00", "4.3"),
        ("Version 6.1.5", "6.1.5"),
        ("Version B.06.30", "6.3"),
    ],
)
def test_versions_are_read_in_each_form(said: str, version: str) -> None:
    assert version == machine.version(said)


@pytest.mark.parametrize(
    ("summary", "detail", "runnable", "expected"),
    [
        ("On (OS)", "On", "", ("running", True)),
        ("Off", "Off", "Runnable", ("stopped", True)),
        ("Off (NR)", "Off", "Not Runnable", ("stopped", False)),
        ("Off", "", "Disabled", ("stopped", False)),
        ("Off (NR)", "Off", "Runnable", ("transition", True)),
        ("On (OS)", "Off", "", ("transition", True)),
        ("On (EFI)", "On", "", ("transition", True)),
        ("On (MGT)", "On", "Runnable", ("transition", False)),
        ("Invalid", "", "", ("transition", True)),
        ("Resting", "", "", ("transition", True)),
        ("Off", "Off", "Perhaps", ("transition", True)),
    ],
)
def test_a_state_is_sure_or_it_is_hands_off(
    summary: str, detail: str, runnable: str, expected: tuple[str, bool]
) -> None:
    state, startable = state_of(summary, detail, runnable)
    assert expected == (state.value, startable)


def test_a_name_longer_than_its_column_pushes_the_rest_to_the_right() -> None:
    text = Transcript.named("hpvmstatus-3.5").text
    longer = text.replace("oratest01           ", "a-name-of-twenty-five-char")
    assert ("a-name-of-twenty-five-char", "On (OS)", "HPUX", 16384, 4) in listed(longer)


PARSERS: list[Callable[[str], object]] = [
    guests.summary,
    guests.details,
    guests.dynamic_memory,
    guests.entitlements,
    guests.memory_entitlements,
    devices.devices,
    machine.version,
    machine.cpus,
    machine.guest_memory_mib,
    machine.machine_id,
    machine.clock_s,
    machine.switches,
    storage.luns,
    storage.size_mib,
    storage.room_mib,
    processes.migrations,
    lambda text: machine.processor(text, text),
    lambda text: size_mib(text, what="size"),
    lambda text: share_percent(text, what="share"),
    lambda text: split(text, "@t"),
]
RECORDED = [Transcript.named(name).text for name in READ]
ANY = st.one_of(
    st.text(),
    st.lists(st.sampled_from([line for text in RECORDED for line in text.split("\n")]), max_size=12).map("\n".join),
    st.builds(
        lambda text, start, length: text[start:][:length],
        st.sampled_from(RECORDED),
        st.integers(0, 400),
        st.integers(0, 400),
    ),
)


@given(ANY)
def test_no_text_brings_a_parser_down_or_makes_a_guest_up(text: str) -> None:
    for parse in PARSERS:
        try:
            found = parse(text)
        except Unreadable:
            continue
        if parse is guests.summary:
            assert all(row.name in text for row in guests.summary(text)), found
