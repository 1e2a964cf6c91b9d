"""Whatever a host prints, parsers give what is in it or say that they cannot read it: no other exception, no guest that
is not there, no end of time over megabytes of rubbish, and no look that broke off and still counts as one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.model import Method, RunState, StepKind
from reconciler.core.observed import HostFacts
from reconciler.core.records import MoveRecord
from reconciler.drivers.hpvm.facts import facts
from reconciler.drivers.hpvm.parse import devices, guests, machine, processes, sizes, storage, tables
from reconciler.drivers.hpvm.reading import Reading, Stated
from reconciler.ssh.looks import sections
from reconciler.ssh.looks.sections import Unreadable
from tests.drivers.hosts.test_transcripts import RECORDED
from tests.drivers.hosts.transcripts import FOLDER, Transcript

PARSERS: Mapping[str, Callable[[str], object]] = {
    "summary": guests.summary,
    "details": guests.details,
    "dynamic_memory": guests.dynamic_memory,
    "entitlements": guests.entitlements,
    "memory_entitlements": guests.memory_entitlements,
    "devices": devices.devices,
    "is_vm_host": machine.is_vm_host,
    "version": machine.version,
    "processor": lambda text: machine.processor(text, text),
    "cpus": machine.cpus,
    "guest_memory_mib": machine.guest_memory_mib,
    "machine_id": machine.machine_id,
    "clock_s": machine.clock_s,
    "switches": machine.switches,
    "migrations": processes.migrations,
    "luns": storage.luns,
    "size_mib": storage.size_mib,
    "room_mib": storage.room_mib,
    "table": tables.table,
    "parts": tables.parts,
    "size": lambda text: sizes.size_mib(text, what="it"),
    "share": lambda text: sizes.share_percent(text, what="it"),
    "split": lambda text: sections.split(text, "@t"),
}
TEXTS = sorted(
    [path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")] + [made() for made in RECORDED.values()]
)
SIGNS = st.text(st.sampled_from("ab19 =:[]()/-.,%@\t\n\r\x1b\x00\x85\u2028\u0663é\ufffd"), max_size=40)
ONE_TABLE_LESS = "[Storage Interface Details]\nA  B\n== ==\na  b\n"
MANY = 150_000


def refusal(read: Callable[[], object]) -> str:
    """Why it cannot be read, as people are told; "" where it can."""
    try:
        read()
    except Unreadable as error:
        return error.look("h").reason
    return ""


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A recording, in which a few stretches are replaced."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(SIGNS) + text[start + draw(st.integers(0, 30)) :]
    return text


@pytest.mark.parametrize("name", PARSERS)
@given(text=st.text(max_size=200) | SIGNS | damaged())
@example(text="9" * 5000)
@example(text=f"@t a\n@t = {'9' * 5000}\n")
@example(text=f"x {'9' * 5000} {'9' * 5000} hpvmmigrate\n")
@example(text=f"LV Size (Mbytes)   {'9' * 5000}\n")
@example(text=f"Memory: {'9' * 5000} MB\nFamily {'9' * 5000}, model {'9' * 5000}\n {'9' * 5000} cores\n")
@example(text="9999 999 99 99 99")
@example(text="0000 001 00 00 00")
@example(text=ONE_TABLE_LESS)
@example(text=ONE_TABLE_LESS.replace("Storage", "Network"))
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    assert refusal(lambda: PARSERS[name](text)).isprintable()


@given(damaged() | SIGNS)
def test_no_guest_is_read_that_is_not_in_the_text(text: str) -> None:
    names: list[str] = []
    refusal(lambda: names.extend(entry.name for entry in guests.summary(text)))
    refusal(lambda: names.extend(guests.entitlements(text)))
    refusal(lambda: names.extend(guests.memory_entitlements(text)))
    assert [] == [name for name in names if name not in text]
    blocks: list[guests.Details] = []
    refusal(lambda: blocks.extend(guests.details(text)))
    assert [] == [block.name for block in blocks if block.name not in text or block.uuid not in text.lower()]


def test_a_second_table_of_guests_is_not_passed_over() -> None:
    """Guests that nobody read count as absent: so nothing is read at all."""
    text = Transcript.named("hpvmstatus-3.5").text
    with pytest.raises(Unreadable, match="more than one table"):
        guests.summary(f"{text}\n{text.replace('oratest', 'other')}")


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "\n" * MANY,
        " " * MANY + "x",
        f"a: {' ' * MANY}x",
        f"{'Running HPVM ' * (MANY // 10)}x",
        f"{'Running on ' * (MANY // 10)}",
        f"t\n{'= ' * MANY}=\n{'x' * MANY}\n" + "y\n" * 5000,
        "=" * MANY + "x",
        f"Virtual Machine Name{' ' * MANY}y",
        "-\n" * MANY,
        f"processor model: 1 {'x ' * MANY}",
        f"hpvmmigrate: a{' phase' * MANY}",
        "[" * MANY,
        "1 " * MANY,
    ],
    ids=range(13),
)
def test_rubbish_without_end_takes_no_time_without_end(name: str, text: str) -> None:
    """Each of these once took, or would take, a time that grows with the square of its length: hours for what a host
    may print. There is no clock here: a parser that does it again makes the suite hang, and its watchdog names it."""
    refusal(lambda: PARSERS[name](text))


# ------------------------------------------------------------------------------------------------------- a whole look

CLOCK_S = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
RECORD = MoveRecord(
    id="m1",
    guest_uuid="u1",
    guest_name="vm1",
    source="h",
    target="i",
    intent="",
    facts="",
    kind=StepKind.MIGRATE,
    method=Method.ONLINE,
    was=RunState.RUNNING,
    controller="c",
)
DETAILS = "[Virtual Machines]\n" + "\n".join(
    f"Virtual Machine Name : {name}\nVirtual Machine UUID : {name}-uuid\n" for name in ("vm1", "vpar1")
)
ANSWERS: Mapping[str, str] = {
    "clock": "2026 305 00 00 00\n",
    "user": "0\n",
    "platform": Transcript.named("hpvminfo-host").text,
    "version": "HPVM B.06.30\n",
    "machine": Transcript.named("machinfo-11.31-9300").text,
    "processor": Transcript.named("machinfo-v-11.31").text,
    "switches": Transcript.named("hpvmnet-3.5").text,
    "migrations": "",
    "room": "\n".join(Transcript.named("bdf-nfs").text.split("\n")[:3]),
    "luns": Transcript.named("scsimgr-11.31").text,
    "guests": RECORDED["hpvmstatus-6.3"](),
    "details": DETAILS,
    "entitlements": "",
    "devices vm1": RECORDED["hpvmstatus-P-avio-6.1.5"](),
    "devices vpar1": Transcript.named("hpvmstatus-P-d-3.5").text,
    "size /dev/rdisk/disk7": "1048576\n",
    "size /dev/vg_vmtest/rvmnode2disk": Transcript.named("lvdisplay-11.31").text,
    "book": "open /var/opt/reconciler\n",
    "record u1": f"1 m1 u1 c claimed 0 1\n{json.dumps(RECORD.to_json())}\n",
    "job m1.1.migrate": f"running\n{Transcript.named('hpvmmigrate-online-4.3').text}",
    "end": "",
}
"""A host of 6.3, put together from recordings. What came of each section is what a look of it prints."""


def printed(answers: Mapping[str, str]) -> str:
    return "".join(f"\n@t {name}\n{text}\n@t = 0\n" for name, text in answers.items())


def look(text: str, **stated: Any) -> HostFacts:
    return facts(Reading("h", sections.split(text, "@t"), Stated(**stated)))


def test_a_host_is_read_from_recordings() -> None:
    found = look(printed(ANSWERS))
    assert ("6.3", 98135 * 925 // 1000 - 750, 8, CLOCK_S) == (
        found.version,
        found.memory_mib,
        found.cpus,
        found.clock_s,
    )
    assert (1156891, ("localnet", "vlan02", "vlan03")) == (found.disk_free_mib, found.networks)
    assert [("vm1", "vm"), ("vpar1", "vpar")] == [
        (entry.name, entry.attributes["kind"]) for entry in found.registrations
    ]
    assert [21] == [job.progress_percent for job in found.jobs]
    assert (RECORD,) == found.records


def test_a_look_that_broke_off_anywhere_counts_as_no_look() -> None:
    """Else the move records and guests behind the break would count as absent."""
    whole = printed(ANSWERS)
    for end in range(0, len(whole) - 1, 7):
        with pytest.raises(Unreadable):
            look(whole[:end])


@given(st.sampled_from(sorted(set(ANSWERS) - {"end"})), damaged() | SIGNS | st.just("9" * 5000))
def test_a_look_with_any_text_in_one_place_is_read_or_refused(name: str, text: str) -> None:
    found: list[HostFacts] = []
    assert refusal(lambda: found.append(look(printed({**ANSWERS, name: text})))).isprintable()
    names = [entry.name for facts_found in found for entry in facts_found.registrations]
    assert all(name in ANSWERS["guests"] + text for name in names)


def test_a_guest_whose_name_is_longer_than_its_column_keeps_its_columns() -> None:
    name = "a-name-of-more-than-twenty-letters"
    row = next(line for line in ANSWERS["guests"].split("\n") if line.startswith("vm1"))
    text = ANSWERS["guests"].replace(row, name + row[20:])
    (found, _) = guests.summary(text)
    assert guests.Listed(name, "On (OS)", "HPUX", 2048, 2, "SH") == found


def test_a_guest_whose_name_the_summary_cuts_has_no_identity() -> None:
    whole = "a-name-of-more-than-twenty-letters"
    row = next(line for line in ANSWERS["guests"].split("\n") if line.startswith("vm1"))
    cut = {
        "guests": ANSWERS["guests"].replace(row, whole[:20] + row[20:]),
        "details": DETAILS.replace("vm1\n", f"{whole}\n"),
    }
    with pytest.raises(Unreadable, match="no identity"):
        look(printed({**ANSWERS, **cut}))


def test_what_a_login_prints_before_a_list_is_no_device() -> None:
    chatter = "Last successful login: Fri Nov 27 15:37:12 2026 on pts/0: no one: at all\n"
    plain = ANSWERS["devices vpar1"]
    assert devices.devices(plain) == devices.devices(chatter + plain)
    assert 1156891 == storage.room_mib(chatter + ANSWERS["room"])


def test_only_numbers_of_a_job_s_status_are_its_status() -> None:
    for word in ("9" * 5000, "\u0663", "x", ""):
        (job,) = look(printed({**ANSWERS, "job m1.1.migrate": f"{word}\n"})).jobs
        assert (True, None) == (job.ended, job.status)
    assert isinstance(look(printed({**ANSWERS, "job m1.1.migrate": "0\n"})).jobs[0].status, int)


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("HPVM Version B.04.20.05", "4.2.5"),
        ("HPVM B.04.30", "4.3"),
        ("vPars & HPVM version B.06.10.05, of 2012", "6.1.5"),
        ("Version 4.2.5", "4.2.5"),
        ("HPVM version A.03.50", "3.5"),
        ("Version B.06.30", "6.3"),
    ],
)
def test_forms_of_a_version(line: str, version: str) -> None:
    assert version == machine.version(f"Last login: Fri Nov 27 15:37:12 2026\n{line}\n")
