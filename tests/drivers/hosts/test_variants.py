"""Hosts can differ from what is assumed of them, and lie: each knob does what it says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.hosts.fleet import SshdFleet
from tests.drivers.hosts.server import GARBAGE
from tests.drivers.hosts.shell import Said, begin, say
from tests.drivers.hosts.test_fleet import row, world
from tests.drivers.hosts.variants import Lie, Variants

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshdFleet]:
    """Hosts a and b; each test asks them under variants of its own."""
    with SshdFleet.start(tmp_path_factory.mktemp("fleet"), world(), speed=1.0) as started:
        yield started


def asked(fleet: SshdFleet, command: str, variants: Variants) -> Said:
    """What host a says under these variants."""
    fleet.catalogue.variants = variants
    return say(fleet, "a", command)


@pytest.mark.parametrize(
    ("command", "variants", "expected"),
    [
        ("hpvminfo -v", Variants(), "HPVM Version B.04.20\n"),
        ("hpvminfo -v", Variants(version_line="HPVM {plain}"), "HPVM 4.2\n"),
        ("hpvmstatus", Variants(extra_columns=True), "VM #  Cell OS Type"),
        ("hpvmstatus", Variants(state_words={"On (OS)": "On (XYZ)"}), "On (XYZ)"),
        (
            "hpvmstatus",
            Variants(shown_names={"web": "a name of more than twenty"}),
            "a name of more than twenty     1 ",
        ),
        ("hpvmstatus", Variants(shown_names={"web": "\x1b[2J$(id)"}), "\x1b[2J$(id)"),
        ("hpvmstatus -V", Variants(labels={"Runnable Status": "Runnable"}), "Runnable : Runnable\n"),
        ("hpvmstatus -V", Variants(words={"Installed": "Yes"}), "Guest Kit : Yes\n"),
        ("hpvmstatus -V", Variants(labels_upper=True), "RUNNABLE STATUS : Runnable\n"),
        ("hpvmstatus -V", Variants(pad_labels=True), "Runnable Status               : Runnable\n"),
        ("hpvmstatus -V", Variants(labels_reversed=True), "Virtual Machine Name : web\nMemory : 4 GB\n"),
        ("hpvmnet", Variants(switch_states={"prod": "Down"}), "prod          2 Down "),
        ("bdf /var", Variants(file_system="/dev/vg_guests/lvol_guests"), "/dev/vg_guests/lvol_guests\n          "),
        ("hpvminfo", Variants(stdout_chatter="Last successful login: never\n"), "never\nhpvminfo: Running on"),
    ],
)
def test_a_knob_shows(fleet: SshdFleet, command: str, variants: Variants, expected: str) -> None:
    assert expected in asked(fleet, command, variants).out


def test_lines_can_be_left_out(fleet: SshdFleet) -> None:
    assert "Guest Kit" not in asked(fleet, "hpvmstatus -V", Variants(labels={"Guest Kit": ""})).out
    assert "Boot Time" not in asked(fleet, "hpvmstatus -V", Variants(boot_time=False)).out
    assert "logical processors" not in asked(fleet, "machinfo", Variants(logical_processors=False)).out


def test_success_can_look_like_failure_and_failure_like_success(fleet: SshdFleet) -> None:
    backwards = Variants(status_after_success=1, status_after_failure=0, success_line=False, progress=False)
    started = asked(fleet, "hpvmstart -P db", backwards)
    assert (1, "") == (started.status, started.out)
    assert "On (EFI)" == row(fleet, "a", "db")
    assert 0 == asked(fleet, "hpvmstart -P db", backwards).status


def test_hosts_lie(fleet: SshdFleet) -> None:
    assert "" == asked(fleet, "hpvmstatus", Variants(lies={"a": Lie.SILENT})).out
    assert str(len(GARBAGE)) == asked(fleet, "hpvmstatus | wc -c", Variants(lies={"a": Lie.GARBAGE})).out.strip()
    assert 10 == len(asked(fleet, "hpvmstatus | head -n 10", Variants(lies={"a": Lie.ENDLESS})).out.splitlines())
    fleet.catalogue.variants = Variants(lies={"a": Lie.HANGS})
    with begin(fleet, "a", "hpvmstatus") as client:
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(1)
        client.kill()
    assert "one moment\n" == asked(fleet, "hpvmstatus", Variants(stderr_chatter="one moment\n")).err


def test_whether_a_guest_starts_with_its_host_may_go_along(tmp_path: Path) -> None:
    for carried, expected in ((True, "Manual"), (False, "Auto")):
        folder = tmp_path / expected
        folder.mkdir()
        with SshdFleet.start(folder, world(), speed=600, variants=Variants(start_type_carried=carried)) as fleet:
            assert 0 == say(fleet, "a", "hpvmmigrate -o -P web -h b").status
            assert f"Start type : {expected}\n" in say(fleet, "b", "hpvmstatus -V -P web").out
