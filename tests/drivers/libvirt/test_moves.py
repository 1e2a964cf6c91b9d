"""Real guests move between real hosts, and say themselves that nothing was lost."""

from __future__ import annotations

import pytest

from tests.drivers.libvirt.site import DOWNTIME, Site

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
