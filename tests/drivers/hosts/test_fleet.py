"""The fleet itself: its hosts can be logged in to, do what the platform does, fail as hosts fail, and leave nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.core.commands import Verb
from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.faults import Fault, FaultKind
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from tests.drivers.hosts.fleet import SshdFleet
from tests.drivers.hosts.shell import begin, say
from tests.drivers.hosts.transcripts import Transcript

pytestmark = pytest.mark.slow

LUN = "600143801259b8ae0000900000330000"
WEB, DB = "11111111-aaaa-4aaa-8aaa-111111111111", "22222222-bbbb-4bbb-8bbb-222222222222"
COPY_DB = "hpvmmigrate -P db -h b -m disk:avio_stor:0,0,0:lv:/dev/vg01/rdb -C"


def world(memory_mib: int = 4096) -> World:
    """Hosts a and b; on a `web` runs from a LUN, and `db` is stopped, on a volume of its own."""
    hosts = [SimHost(name, networks=("prod",), presented=(LUN,)) for name in ("a", "b")]
    made = World.of(hosts, rules=refusal)
    attributes = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}
    web = SimGuest(WEB, "web", memory_mib=memory_mib, networks=("prod",), attributes=attributes)
    made.place(web, "a", (Disk(LUN, StorageKind.SAN, 10240),))
    db = SimGuest(DB, "db", memory_mib=2048, attributes=attributes)
    made.place(db, "a", (Disk("/dev/vg01/db", StorageKind.LOGICAL_VOLUME, 2048),), RunState.STOPPED)
    return made


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[SshdFleet]:
    """Hosts a and b, whose physics runs as fast as the wall's clock: what takes long is wound."""
    with SshdFleet.start(tmp_path, world(), speed=1.0) as started:
        yield started


def row(fleet: SshdFleet, host: str, guest: str) -> str:
    """The guest's state in the summary of the host."""
    lines = say(fleet, host, "hpvmstatus").out.splitlines()
    return next((line[35:44].strip() for line in lines if line.startswith(f"{guest} ")), "absent")


def in_background(fleet: SshdFleet, host: str, command: str) -> None:
    """As the reconciler starts jobs: detached, output and status in files."""
    folder = fleet.path(host, "/var/opt/jobs/j")
    folder.mkdir(parents=True)
    script = f'cd "$1" || exit; {command} >output 2>&1 </dev/null; echo $? >status.part && mv status.part status\n'
    (folder / "run").write_text(script)
    said = say(fleet, host, "cd /var/opt && { nohup sh jobs/j/run jobs/j >/dev/null 2>&1 </dev/null & }")
    assert (0, "") == (said.status, said.err)


def wait_for(fleet: SshdFleet, host: str, guest: str, state: str) -> None:
    """Until the host shows the guest so."""
    deadline = time.monotonic() + 20
    while (found := row(fleet, host, guest)) != state:
        assert time.monotonic() < deadline, found


def test_an_online_migration_takes_its_time_and_leaves_a_copy_that_is_not_runnable(fleet: SshdFleet) -> None:
    with begin(fleet, "a", "hpvmmigrate -o -P web -h b-hpvm-migr") as client:
        wait_for(fleet, "a", "web", "On (MGS)")
        assert "On (MGT)" == row(fleet, "b", "web")
        fleet.wind(100)
        out, _ = client.communicate(timeout=20)
    assert out.startswith("hpvmmigrate: Init phase (step 3) - progress ")
    assert out.endswith("hpvmmigrate: Guest migrated successfully.\n")
    assert (0, "Off (NR)", "On (OS)") == (client.returncode, row(fleet, "a", "web"), row(fleet, "b", "web"))


def test_an_offline_migration_wants_every_local_disk_copied(fleet: SshdFleet) -> None:
    refused = say(fleet, "a", "hpvmmigrate -P db -h b-hpvm-migr")
    assert (1, "") == (refused.status, refused.out)
    in_background(fleet, "a", COPY_DB)
    wait_for(fleet, "a", "db", "Off")
    fleet.wind(100)
    assert "0\n" == fleet.path("a", "/var/opt/jobs/j/status").read_text()
    assert ("Off (NR)", "Off") == (row(fleet, "a", "db"), row(fleet, "b", "db"))


