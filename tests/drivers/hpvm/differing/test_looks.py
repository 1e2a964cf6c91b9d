"""Hosts that differ from what is assumed of them: read all the same where that is understood, else less is done.

Looks only; whole moves under such variants are in test_moves, which also says that no assumption is forgotten.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, Look, Registration, Unreachable
from reconciler.drivers.hpvm.driver import HpvmDriver
from reconciler.drivers.hpvm.reading import Stated
from reconciler.drivers.hpvm.settings import HpvmSettings
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from reconciler.ssh.access import Access
from reconciler.ssh.connections import Connections
from tests.drivers.hosts.fleet import SshdFleet
from tests.drivers.hosts.variants import Variants
from tests.drivers.hpvm.test_crashes import until

pytestmark = pytest.mark.slow

LUN = "600143801259b8ae0000900000330000"
LONG = "a-guest-of-more-than-twenty-letters"
CHATTER = "Last successful login: Fri Nov 27 15:37:12 2026 on pts/0: welcome\n"
ATTRIBUTES = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}

Expected = Callable[[HostFacts], Look | None]
"""What is to be read instead, of what is read where all is as assumed; None: nothing at all."""


# ------------------------------------------------------------------------------------------- what a look comes up with


def same(plain: HostFacts) -> HostFacts:
    return plain


def nothing(_: HostFacts) -> None:
    return None


def each(change: Callable[[Registration], Mapping[str, Any]], **host: Any) -> Expected:
    """Every guest otherwise."""
    return lambda plain: replace(
        plain, registrations=tuple(replace(entry, **change(entry)) for entry in plain.registrations), **host
    )


def attribute(key: str, value: str | None, *, of: str = "yes") -> Expected:
    """Another value of an attribute of guests that have this one, or none."""

    def change(entry: Registration) -> Mapping[str, Any]:
        if key not in entry.attributes or (of and entry.attributes[key] != of):
            return {}
        others = {name: found for name, found in entry.attributes.items() if name != key}
        return {"attributes": others if value is None else {**others, key: value}}

    return each(change)


def hands_off(state: RunState, *, runnable: bool = True) -> Expected:
    """Guests in this state are in transition."""

    def change(entry: Registration) -> Mapping[str, Any]:
        if entry.state is not state or (state is RunState.STOPPED and not entry.runnable):
            return {}
        gone = {"state": RunState.TRANSITION, "runnable": runnable, "boot_marker": "", "memory_current_mib": 0}
        return gone if state is RunState.RUNNING else {"state": RunState.TRANSITION}

    return each(change)


def no_marker(_: Registration) -> Mapping[str, Any]:
    return {"boot_marker": ""}


def all_in_transition(_: Registration) -> Mapping[str, Any]:
    return {"state": RunState.TRANSITION, "runnable": True, "boot_marker": "", "memory_current_mib": 0}


READ: tuple[tuple[str, Variants, Expected], ...] = (
    ("version-form", Variants(version_line="{version}"), same),
    ("version-form", Variants(version_line="HPVM {version} of the year 2010"), same),
    ("version-form", Variants(version_line="hpvminfo: Version {plain}"), same),
    ("version-form", Variants(version_line="release 4 or so"), lambda plain: replace(plain, version="")),
    ("summary-columns", Variants(extra_columns=True), same),
    ("detail-labels", Variants(labels_upper=True), same),
    ("detail-labels", Variants(labels_reversed=True), same),
    ("detail-labels", Variants(pad_labels=True), same),
    ("detail-labels", Variants(pad_labels=True, labels_reversed=True, labels_upper=True), same),
    ("detail-labels", Variants(labels={"Virtual Machine UUID": ""}), nothing),
    ("detail-labels", Variants(labels={"Virtual Machine Name": "Guest"}), nothing),
    ("runnable-label", Variants(words={"Runnable": "Enabled", "Not Runnable": "Disabled"}), same),
    ("runnable-label", Variants(words={"Runnable": "Yes", "Not Runnable": "No"}), same),
    ("runnable-label", Variants(labels={"Runnable Status": ""}), same),
    ("runnable-label", Variants(words={"Runnable": "Perhaps", "Not Runnable": "Perhaps"}), each(all_in_transition)),
    ("online-label", Variants(labels={"Online Migration": ""}), attribute("online_migration", None, of="")),
    (
        "online-label",
        Variants(words={"Enabled": "Sometimes"}),
        attribute("online_migration", "sometimes", of="enabled"),
    ),
    ("boot-label", Variants(boot_time=False), each(no_marker)),
    ("kit-label", Variants(labels={"Guest Kit": ""}), attribute("guest_kit", None)),
    ("kit-label", Variants(words={"Installed": "B.04.20"}), attribute("guest_kit", None)),
    ("transition-states", Variants(state_words={"On (OS)": "On (EFI)"}), hands_off(RunState.RUNNING)),
    ("transition-states", Variants(state_words={"On (OS)": "On (MGS)"}), hands_off(RunState.RUNNING)),
    ("transition-states", Variants(state_words={"On (OS)": "On (MGT)"}), hands_off(RunState.RUNNING, runnable=False)),
    ("transition-states", Variants(state_words={"On (OS)": "On (SUS)"}), hands_off(RunState.RUNNING)),
    ("transition-states", Variants(state_words={"On (OS)": "On"}), hands_off(RunState.RUNNING)),
    ("transition-states", Variants(state_words={"On (OS)": "Invalid"}), hands_off(RunState.RUNNING)),
    ("transition-states", Variants(state_words={"On (OS)": "Suspended"}), hands_off(RunState.RUNNING)),
    ("transition-states", Variants(state_words={"Off": "Off (ERR)"}), hands_off(RunState.STOPPED)),
    ("host-memory", Variants(logical_processors=False), lambda plain: replace(plain, cpus=plain.cpus // 2)),
    ("copy-room", Variants(file_system="/dev/vg_guests/lvol_of_copies"), same),
    ("vswitch-up", Variants(switch_states={"prod": "Down"}), lambda plain: replace(plain, networks=("localnet",))),
    ("vswitch-up", Variants(switch_states={"prod": "?"}), lambda plain: replace(plain, networks=("localnet",))),
    ("exit-status", Variants(stderr_chatter="WARNING: the licence: expires\n"), same),
    ("exit-status", Variants(stdout_chatter=CHATTER), same),
    ("exit-status", Variants(stdout_chatter=CHATTER, stderr_chatter=CHATTER, extra_columns=True), same),
)


def many_guests() -> World:
    """On a: guests in every settled state, on every kind of disk, one with a long name. b is of 6.3, with a vPar."""
    hosts = [SimHost("a", networks=("prod",), presented=(LUN,)), SimHost("b", version="6.3", networks=("prod",))]
    made = World.of(hosts, rules=refusal)
    guests: tuple[tuple[str, str, RunState, Disk], ...] = (
        ("web", "a", RunState.RUNNING, Disk(LUN, StorageKind.SAN, 4096)),
        (LONG, "a", RunState.RUNNING, Disk("/dev/vg01/db", StorageKind.LOGICAL_VOLUME, 2048)),
        ("off", "a", RunState.STOPPED, Disk("/guests/off", StorageKind.FILE, 3)),
        ("left", "a", RunState.STOPPED, Disk("/dev/rdisk/disk77", StorageKind.LOCAL_DISK, 7)),
        ("part", "b", RunState.STOPPED, Disk("/guests/part", StorageKind.FILE, 3)),
    )
    for number, (name, host, state, disk) in enumerate(guests):
        attributes = {**ATTRIBUTES, "kind": "vpar"} if name == "part" else ATTRIBUTES
        guest = SimGuest(f"{number:08}-aaaa-4aaa-8aaa-111111111111", name, networks=("prod",), attributes=attributes)
        made.place(guest, host, (disk,), state)
    left = next(copy for copy in made.fleet.hosts["a"].copies.values() if copy.uuid.startswith("00000003"))
    left.runnable = False
    return made


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshdFleet]:
    """Two hosts that nothing happens to."""
    with SshdFleet.start(tmp_path_factory.mktemp("fleet"), many_guests(), speed=0.001) as started:
        yield started


@pytest.fixture(scope="module")
def connections(fleet: SshdFleet) -> Iterator[Connections]:
    """To them."""
    opened = Connections(Access(fleet.known_hosts_file, fleet.key_file))
    yield opened
    opened.close()


def look(
    fleet: SshdFleet,
    connections: Connections,
    variants: Variants | None = None,
    host: str = "a",
    settings: HpvmSettings | None = None,
) -> Look:
    """One look at a host under these variants, but for its clock."""
    fleet.catalogue.variants = variants or Variants()
    found = HpvmDriver(connections, settings or HpvmSettings()).look(fleet.document(host))
    return replace(found, clock_s=0.0) if isinstance(found, HostFacts) else found


def seen(found: Look) -> HostFacts:
    assert isinstance(found, HostFacts), found
    return found


def test_where_all_is_as_assumed_everything_is_known(fleet: SshdFleet, connections: Connections) -> None:
    found = seen(look(fleet, connections))
    assert ("4.2", ("localnet", "prod"), (f"0x{LUN}",)) == (found.version, found.networks, found.presented)
    states = {entry.name: (entry.state, entry.runnable) for entry in found.registrations}
    assert {
        "web": (RunState.RUNNING, True),
        LONG: (RunState.RUNNING, True),
        "off": (RunState.STOPPED, True),
        "left": (RunState.STOPPED, False),
    } == states
    assert {"web": 0, LONG: 2048, "off": 3, "left": 7} == {
        entry.name: entry.copied_mib() for entry in found.registrations
    }
    newer = seen(look(fleet, connections, Variants(extra_columns=True), "b"))
    assert ("6.3", [("part", "vpar")]) == (
        newer.version,
        [(entry.name, entry.attributes["kind"]) for entry in newer.registrations],
    )


@pytest.mark.parametrize(("id", "variants", "expected"), READ, ids=[f"{row[0]}-{n}" for n, row in enumerate(READ)])
def test_a_variant_is_read_or_is_unknown(
    fleet: SshdFleet, connections: Connections, id: str, variants: Variants, expected: Expected
) -> None:
    plain = seen(look(fleet, connections))
    wanted = expected(plain)
    found = look(fleet, connections, variants)
    if wanted is None:
        assert isinstance(found, Unreachable)
        assert "no identity" in found.reason
    else:
        assert wanted == found, id


def test_a_look_whose_shell_is_killed_is_no_look(fleet: SshdFleet, connections: Connections) -> None:
    """What would have come behind the break is unknown, not absent."""
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(look, fleet, connections, Variants(delay_s=0.2))
        until("the look is under way", lambda: observers(fleet))
        for pid in observers(fleet):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        gone = found.result(timeout=30)
    assert isinstance(gone, Unreachable)
    assert "breaks off" in gone.reason


def observers(fleet: SshdFleet) -> list[int]:
    """The shells of looks that are under way on a, once they have begun to ask."""
    lines = fleet.processes("a")
    asked = any("hpvm" in line and "observe" not in line and "token" not in line for line in lines.values())
    return [pid for pid, line in lines.items() if "reconciler" in line and "token=$1" in line] if asked else []


def test_settings_stand_in_for_what_a_host_does_not_tell(fleet: SshdFleet, connections: Connections) -> None:
    """`version-form`, `host-memory`, `kit-label`: where the assumption does not hold, an operator can say."""
    stated = Stated(version="4.2", memory_mib=5000, kit_everywhere=True)
    variants = Variants(version_line="?", labels={"Guest Kit": ""})
    found = seen(look(fleet, connections, variants, settings=HpvmSettings(stated={"a": stated})))
    assert ("4.2", 5000) == (found.version, found.memory_mib)
    assert {"yes"} == {entry.attributes["guest_kit"] for entry in found.registrations}


def test_a_disk_without_a_wwid_is_local(tmp_path: Path) -> None:
    """`san-by-wwid`: it would have to be copied, so its guest does not move online."""
    made = many_guests()
    made.fleet.hosts["a"].presented = ()
    with SshdFleet.start(tmp_path, made, speed=0.001) as fleet:
        opened = Connections(Access(fleet.known_hosts_file, fleet.key_file))
        (web, *_) = seen(look(fleet, opened)).registrations
        opened.close()
    assert ["local-disk"] == [disk.kind.value for disk in web.disks]
