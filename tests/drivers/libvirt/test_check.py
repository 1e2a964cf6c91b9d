"""`reconciler check` on real libvirt hosts: silent where all is well, each planted fault found with what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.core.observed import Registration
from reconciler.documents.values import schema_problems
from tests.drivers.libvirt.site import Site

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet(site: Site) -> Site:
    """Two guests on h1, one of them with a disk of its own, and all three hosts declared."""
    site.lab.guest("web", "h1", networks=("br0",))
    site.lab.guest("db", "h1", disk="local", running=False)
    site.commit()
    return site


def findings(site: Site, *hosts: str) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """What is found: (subject, code) -> all of it."""
    found = site.call("check", *hosts, "-o", "json")
    assert () == schema_problems("output/check.schema.json", found.json), found.err
    assert found.code == (0 if found.json["sound"] else 4)
    return {(entry["subject"], entry["code"]): entry for entry in found.json["findings"]}


def registered(site: Site) -> list[list[Registration]]:
    """Host by host. A guest's balloon begins to answer when it has booted, so what rests on that is left out."""
    entries = [site.facts(host).registrations for host in site.lab.machines]
    return [[replace(each, memory_min_mib=0, memory_step_mib=0, memory_current_mib=0) for each in of] for of in entries]


def test_a_healthy_fleet_has_no_finding_and_stays_as_it_is(fleet: Site) -> None:
    before = registered(fleet)
    found = fleet.call("check")
    assert 0 == found.code, found.out
    assert found.out.strip().endswith(
        "Checked 3 hosts, 2 guests, 6 ways between two hosts: nothing stands in the way."
    ), found.out
    assert "fix:" not in found.out
    assert before == registered(fleet)
    assert [[], [], []] == [fleet.book(host) for host in fleet.lab.machines]
    assert [] == fleet.lab.leftovers()


def test_planted_faults_are_found_with_what_mends_each(fleet: Site) -> None:
    lab = fleet.lab
    h1, h2, h3 = (lab[host] for host in ("h1", "h2", "h3"))
    files = {host: lab[host].run(["cat", "/root/.ssh/known_hosts"]).stdout for host in ("h1", "h2")}
    own = h3.run(["cat", "/root/.ssh/authorized_keys"]).stdout
    lines = files["h1"].splitlines()
    of_h2, of_h3 = (next(line for line in lines if line.startswith(name)) for name in ("h2", "h3"))
    forged = f"{of_h2.split(' ', 1)[0]} {of_h3.split(' ', 1)[1]}"
    try:
        # h1 has another key of h2 than h2 shows; h2 has none of h3; h3 lets only the controller in.
        h1.run(["tee", "/root/.ssh/known_hosts"], input="\n".join([forged, of_h3, ""]))
        h2.run(["tee", "/root/.ssh/known_hosts"], input="\n".join(line for line in lines if line != of_h3) + "\n")
        h3.run(["tee", "/root/.ssh/authorized_keys"], input=own.splitlines()[0] + "\n")
        h2.run(["ip", "link", "del", "br0"])
        h3.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", "/srv/local"])
        h3.run(["dd", "if=/dev/zero", "of=/srv/local/full", "bs=1k", "count=1k"], check=False)
        found = fleet.call("check")
        told = " ".join(found.out.split())
        assert all(len(line) <= 80 for line in found.out.splitlines()), found.out
        by_place = findings(fleet)
        assert {
            ("h1 → h2", "way-blocked"),
            ("h1 → h3", "way-blocked"),
            ("h2 → h3", "way-key-unknown"),
            ("web", "network-missing"),
            ("db", "copy-room-short"),
        } == set(by_place), found.out
    finally:
        h3.run(["umount", "/srv/local"], check=False)
        for host, text in files.items():
            lab[host].run(["tee", "/root/.ssh/known_hosts"], input=text)
        h3.run(["tee", "/root/.ssh/authorized_keys"], input=own)
    assert "Host key verification failed" in by_place["h1 → h2", "way-blocked"]["excerpt"]
    assert "Permission denied" in by_place["h1 → h3", "way-blocked"]["excerpt"]
    for words in ("ssh-keygen -R h2", "authorized_keys of root on h3", "on h2: ssh root@h3 date once"):
        assert words in told, found.out
    assert "on h2: a bridge br0 into the same network" in told


@pytest.mark.long
def test_a_libvirtd_that_takes_connections_and_says_nothing_is_told(fleet: Site) -> None:
    fleet.lab["h2"].stall_libvirtd()
    try:
        found = findings(fleet)
    finally:
        fleet.lab["h2"].unstall_libvirtd()
    assert {("h2", "libvirt-silent")} == set(found)
    assert "leaves guests alone" in found["h2", "libvirt-silent"]["fix"]


def test_storage_that_is_shared_only_by_word_is_seen_through(fleet: Site) -> None:
    """/srv/local is each host's own, and the settings say that it is shared."""
    fleet.set(shared_paths=["/srv/local"])
    assert {("db", "image-missing")} == set(findings(fleet))
    fleet.lab["h2"].run(["qemu-img", "create", "-q", "-f", "qcow2", "/srv/local/db.qcow2", "64M"])
    found = findings(fleet)
    assert {("db", "image-differs"), ("db", "image-missing")} == set(found)
    assert "another one on h2 than on h1" in found["db", "image-differs"]["text"]


def test_a_name_that_leads_to_another_machine_is_told(fleet: Site) -> None:
    h1, h2 = fleet.lab["h1"], fleet.lab["h2"]
    names = h1.run(["cat", "/etc/hosts"]).stdout
    wrong = names.replace(f"{fleet.lab['h3'].address} h3", f"{h2.address} h3")
    known = h1.run(["cat", "/root/.ssh/known_hosts"]).stdout
    of_h2 = next(line for line in known.splitlines() if line.startswith("h2"))
    try:
        (h1.folder / "hosts").write_text(wrong, encoding="ascii")
        h1.run(["tee", "/root/.ssh/known_hosts"], input=f"{known}h3 {of_h2.split(' ', 1)[1]}\n")
        found = findings(fleet, "h3")
    finally:
        (h1.folder / "hosts").write_text(names, encoding="ascii")
        h1.run(["tee", "/root/.ssh/known_hosts"], input=known)
    assert {("h1 → h3", "way-elsewhere")} == set(found)