def test_a_check_speaks_for_the_stopped_guest_and_changes_nothing(fleet: SshdFleet) -> None:
    assert 0 == say(fleet, "a", "hpvmmigrate -s -P db -h b-hpvm-migr").status
    assert 1 == say(fleet, "a", "hpvmmigrate -s -o -P db -h b-hpvm-migr").status
    assert 0 == say(fleet, "a", "hpvmmigrate -s -o -P web -h b-hpvm-migr").status
    unknown = say(fleet, "a", "hpvmmigrate -s -o -P web -h nowhere")
    assert "hpvmmigrate: SSH execution error. Make sure ssh is setup right" in unknown.err
    assert ("On (OS)", "absent") == (row(fleet, "a", "web"), row(fleet, "b", "web"))


def test_a_migration_whose_command_is_killed_is_cut_short(fleet: SshdFleet) -> None:
    in_background(fleet, "a", "hpvmmigrate -o -P web -h b-hpvm-migr")
    wait_for(fleet, "b", "web", "On (MGT)")
    [pid] = [
        pid for pid, line in fleet.processes("a").items() if "bin/hpvmmigrate" in line and "run" in line.split("/")[1]
    ]
    os.kill(pid, 9)
    wait_for(fleet, "a", "web", "On (OS)")
    fleet.settle()
    assert "137\n" == fleet.path("a", "/var/opt/jobs/j/status").read_text()
    assert "absent" == row(fleet, "b", "web")


def test_guests_start_stop_and_boot_again(fleet: SshdFleet) -> None:
    started = say(fleet, "a", "hpvmstart -P db")
    assert (0, "hpvmstart: Successful start initiation of guest 'db'\n") == (started.status, started.out)
    assert "On (EFI)" == row(fleet, "a", "db")
    fleet.wind(100)
    assert "On (OS)" == row(fleet, "a", "db")
    with begin(fleet, "a", "hpvmstop -g -F -P db") as client:
        time.sleep(0.5)
        assert "On (OS)" == row(fleet, "a", "db")
        fleet.wind(40)
        assert 0 == client.wait(20)
    assert "Off" == row(fleet, "a", "db")
    assert 0 == say(fleet, "a", "hpvmstop -F -P web").status
    assert "Off" == row(fleet, "a", "web")


def test_what_the_platform_refuses_is_said_in_its_own_words(fleet: SshdFleet) -> None:
    recorded = Transcript.named("hpvmmigrate-refusals-3.5").text
    with fleet.change() as world:
        world.fleet.hosts["b"].networks = ()
    switch = say(fleet, "a", "hpvmmigrate -o -P web -h b-hpvm-migr")
    with fleet.change() as world:
        world.fleet.hosts["b"].networks, world.fleet.hosts["b"].presented = ("prod",), ()
    device = say(fleet, "a", "hpvmmigrate -o -P web -h b-hpvm-migr")
    lost = say(fleet, "a", "hpvmmigrate -o -P web -h nowhere")
    assert {1} == {said.status for said in (switch, device, lost)}
    assert [] == [said.err for said in (switch, device, lost) if said.err not in recorded]
    assert "ERROR (nix)" in say(fleet, "a", "hpvmstatus -P nix").err


def test_guests_are_changed_where_they_are_registered(tmp_path: Path) -> None:
    there = world()
    guest = there.fleet.guests[WEB]
    guest.memory_min_mib, guest.memory_step_mib = 1024, 64
    with SshdFleet.start(tmp_path, there) as fleet:
        changed = say(fleet, "a", "hpvmmodify -P web -x ram_target=2048 && hpvmmodify -P web -e 20:80 -B auto")
        fleet.wind(60)
        shown = say(fleet, "a", "hpvmstatus -V -P web").out
        assert 1 == say(fleet, "a", "hpvmmodify -P web -x ram_target=1").status
        with fleet.change():
            there.fleet.hosts["a"].copies[DB].runnable = False
        assert 1 == say(fleet, "a", "hpvmmodify -P db -B auto").status
        assert 0 == say(fleet, "a", "hpvmmodify -P db -x register_status=enabled").status
        assert "Off" == row(fleet, "a", "db")
    assert (0, "", "") == (changed.status, changed.out, changed.err)
    assert "Start type : Auto\n" in shown
    assert "Current memory : 2048 MB\n" in shown
    assert "Memory : 4 GB\n" in shown


def test_scripted_faults_strike_here_as_well(fleet: SshdFleet) -> None:
    with fleet.change() as there:
        there.faults.add(Fault(FaultKind.FAIL, Verb.START, "a"), Fault(FaultKind.FAIL_AFTER, Verb.START, "a"))
    assert (1, "Off") == (say(fleet, "a", "hpvmstart -P db").status, row(fleet, "a", "db"))
    assert (1, "On (EFI)") == (say(fleet, "a", "hpvmstart -P db").status, row(fleet, "a", "db"))


