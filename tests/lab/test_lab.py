"""The lab does what it promises: its hosts are real ones, its guests count, and nothing stays when it has gone."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.guests.guest import Guest
from tests.lab.hosts.cgroups import hierarchies
from tests.lab.hosts.machine import Machine
from tests.lab.lab import Lab
from tests.lab.waiting import until

pytestmark = pytest.mark.slow

LIVE = ("migrate", "--live", "--persistent", "--undefinesource", "--p2p")


def counters(guest: Guest) -> list[int]:
    return [tick.counter for tick in guest.ticks()]


def hosts_of(lab: Lab, name: str) -> dict[str, str]:
    return {host: sighting.state for host, sighting in lab.whereabouts(name).items() if sighting.defined}


def signs_in(lab: Lab, host: str) -> bool:
    """As a controller does, through the relay."""
    options = {
        "IdentityFile": lab.key_file,
        "UserKnownHostsFile": lab.known_hosts_file,
        "HostKeyAlias": host,
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": "60",
        "ServerAliveInterval": "20",
    }
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    there = ["-F", "none", "-p", str(lab.ports[host]), f"root@{lab.addresses[host]}", "hostname"]
    done = subprocess.run(["ssh", *words, *there], check=False, capture_output=True, text=True, timeout=120)
    return done.stdout == f"{host}\n"


def refuses(machine: Machine, *words: str) -> str:
    """What virsh complains of."""
    done = machine.run(["virsh", *words], check=False)
    assert done.returncode, done.stdout
    return done.stderr


def test_hosts_are_machines_of_their_own_that_know_each_other(lab: Lab) -> None:
    assert list(lab.machines) == [lab[host].run(["hostname"]).stdout.strip() for host in lab.machines]
    uuids = {re.findall("<uuid>(.*)</uuid>", lab[host].virsh("capabilities"))[0] for host in lab.machines}
    assert len(uuids) == len(lab.machines)
    assert "h2\n" == lab["h1"].run(["ssh", "h2", "hostname"]).stdout
    assert "h3\n" == lab["h1"].run(["virsh", "-q", "-c", "qemu+ssh://root@h3/system", "hostname"]).stdout
    assert all("running" in lab[host].virsh("pool-info", "local") for host in lab.machines)
    assert all(signs_in(lab, host) for host in lab.machines)


def test_a_guest_counts_on_its_console_and_on_its_disk(lab: Lab) -> None:
    guest = lab.guest("g1", "h1", disk="local")
    ticks = guest.await_ticks(3)
    assert {"ok"} == {tick.disk for tick in ticks}
    written = guest.on_disk("h1")
    assert written is not None
    assert written.boot == guest.boot()
    assert written.counter >= ticks[-1].counter
    assert {"h1": "running"} == hosts_of(lab, "g1")
    assert [] == lab.leftovers()


def test_a_live_migration_on_shared_storage_loses_no_second(lab: Lab) -> None:
    guest = lab.guest("g1", "h1", dirty_mib=8)
    guest.await_ticks(2)
    lab["h1"].virsh(*LIVE, "g1", "qemu+ssh://root@h2/system")
    guest.await_ticks(2)
    seen = counters(guest)
    assert list(range(1, len(seen) + 1)) == seen
    assert 1 == len({tick.boot for tick in guest.ticks()})
    assert {"h2": "running"} == hosts_of(lab, "g1")
    assert [] == lab.leftovers()


def test_libvirt_does_not_take_a_local_disk_for_a_shared_one(lab: Lab) -> None:
    lab.guest("g1", "h1", disk="local")
    assert "Unsafe migration" in refuses(lab["h1"], *LIVE, "g1", "qemu+ssh://root@h2/system")


@pytest.mark.long
def test_a_local_disk_can_be_copied_along(lab: Lab) -> None:
    guest = lab.guest("g1", "h1", disk="local")
    guest.await_ticks(2)
    lab["h1"].virsh(*LIVE, "--copy-storage-all", "g1", "qemu+ssh://root@h2/system")
    guest.await_ticks(2)
    written = guest.on_disk("h2")
    assert written is not None
    assert written.counter >= counters(guest)[-1] - 1
    assert ["h1: /srv/local/g1.qcow2"] == lab.leftovers(), "libvirt leaves the source's image"


@pytest.mark.long
def test_a_guest_shuts_down_at_the_power_button_unless_it_is_deaf(lab: Lab) -> None:
    good, deaf = lab.guest("good", "h1"), lab.guest("deaf", "h1", answers_shutdown=False)
    for guest in (good, deaf):
        guest.await_ticks(2)
        lab["h1"].virsh("shutdown", guest.name)
    until("the good one is off", lambda: hosts_of(lab, "good") == {"h1": "shut off"})
    deaf.await_ticks(2)


@pytest.mark.long
def test_a_rebooted_guest_counts_on_from_its_disk(lab: Lab) -> None:
    guest = lab.guest("g1", "h1")
    guest.await_ticks(2)
    before = guest.boot()
    lab["h1"].virsh("reset", "g1")
    until("it boots", lambda: guest.boot() != before)
    seen = counters(guest)
    assert sorted(set(seen)) == seen


def test_a_cut_host_is_out_of_reach_until_it_is_mended(lab: Lab) -> None:
    guest = lab.guest("g1", "h2")
    guest.await_ticks(1)
    lab["h2"].cut()
    assert not signs_in(lab, "h2")
    assert lab["h1"].run(["ssh", "-o", "ConnectTimeout=3", "h2", "true"], check=False).returncode
    guest.await_ticks(2)
    lab["h2"].mend()
    until("h2 answers", lambda: signs_in(lab, "h2"))


@pytest.mark.long
def test_the_relay_closes_what_it_cannot_pass_on(lab: Lab) -> None:
    lab["h3"].crash()
    with socket.create_connection((lab.addresses["h3"], lab.ports["h3"]), timeout=60) as connection:
        assert b"" == connection.recv(1)


@pytest.mark.long
def test_a_crashed_host_comes_back_with_its_guests_that_start_by_themselves(lab: Lab) -> None:
    steady = lab.guest("steady", "h2", autostart=True, disk="local")
    lab.guest("other", "h2")
    before = steady.await_ticks(2)
    lab["h2"].crash()
    assert ["h1", "h3"] == sorted(lab.whereabouts("steady"))
    lab["h2"].boot()
    assert {"h2": "shut off"} == hosts_of(lab, "other")
    after = steady.await_ticks(2)
    assert after[-1].boot != before[-1].boot
    assert after[0].counter > before[-1].counter, "what was printed was on the disk"
    assert signs_in(lab, "h2")


@pytest.mark.long
def test_an_older_host_refuses_a_newer_machine_type(lab: Lab) -> None:
    guest = lab.guest("g1", "h1")
    guest.await_ticks(1)
    newest = lab["h1"].virsh("dumpxml", "g1", "--xpath", "/domain/os/type/@machine").split('"')[1]
    lab["h2"].make_older(machines=[newest], cpu_models=["EPYC"])
    asked = ("domcapabilities", "--virttype", "qemu", "--machine")
    assert "is not supported" in refuses(lab["h2"], *asked, newest)
    assert ">EPYC<" not in lab["h2"].virsh("domcapabilities", "--virttype", "qemu")
    refuses(lab["h1"], *LIVE, "g1", "qemu+ssh://root@h2/system")
    lab.guest("old", "h2")
    assert newest not in lab["h2"].virsh("dumpxml", "old"), "`pc` means the newest that there is"
    guest.await_ticks(2)
    assert {"h1": "running"} == hosts_of(lab, "g1")
    lab["h2"].make_new()
    lab["h1"].virsh(*LIVE, "g1", "qemu+ssh://root@h2/system")
    assert {"h2": "running"} == hosts_of(lab, "g1")


@pytest.mark.long
def test_guests_outlive_their_libvirtd(lab: Lab) -> None:
    guest = lab.guest("g1", "h1")
    guest.await_ticks(1)
    lab["h1"].kill_libvirtd()
    assert not lab.whereabouts("g1")["h1"].known
    guest.await_ticks(2)
    lab["h1"].start_libvirtd()
    assert {"h1": "running"} == hosts_of(lab, "g1")


@pytest.mark.long
def test_a_stalled_libvirtd_says_nothing(lab: Lab) -> None:
    lab["h1"].stall_libvirtd()
    done = lab["h1"].run(["virsh", "-q", "list"], check=False, timeout=3)
    assert ("", -signal.SIGKILL) == (done.stdout, done.returncode)
    lab["h1"].unstall_libvirtd()
    assert "h1" in lab["h1"].virsh("hostname")


def test_a_host_says_the_memory_it_is_told_to_say(lab: Lab) -> None:
    lab["h1"].pretend_memory(2048)
    assert "2097152 KiB" in lab["h1"].virsh("nodememstats")
    assert "2097152 KiB" not in lab["h2"].virsh("nodememstats")


@pytest.mark.long
def test_a_guest_does_not_fit_where_memory_is_limited(lab: Lab) -> None:
    guest = lab.guest("g1", "h1")
    guest.await_ticks(1)
    lab["h2"].limit_memory(100)
    refuses(lab["h1"], *LIVE, "g1", "qemu+ssh://root@h2/system")
    guest.await_ticks(2)
    assert {"h1": "running"} == hosts_of(lab, "g1")


@pytest.mark.long
def test_a_guest_with_a_card_needs_its_bridge_on_the_target(lab: Lab) -> None:
    guest = lab.guest("g1", "h1", networks=("br0",))
    guest.await_ticks(1)
    lab["h2"].run(["ip", "link", "del", "br0"])
    refuses(lab["h1"], *LIVE, "g1", "qemu+ssh://root@h2/system")
    lab["h1"].virsh(*LIVE, "g1", "qemu+ssh://root@h3/system")
    assert {"h3": "running"} == hosts_of(lab, "g1")


@pytest.mark.long
def test_a_shaped_host_still_gets_its_guest(lab: Lab) -> None:
    guest = lab.guest("g1", "h1")
    guest.await_ticks(1)
    lab["h2"].shape(200)
    lab["h1"].virsh(*LIVE, "g1", "qemu+ssh://root@h2/system")
    lab["h2"].unshape()
    guest.await_ticks(2)


def test_leftovers_tells_what_should_not_be_there(lab: Lab) -> None:
    guest = lab.guest("g1", "h1", running=False)
    lab["h2"].run(["virsh", "-q", "define", "/dev/stdin"], input=guest.xml())
    lab["h2"].run(["virsh", "-q", "define", "/dev/stdin"], input=Guest(lab.switch, "stray").xml())
    lab["h3"].run(["touch", "/srv/local/g1.qcow2.part", "/srv/san/images/g1.qcow2.moved"])
    lab["h3"].run(["sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 </dev/null &"])
    assert [
        "/srv/san/images/g1.qcow2.moved",
        "h1 (shut off), h2 (shut off): guest g1 more than once",
        "h2: guest stray, which nobody made",
        "h3: /srv/local/g1.qcow2.part",
        "h3: runs sleep 1000",
    ] == lab.leftovers()
    lab["h3"].run(["sh", "-c", "kill $(pgrep -x sleep)"])


@pytest.mark.long
def test_a_small_local_disk_runs_full_and_outlives_a_crash(tmp_path: Path) -> None:
    with Lab.start(tmp_path, ["h1"], local_mib=8) as lab:
        guest = lab.guest("g1", "h1", disk="local", disk_mib=4)
        guest.await_ticks(2)
        full = lab["h1"].run(["dd", "if=/dev/zero", "of=/srv/local/filler", "bs=1M"], check=False)
        assert "No space left" in full.stderr
        lab["h1"].crash()
        written = guest.on_disk("h1")
        assert written is not None
        assert written.counter >= counters(guest)[-1]


def test_nothing_stays_when_it_has_stopped_and_labs_run_side_by_side(lab: Lab, tmp_path: Path) -> None:
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    links = sorted(path.name for path in Path("/sys/class/net").iterdir())
    with Lab.start(tmp_path, ["h1", "h2"]) as other:
        other.guest("g1", "h1").await_ticks(1)
        pids = [pid for host in other.machines.values() for pid in host.processes()]
        groups = [folder for host in other.machines.values() for folder in host.cgroup.folders]
        assert [] == [path for path in groups if not path.exists()]
        assert "h1\n" == lab["h2"].run(["ssh", "h1", "hostname"]).stdout
    assert len(groups) == 2 * len(hierarchies())
    assert [] == [path for path in groups if path.exists() or path.parent.exists()]
    assert [] == [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert mounts == Path("/proc/self/mounts").read_text(encoding="utf-8")
    assert links == sorted(path.name for path in Path("/sys/class/net").iterdir())


def test_make_lab_says_what_there_is_to_try_and_ends_with_an_interrupt() -> None:
    command = [sys.executable, "-m", "tests.lab"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = "".join(iter(process.stdout.readline, "An interrupt ends the lab.\n"))
            assert "h1 virsh list" in said
            folder = Path(re.findall(r" in (/\S+)", said)[0])
            reads = subprocess.run([folder / "bin" / "h2", "virsh", "list", "--name"], check=True, capture_output=True)
            assert b"mail\n\n" == reads.stdout
            asks = subprocess.run([folder / "bin" / "lab", "where", "web"], check=True, capture_output=True)
            assert b"h1: running (booted)\nh2: not here\nh3: not here\n" == asks.stdout
        finally:
            process.send_signal(signal.SIGINT)
        assert 0 == process.wait(60)
    assert not folder.exists()
