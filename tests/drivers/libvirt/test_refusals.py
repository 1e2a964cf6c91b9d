"""What libvirt, a host or a document does not allow is refused before anything is done to a guest."""

from __future__ import annotations

import pytest

from tests.drivers.libvirt.site import DOWNTIME, Site, assert_whole
from tests.lab.guests.guest import Guest

pytestmark = pytest.mark.slow

MACHINE = "pc-i440fx-7.2"
NEHALEM = "<cpu mode='custom' match='exact' check='partial'><model fallback='forbid'>Nehalem</model></cpu>"

RICH = """\
<cpu mode='custom' match='exact' check='partial'>
  <model fallback='forbid'>qemu64</model>
  <feature policy='require' name='aes'/><feature policy='require' name='popcnt'/>
  <feature policy='require' name='ssse3'/>
</cpu>"""


def refused(site: Site, guest: Guest, *words: str) -> None:
    """It stays on h1 and counts on; what is printed has these words."""
    guest.await_ticks(2)
    boot, before = guest.boot(), len(guest.ticks())
    site.commit(**{guest.name: "h2"})
    told = site.apply(6).out
    flat = " ".join(told.split())
    for word in words:
        assert word in flat, told
    guest.await_ticks(1)
    assert boot == guest.boot()
    assert list(range(1, before + 1)) == [tick.counter for tick in guest.ticks()][:before]
    assert_whole(site, guest, "h1")


def test_a_machine_type_that_the_target_lacks(site: Site) -> None:
    site.lab["h2"].make_older(machines=[MACHINE])
    web = site.lab.guest("web", "h1")
    site.more["web"] = DOWNTIME
    refused(site, web, MACHINE, "h2")


def test_a_cpu_model_that_the_target_lacks(site: Site) -> None:
    site.lab["h2"].make_older(cpu_models=["Nehalem"])
    web = site.lab.guest("web", "h1", cpu=NEHALEM)
    refused(site, web, "h2 does not say that it knows CPU model Nehalem")


def test_features_of_its_cpu_that_the_target_lacks_are_all_named(site: Site) -> None:
    site.lab["h2"].make_older(cpu_features=["aes", "popcnt"])
    web = site.lab.guest("web", "h1", cpu=RICH)
    refused(site, web, "aes, popcnt", "h2")


def test_a_target_with_too_little_memory(site: Site) -> None:
    site.lab["h2"].pretend_memory(128)
    refused(site, site.lab.guest("web", "h1"), "NoRoom")


def test_a_network_that_the_target_lacks(site: Site) -> None:
    web = site.lab.guest("web", "h1", networks=("br0",))
    site.lab["h2"].run(["ip", "link", "del", "br0"])
    refused(site, web, "br0")


def test_a_local_disk_for_which_the_target_has_no_place(site: Site) -> None:
    db = site.lab.guest("db", "h1", disk="local")
    site.more["db"] = DOWNTIME
    site.lab["h2"].run(["touch", db.disk_path])
    db.await_ticks(2)
    site.commit(db="h2")
    told = site.apply(6).out
    assert db.disk_path in " ".join(told.split()), told
    assert ["h1"] == site.running_on(db) == site.defined_on(db)
    assert 1 == len({tick.boot for tick in db.ticks()}), "nobody has stopped it"


def test_a_snapshot_keeps_a_guest_where_it_is(site: Site) -> None:
    web = site.lab.guest("web", "h1")
    site.lab["h1"].virsh("snapshot-create-as", "web", "before", "--disk-only", "--no-metadata")
    web.await_ticks(1)
    site.commit(web="h2")
    told = site.apply(6).out
    assert "layers over other images: vda" in " ".join(told.split()), told
    assert ["h1"] == site.running_on(web) == site.defined_on(web)
