"""The guides can be followed: what they tell people to paste is pasted here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from tests.drivers.hosts.fleet import SshdFleet, require_hosts
from tests.lab.lab import Lab

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
GIT = {
    "GIT_AUTHOR_NAME": "Ada Example",
    "GIT_AUTHOR_EMAIL": "ada@example.invalid",
    "GIT_COMMITTER_NAME": "Ada Example",
    "GIT_COMMITTER_EMAIL": "ada@example.invalid",
}
LUN = "600143801259b8ae0000900000330000"


def script(guide: str) -> str:
    """All that the guide tells people to paste, which ends where something fails."""
    text = (GUIDES / guide).read_text(encoding="utf-8")
    return "set -e\n" + "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))


def pasted(text: str, folder: Path, *first_on_path: Path) -> str:
    """What it prints, in this folder."""
    path = os.pathsep.join([*map(str, first_on_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = subprocess.run(
        ["/bin/sh", "-c", text],
        cwd=folder,
        env={**os.environ, **GIT, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert 0 == ran.returncode, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_a_fleet_of_your_own_comes_out_as_the_guide_says(tmp_path: Path) -> None:
    told = pasted(script("a-fleet-of-your-own.md"), tmp_path)
    assert "All 2 declared guests as declared." in told
    assert "mail01: on vmhost-a, declared on vmhost-b\n    DowntimeForbidden:" in told
    assert "2 guests moved" in told
    assert "**Converged**: all 2 declared guests" in told
    assert told.endswith("Nothing was done; the fleet is as declared.\n")


def real_fleet() -> World:
    """What the guide supposes: web01 on vmhost-a, on a disk that both hosts see; and a guest that stays out of it."""
    names = ("vmhost-a", "vmhost-b")
    world = World.of([SimHost(name, networks=("prod",), presented=(LUN,)) for name in names], rules=refusal)
    attributes = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}
    web = SimGuest("6f1c3a52-8d4e-4b7a-9c01-2f5e8d7a6b90", "web01", networks=("prod",), attributes=attributes)
    world.place(web, "vmhost-a", (Disk(LUN, StorageKind.SAN, 20480),))
    mail = SimGuest("0b7d2c11-52a4-4f0e-8f3b-6d1c9e4a7f25", "mail01", networks=("prod",), attributes=attributes)
    world.place(mail, "vmhost-b", (Disk("/guests/mail01.disk", StorageKind.FILE, 4096),), RunState.STOPPED)
    return world


def login(folder: Path, key_file: Path) -> Path:
    """An `ssh` with which the reader can log in already: the hosts' own key, and no question about host keys."""
    folder.mkdir()
    trust = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    (folder / "ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F none -i "{key_file}" {trust} "$@"\n')
    (folder / "ssh").chmod(0o755)
    return folder


@pytest.mark.slow
def test_ten_minutes_to_the_first_move_come_out_as_the_guide_says(tmp_path: Path) -> None:
    require_hosts()
    for name in ("hosts", "reader"):
        (tmp_path / name).mkdir()
    text = script("ten-minutes-to-the-first-move.md")
    with SshdFleet.start(tmp_path / "hosts", real_fleet()) as fleet:
        for variable, host in (("A=192.0.2.11:22", "vmhost-a"), ("B=192.0.2.12:22", "vmhost-b")):
            assert 1 == text.count(variable)
            text = text.replace(variable, f"{variable[0]}={fleet.address(host)}:{fleet.port(host)}")
        told = pasted(text, tmp_path / "reader", login(tmp_path / "login", fleet.key_file))
    assert "running on vmhost-a" in told
    first, review, merged, *_ = (found.start() for found in re.finditer(r"^Plan for fleet lab", told, re.MULTILINE))
    assert "Nothing to do." in told[first:review]
    assert "ReportMode" in told[review:merged]
    assert "1 guest moved" in told
    assert told.endswith("Nothing to do.\n")


@pytest.mark.slow
def test_a_fleet_of_libvirt_hosts_comes_out_as_the_guide_says(tmp_path: Path) -> None:
    for name in ("lab", "reader"):
        (tmp_path / name).mkdir()
    text = script("a-fleet-of-libvirt-hosts.md")
    with Lab.start(tmp_path / "lab", ("vmhost-a", "vmhost-b")) as lab:
        lab.guest("web01", "vmhost-a", networks=("br0",)).await_ticks(2)
        lab.guest("db01", "vmhost-a", disk="local", autostart=True).await_ticks(2)
        for host, machine in lab.machines.items():  # which know each other already: the reader makes them acquainted
            machine.run(["rm", *(f"/root/.ssh/{file}" for file in ("id_ed25519", "id_ed25519.pub", "known_hosts"))])
            place = "A=192.0.2.11:22" if host == "vmhost-a" else "B=192.0.2.12:22"
            assert 1 == text.count(place)
            text = text.replace(place, f"{place[0]}={lab.addresses[host]}:{lab.ports[host]}")
        # Hosts of the lab have /var/lib/libvirt each to itself, and share the rest of /var with this machine.
        text = text.replace('"/var/lib/reconciler"', '"/var/lib/libvirt/reconciler"')
        told = pasted(text, tmp_path / "reader", login(tmp_path / "login", lab.key_file))
        for guest in ("web01", "db01"):
            assert ["vmhost-b"] == [host for host, seen in lab.whereabouts(guest).items() if seen.defined]
    first, review, merged, *_ = (found.start() for found in re.finditer(r"^Plan for fleet lab", told, re.MULTILINE))
    assert "Nothing to do." in told[first:review]
    assert "2 ways between two hosts: nothing stands in the way." in " ".join(told[first:review].split())
    assert "ReportMode" in told[review:merged]
    assert 2 == told.count("1 guest moved")
    assert "offline" not in told[merged:]
    assert "disks-kept" in told
