"""Real guests move between real hosts, and say themselves that nothing was lost."""

from __future__ import annotations

import pytest

from tests.drivers.libvirt.site import DOWNTIME, Site, assert_whole

pytestmark = pytest.mark.slow


def test_a_running_guest_on_shared_storage_moves_online_there_and_back(site: Site) -> None:
    web = site.lab.guest("web", "h1")
    web.await_ticks(3)
    boot = web.boot()
    for home in ("h2", "h1"):
        site.commit(web=home)
        site.apply()
        assert [home] == site.running_on(web) == site.defined_on(web)
        web.await_ticks(2)
        assert boot == web.boot()
        counters = [tick.counter for tick in web.ticks()]
        assert list(range(1, len(counters) + 1)) == counters
        assert [] == site.lab.leftovers()
        assert [] == [*site.book("h1"), *site.book("h2")]
    ran = site.apply()
    assert "Nothing was done; the fleet is as declared" in ran.out


def test_a_running_guest_with_a_local_disk_moves_offline(site: Site) -> None:
    db = site.lab.guest("db", "h1", disk="local", autostart=True)
    db.await_ticks(3)
    boot, before = db.boot(), db.on_disk("h1")
    site.more["db"] = DOWNTIME
    site.commit(db="h2")
    ran = site.apply()
    assert ["h2"] == site.running_on(db) == site.defined_on(db), ran.out
    db.await_ticks(2)
    assert boot != db.boot()
    after = db.on_disk("h2")
    assert before is not None
    assert after is not None
    assert before.counter < after.counter
    assert "Autostart:      enable" in site.lab["h2"].virsh("dominfo", "db")
    [kept] = site.lab["h1"].run(["ls", "/srv/local"]).stdout.split()
    assert kept.startswith("db.qcow2.moved-")
    assert f"its disks at h1 are kept: /srv/local/{kept}" in ran.err


def test_a_running_guest_with_a_local_disk_moves_online_where_its_document_lets_it_be_copied(site: Site) -> None:
    db = site.lab.guest("db", "h1", disk="local")
    db.await_ticks(3)
    boot = db.boot()
    site.more["db"] = "  migration: {storageCopy: online, cleanup: delete}\n"
    site.commit(db="h2")
    site.apply()
    assert_whole(site, db, "h2")
    db.await_ticks(3)
    assert boot == db.boot()
    ticks = db.ticks()
    assert list(range(1, len(ticks) + 1)) == [tick.counter for tick in ticks]
    assert {"ok"} == {tick.disk for tick in ticks[1:]}, "every write has reached its disk"
    on_disk = db.on_disk("h2")
    assert on_disk is not None
    assert boot == on_disk.boot
    assert on_disk.counter >= len(ticks) - 1
    assert "" == site.lab["h1"].run(["ls", "/srv/local"]).stdout, "proven, and its document says delete"


def test_a_stopped_guest_moves_and_stays_stopped(site: Site) -> None:
    batch = site.lab.guest("batch", "h1", disk="local", running=False)
    content = batch.image("h1").read_bytes()
    site.more["batch"] = "  migration: {cleanup: delete}\n"
    site.commit(batch="h2")
    site.apply()
    assert ([], ["h2"]) == (site.running_on(batch), site.defined_on(batch))
    assert content == batch.image("h2").read_bytes()
    assert [] == site.lab.leftovers()
    assert [] == [*site.book("h1"), *site.book("h2")]


def test_two_guests_change_places_over_a_third_host(site: Site) -> None:
    for host in ("h1", "h2", "h3"):
        site.lab[host].pretend_memory(64 + 220)
    one, two = site.lab.guest("one", "h1", memory_mib=160), site.lab.guest("two", "h2", memory_mib=160)
    boots = [guest.boot() for guest in (one, two) if guest.await_ticks(2)]
    site.commit(one="h2", two="h1")
    plan = site.call("plan")
    assert "h3" in plan.out, plan.out
    site.apply()
    assert_whole(site, one, "h2")
    assert_whole(site, two, "h1")
    assert boots == [guest.boot() for guest in (one, two) if guest.await_ticks(1)]


def test_a_host_is_drained_of_four_guests_within_the_limits(site: Site) -> None:
    names = ("g1", "g2", "g3", "g4")
    guests = [site.lab.guest(name, "h1", memory_mib=80) for name in names]
    boots = [guest.boot() for guest in guests if guest.await_ticks(2)]
    site.fleet = "  limits: {concurrent: 2, concurrentOut: 2, concurrentIn: 1, concurrentPerHost: 2}\n"
    site.commit(g1="h2", g2="h3", g3="h2", g4="h3")
    site.apply()
    for guest, home in zip(guests, ("h2", "h3", "h2", "h3"), strict=True):
        assert_whole(site, guest, home)
    assert boots == [guest.boot() for guest in guests if guest.await_ticks(1)]
    spans = [(step["started"], step["ended"]) for step in site.last_run()["steps"]]
    at_once = [sum(began <= moment < ended for began, ended in spans) for moment, _ in spans]
    assert (4, True) == (len(spans), max(at_once) <= 2), "no more at once than the limits say"