def test_the_size_of_every_kind_of_disk_can_be_asked_for(fleet: SshdFleet) -> None:
    with fleet.change() as there:
        disks = (Disk("/guests/f", StorageKind.FILE, 3), Disk("/dev/rdisk/disk77", StorageKind.LOCAL_DISK, 2))
        there.place(SimGuest("u3", "third"), "a", disks, RunState.STOPPED)
    assert "2048\n" == say(fleet, "a", "diskinfo -b /dev/rdisk/disk77").out
    assert "3145728" == say(fleet, "a", "ls -l /guests/f").out.split()[4]
    assert "LV Size (Mbytes)            2048" in say(fleet, "a", "lvdisplay /dev/vg01/db").out
    assert f"/dev/rdisk/disk4:0x{LUN}\n" == say(fleet, "a", "scsimgr -p get_attr all_lun -a device_file -a wwid").out


def test_a_crash_ends_everything_but_what_was_written(fleet: SshdFleet) -> None:
    say(fleet, "a", "hpvmmodify -P db -B auto; hpvmmodify -P web -B manual")
    in_background(fleet, "a", "hpvmmigrate -o -P web -h b-hpvm-migr")
    wait_for(fleet, "b", "web", "On (MGT)")
    pids = fleet.processes("a")
    fleet.crash("a")
    assert [] == [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert 255 == say(fleet, "a", "date").status
    assert "absent" == row(fleet, "b", "web")
    fleet.boot("a")
    assert ("Off", "On (EFI)") == (row(fleet, "a", "web"), row(fleet, "a", "db"))
    assert ["output", "run"] == sorted(path.name for path in fleet.path("a", "/var/opt/jobs/j").iterdir())


def test_a_host_that_is_cut_off_goes_on_by_itself(fleet: SshdFleet) -> None:
    in_background(fleet, "a", "hpvmmigrate -o -P web -h b-hpvm-migr")
    wait_for(fleet, "b", "web", "On (MGT)")
    fleet.cut("a")
    assert 255 == say(fleet, "a", "date").status
    fleet.wind(100)
    assert "0\n" == fleet.path("a", "/var/opt/jobs/j/status").read_text()
    fleet.heal("a")
    assert "Off (NR)" == row(fleet, "a", "web")


def test_a_host_that_hangs_answers_late(fleet: SshdFleet) -> None:
    fleet.hang("a")
    with begin(fleet, "a", "date", connect_s=2) as client:
        assert 255 == client.wait(20)
    fleet.heal("a")
    assert 0 == say(fleet, "a", "date").status


def test_another_host_key_is_noticed(fleet: SshdFleet) -> None:
    fleet.rekey("b")
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in say(fleet, "b", "date").err


def test_hosts_reach_each_other_as_the_platform_does(fleet: SshdFleet) -> None:
    said = say(fleet, "a", "ssh -e none -o BatchMode=yes -T -x b-hpvm-migr exec hpvmmigrate -v")
    assert (0, "hpvmmigrate: Version B.04.20\n") == (said.status, said.out)


def test_a_full_disk_takes_nothing_more(fleet: SshdFleet) -> None:
    fleet.fill("a")
    assert 0 != say(fleet, "a", "printf text >/var/opt/file").status
    fleet.empty("a")
    assert 0 == say(fleet, "a", "printf text >/var/opt/file").status


def test_there_is_no_command_that_these_systems_lack(fleet: SshdFleet) -> None:
    said = say(
        fleet, "a", "for name in flock timeout readlink mktemp python3 stat xargs; do command -v $name; done; date +%s"
    )
    assert "s\n" == said.out


def test_a_legacy_host_speaks_old_algorithms_only(tmp_path: Path) -> None:
    with SshdFleet.start(tmp_path, world(), legacy_hosts=["a"]) as fleet:
        assert "no matching" in say(fleet, "a", "date").err
        assert 0 == say(fleet, "a", "date", legacy=True).status
        assert 0 == say(fleet, "b", "ssh -o BatchMode=yes a-hpvm-migr date").status


def test_nothing_is_left_of_a_fleet(tmp_path: Path) -> None:
    mounts = Path("/proc/self/mounts").read_text()
    with SshdFleet.start(tmp_path, world()) as fleet:
        in_background(fleet, "a", "sleep 1000")
        pids = [machine.first for machine in fleet.machines.values()]
        pids += [pid for name in fleet.machines for pid in fleet.processes(name)]
        assert mounts == Path("/proc/self/mounts").read_text()
    assert len(pids) >= 4
    assert [] == [pid for pid in pids if Path(f"/proc/{pid}").exists()]
