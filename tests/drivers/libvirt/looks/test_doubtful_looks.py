"""What cannot be read of a libvirt host: its identity, guests and records make it unread, all else is unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.model import StorageKind
from reconciler.drivers.libvirt.looking.facts import facts
from reconciler.drivers.libvirt.looking.reading import Reading, Stated
from reconciler.ssh.looks.sections import Section, Unreadable, split
from tests.drivers.libvirt.looks.recorded import TOKEN, answers, expansions, look, reading, recorded

GUESTS = reading("look-many").text("guests").strip()
FIRST = GUESTS.split(" ")[0]
D1 = next(line.split(" ")[0] for line in GUESTS.split("\n") if line.endswith(" d1"))


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("clock", "now\n"),
        ("capabilities", "error: it broke\n"),
        ("guests", "error: it broke\n"),
        ("guests", f"{GUESTS}\n{FIRST} again\n"),
        ("guests now", f"{GUESTS}\n11111111-2222-3333-4444-555555555555 new\n"),
        ("guests now", "error: it broke\n"),
        ("stats", "Domain: 'd1'\n  state.state=1\n"),
        ("stats", ""),
        (f"guest {FIRST}", "error: failed to get domain\n"),
        (f"guest {FIRST}", "<domain type='qemu'><name>x</name></domain>"),
        (f"guest {FIRST}", "<!DOCTYPE domain [<!ENTITY a 'b'>]><domain/>"),
        ("record x", "1 m1 u1 c claimed 0 1\n{}\n"),
        ("job nonsense", "running\n"),
    ],
)
def test_a_host_with_doubt_about_guests_or_records_is_not_read(section: str, text: str) -> None:
    with pytest.raises(Unreadable):
        look("look-many", {section: text})


@pytest.mark.parametrize(
    "section", ["clock", "capabilities", "guests", "guests now", "stats", f"guest {FIRST}", "host begun", "end"]
)
def test_a_host_without_an_answer_that_counts_is_not_read(section: str) -> None:
    with pytest.raises(Unreadable):
        look("look-many", {section: None})


@pytest.mark.parametrize("section", ["guests", "stats", f"guest {FIRST}", "details 1"])
@pytest.mark.parametrize("status", [124, 137])
def test_a_libvirt_that_stalls_is_named(section: str, status: int) -> None:
    sections = {**answers("look-many"), section: Section("", status)}
    with pytest.raises(Unreadable, match="did not answer in time"):
        facts(Reading("h1", sections, Stated()), {})


def test_a_libvirt_that_does_not_run_is_told_in_its_own_words() -> None:
    said = "error: failed to connect to the hypervisor\nerror: Failed to connect socket: No such file\n"
    with pytest.raises(Unreadable) as raised:
        facts(Reading("h1", {**answers("look-many"), "host begun": Section(said, 1)}, Stated()), {})
    assert "Failed to connect socket: No such file" in raised.value.look("h1").reason


def test_a_look_that_broke_off_anywhere_counts_as_no_look() -> None:
    whole = recorded("look-many")
    for end in range(0, len(whole) - 1, 997):
        with pytest.raises(Unreadable):
            facts(Reading("h1", split(whole[:end], TOKEN), Stated()), {})


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("persistent", {"persistent"}),
        ("managed-save", {"managed_save"}),
        (f"snapshots {D1}", {"snapshots"}),
        (f"checkpoints {D1}", {"checkpoints"}),
        (f"stored {D1}", {"stored_machine", "stored_cpu_mode", "stored_cpu_model", "stored_cpu_features"}),
        ("headers", {"backing", "internal_snapshots"}),
    ],
)
@pytest.mark.parametrize("text", ["error: it broke", None])
def test_what_cannot_be_read_of_a_guest_is_unknown(section: str, keys: set[str], text: str | None) -> None:
    before, after = look("look-many").registration(D1), look("look-many", {section: text}).registration(D1)
    assert before is not None
    assert after is not None
    assert keys == set(before.attributes) - set(after.attributes)


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("domcapabilities qemu", {"cpu:qemu", "models:qemu", "partial:qemu"}),
        ("domcapabilities kvm", {"cpu:kvm", "models:kvm", "partial:kvm"}),
        ("version", {"libvirt"}),
        ("folders", {"copy_folders"}),
        ("occupied", {"occupied"}),
    ],
)
def test_what_cannot_be_read_of_a_host_is_unknown(section: str, keys: set[str]) -> None:
    assert keys == set(look("look-many").attributes) - set(look("look-many", {section: None}).attributes)


def test_a_host_whose_numbers_cannot_be_read_takes_no_guests() -> None:
    changed = {"memory": "error", "nodeinfo": "error", "room": "error", "networks": "error: no", "version": "error"}
    host = look("look-many", dict(changed))
    assert (0, 0, 0, ("bridge:br7",), "") == (
        host.memory_mib,
        host.cpus,
        host.disk_free_mib,
        host.networks,
        host.version,
    )


@pytest.mark.parametrize("section", ["resolved", "mounts"])
@pytest.mark.parametrize("text", ["", "error"])
def test_disks_of_which_nobody_knows_where_they_lie_are_neither_shared_nor_copied(section: str, text: str) -> None:
    found = look("look-many", {section: text}).registration(D1)
    assert found is not None
    (disk,) = found.disks
    assert ("vda", 0, StorageKind.FILE, "") == (found.attributes["unclear_disks"], disk.size_mib, disk.kind, disk.store)


def test_a_folder_with_too_many_files_says_of_none_that_it_is_free() -> None:
    many = "".join(f"/srv/local/{number}.img\n" for number in range(2001))
    assert "occupied" not in look("look-many", {"occupied": many}).attributes
    assert "occupied" in look("look-many", {"occupied": many.replace("/srv/local/7.img\n", "")}).attributes


def test_a_guest_that_left_during_the_look_is_here_no_longer() -> None:
    """As each migration ends: `dumpxml` knows it no more, after `list` has named it."""
    now = "\n".join(line for line in GUESTS.split("\n") if not line.startswith(D1))
    host = look("look-many", {"guests now": now, f"guest {D1}": "error: failed to get domain\n"})
    assert host.registration(D1) is None
    assert len(host.registrations) == len(GUESTS.split("\n")) - 1


def test_a_guest_whose_name_is_none_that_we_use_goes_by_its_uuid() -> None:
    odd = "d1; reboot\x1b"
    changed = {"guests": GUESTS.replace(f"{D1} d1", f"{D1} {odd}"), "stats": reading("look-many").text("stats")}
    changed["stats"] = changed["stats"].replace("Domain: 'd1'", f"Domain: '{odd}'")
    definition = reading("look-many").text(f"guest {D1}").replace("<name>d1</name>", "<name>d1; reboot</name>")
    found = look("look-many", {**changed, f"guest {D1}": definition}).registration(D1)
    assert found is not None
    assert (D1, "d1; reboot") == (found.name, found.attributes["unusable_name"])


def test_notes_say_what_was_not_understood() -> None:
    read = reading("look-many", {"networks": "", "room": "nothing", "mounts": "x"})
    facts(read, expansions())
    assert ["mounts", "room"] == sorted(note.about for note in read.notes)


def test_settings_stand_in_for_what_a_host_does_not_tell() -> None:
    host = look("look-many", memory_mib=7, cpus=3, host_reserve_mib=5, bandwidth_mib_s=2.0)
    assert (7, 3, 2.0) == (host.memory_mib, host.cpus, host.bandwidth_mib_s)
    assert 24684096 // 1024 - 5 == look("look-many", host_reserve_mib=5).memory_mib
    assert 0 == look("look-many", host_reserve_mib=10**9).memory_mib
    assert replace(host, memory_mib=0) != host
