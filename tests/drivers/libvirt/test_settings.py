"""Settings that documents ask for are changed on real guests: as they run, and as they boot next."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reconciler.core.observed import Registration
from tests.drivers.libvirt.site import Site, assert_whole
from tests.lab.guests.guest import Guest
from tests.lab.hosts.cgroups import hierarchies
from tests.lab.waiting import until

pytestmark = pytest.mark.slow

SHARES_OF_ONE_CPU = 100 if any(hierarchy.unified for hierarchy in hierarchies()) else 1024
"""The kernel's own weight, by version of its control groups."""
LIVE, STORED = "--live", "--config"
AS_JSON = ("-o", "json")
NOTHING_TO_DO = "Nothing was done; the fleet is as declared"


def entry(site: Site, guest: Guest, host: str = "h1") -> Registration:
    """Its registration, which is there."""
    found = site.entry(host, guest)
    assert found is not None
    return found


def ballooned(site: Site, name: str = "web", **made_as: Any) -> Guest:
    """A guest of 128 MiB on h1 whose balloon driver answers."""
    guest = site.lab.guest(name, "h1", memory_mib=128, **made_as)
    guest.await_ticks(2)
    until("its balloon driver answers", lambda: entry(site, guest).memory_step_mib == 1, pause_s=1.0)
    return guest


def balloon_kib(site: Site, guest: Guest, host: str = "h1") -> int:
    """What libvirt says that the guest has now."""
    figures = dict(line.split() for line in site.lab[host].virsh("dommemstat", guest.name).splitlines())
    return int(figures["actual"])


def stored_kib(site: Site, guest: Guest, host: str = "h1") -> int:
    """What it has when it boots next."""
    [kib] = re.findall(r"<currentMemory unit='KiB'>(\d+)<", site.lab[host].virsh("dumpxml", guest.name, "--inactive"))
    return int(kib)


def scheduled(site: Site, guest: Guest, scope: str, host: str = "h1") -> tuple[int, int]:
    """Its weight and quota, as it runs or as it boots next; (0, 0) where nothing is stored."""
    lines = site.lab[host].virsh("schedinfo", guest.name, scope).splitlines()
    figures = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return int(figures["cpu_shares"]), int(figures["vcpu_quota"])


def percent(share: int, vcpus: int = 1) -> int:
    """The weight that stands for this."""
    return SHARES_OF_ONE_CPU * share * vcpus // 100


def refused(site: Site, guest: Guest, *words: str) -> None:
    """The document's settings are not given to it, these words say why, and it is as it was."""
    before = site.lab["h1"].virsh("dumpxml", guest.name, "--inactive")
    site.commit(**{guest.name: "h1"})
    told = site.apply(6).out
    for word in words:
        assert word in " ".join(told.split()), told
    assert before == site.lab["h1"].virsh("dumpxml", guest.name, "--inactive")


# -------------------------------------------------------------------------------------------------------------- memory


def test_memory_is_set_by_balloon_in_the_guest_and_for_its_next_boot(site: Site) -> None:
    web = ballooned(site)
    boot, before_kib = web.boot(), web.ticks()[-1].memory_total_kib
    site.more["web"] = "  memory: {size: 100MiB, min: 90MiB}\n"
    site.commit(web="h1")
    site.apply()
    assert [100 << 10] * 2 == [balloon_kib(site, web), stored_kib(site, web)]
    [tick] = web.await_ticks(1)[-1:]
    assert (28 << 10) == before_kib - tick.memory_total_kib
    assert (boot, 128) == (web.boot(), entry(site, web).memory_mib), "the most it may take stays"
    assert NOTHING_TO_DO in site.apply().out
    assert 100 << 10 == balloon_kib(site, web)
    assert_whole(site, web, "h1")


@pytest.mark.long
def test_memory_that_was_taken_is_given_back(site: Site) -> None:
    web = ballooned(site)
    before_kib = web.ticks()[-1].memory_total_kib
    for size_mib in (100, 128):
        site.more["web"] = f"  memory: {{size: {size_mib}MiB, min: 90MiB}}\n"
        site.commit(web="h1")
        site.apply()
    assert [128 << 10] * 2 == [balloon_kib(site, web), stored_kib(site, web)]
    assert before_kib == web.await_ticks(1)[-1].memory_total_kib


MEMORY_REFUSED = {
    "less than it needs": "{size: 80MiB, min: 90MiB}",
    "without what it needs": "{size: 100MiB}",
    "more than it may have": "{size: 256MiB, min: 90MiB}",
}


def test_memory_that_a_guest_must_not_have_is_refused(site: Site) -> None:
    web = ballooned(site)
    before_kib = web.ticks()[-1].memory_total_kib
    for wish in MEMORY_REFUSED.values():
        site.more["web"] = f"  memory: {wish}\n"
        refused(site, web, "MemoryOutOfRange")
    assert 128 << 10 == balloon_kib(site, web)
    assert before_kib == web.await_ticks(1)[-1].memory_total_kib


RIGID = [
    pytest.param({"kernel_words": "module_blacklist=virtio_balloon"}, id="no driver"),
    pytest.param({"balloon": "<memballoon model='none'/>"}, id="no balloon", marks=pytest.mark.long),
]


@pytest.mark.parametrize("made_as", RIGID)
def test_memory_of_a_guest_without_a_balloon_that_answers_is_left_alone(site: Site, made_as: dict[str, Any]) -> None:
    """`virsh setmem` would report success."""
    web = site.lab.guest("web", "h1", memory_mib=128, **made_as)
    web.await_ticks(6)
    before_kib = web.ticks()[-1].memory_total_kib
    site.more["web"] = "  memory: {size: 100MiB, min: 90MiB}\n"
    refused(site, web, "MemoryNotDynamic")
    assert before_kib == web.await_ticks(1)[-1].memory_total_kib


def test_memory_is_not_set_while_a_guest_is_stopped(site: Site) -> None:
    batch = site.lab.guest("batch", "h1", memory_mib=128, running=False)
    site.more["batch"] = "  memory: {size: 100MiB, min: 90MiB}\n"
    refused(site, batch, "NotRunning")


# ---------------------------------------------------------------------------------------------------------- processors


def test_an_entitlement_becomes_a_weight_for_all_virtual_cpus(site: Site) -> None:
    web = site.lab.guest("web", "h1", vcpus=2)
    site.more["web"] = "  cpu: {entitlement: 30%}\n"
    site.commit(web="h1")
    site.apply()
    assert [percent(30, 2)] * 2 == [scheduled(site, web, scope)[0] for scope in (LIVE, STORED)]
    assert 30 == entry(site, web).cpu_entitlement_percent
    assert NOTHING_TO_DO in site.apply().out


def test_a_cap_becomes_a_quota_and_is_lifted_by_100_percent(site: Site) -> None:
    web = site.lab.guest("web", "h1")
    for cap, quota in ((50, 50_000), (100, -1)):
        site.more["web"] = f"  cpu: {{cap: {cap}%}}\n"
        site.commit(web="h1")
        site.apply()
        quotas = [scheduled(site, web, scope)[1] for scope in (LIVE, STORED)]
        assert [quota] * 2 == [max(-1, found) if found < 1 << 44 else -1 for found in quotas]
        assert (cap, 0) == (entry(site, web).cpu_cap_percent, entry(site, web).cpu_entitlement_percent)
        assert NOTHING_TO_DO in site.apply().out


def test_settings_asked_for_at_once_are_not_mixed_up_and_travel_online(site: Site) -> None:
    web = ballooned(site)
    boot = web.boot()
    site.more["web"] = "  cpu: {entitlement: 25%, cap: 60%}\n  memory: {size: 100MiB, min: 90MiB}\n  autostart: on\n"
    site.commit(web="h1")
    site.apply()
    for home in ("h1", "h2"):
        site.commit(web=home)
        site.apply()
        assert [(percent(25), 60_000)] * 2 == [scheduled(site, web, scope, home) for scope in (LIVE, STORED)]
        assert [100 << 10] * 2 == [balloon_kib(site, web, home), stored_kib(site, web, home)]
        found = entry(site, web, home)
        assert (25, 60, True) == (found.cpu_entitlement_percent, found.cpu_cap_percent, found.autostart)
        assert_whole(site, web, home)
    web.await_ticks(1)
    assert boot == web.boot()
    assert NOTHING_TO_DO in site.apply().out


def test_a_stopped_guest_is_changed_as_it_is_stored(site: Site) -> None:
    batch = site.lab.guest("batch", "h1", vcpus=2, running=False)
    site.more["batch"] = "  cpu: {entitlement: 20%, cap: 40%}\n  autostart: on\n"
    site.commit(batch="h1")
    site.apply()
    assert (percent(20, 2), 40_000) == scheduled(site, batch, STORED)
    assert [] == site.running_on(batch)
    assert entry(site, batch).autostart is True
    site.lab["h1"].virsh("start", "batch")
    assert (percent(20, 2), 40_000) == scheduled(site, batch, LIVE), "this is how it boots"


def test_autostart_is_switched_on_and_off(site: Site) -> None:
    site.lab.guest("web", "h1")
    for word in ("on", "off"):
        site.more["web"] = f"  autostart: {word}\n"
        site.commit(web="h1")
        site.apply()
        listed = site.lab["h1"].virsh("list", "--all", "--autostart", "--name").split()
        assert (["web"] if word == "on" else []) == listed
        assert NOTHING_TO_DO in site.apply().out


# ------------------------------------------------------------------------------------------------------- around a move


def test_a_guest_is_made_smaller_so_that_it_fits_and_gets_more_once_it_is_there(site: Site) -> None:
    """Of two processors `erp` is guaranteed 160 %: there are 40 % left, and 60 % for `web` do not fit."""
    with site.settings.open("a", encoding="utf-8") as settings:
        settings.write("[drivers.libvirt.hosts]\nh2 = {cpus = 2}\n")
    web, erp = ballooned(site), site.lab.guest("erp", "h2", vcpus=2)
    boot = web.boot()
    site.more = {"web": "  cpu: {entitlement: 60%}\n", "erp": "  cpu: {entitlement: 80%}\n"}
    site.commit(web="h1", erp="h2")
    site.apply()
    site.commit(web="h2")
    assert "NoRoom" in site.apply(6).out
    assert [(["h1"], percent(60))] == [(site.running_on(web), scheduled(site, web, LIVE)[0])]

    site.more["web"] = "  cpu: {entitlement: 40%}\n  memory: {size: 100MiB, min: 90MiB}\n"
    site.commit(web="h2")
    assert ["web set done", "web migrate done"] == site.apply(0, *AS_JSON).steps
    assert [percent(40)] * 2 == [scheduled(site, web, scope, "h2")[0] for scope in (LIVE, STORED)]
    assert [100 << 10] * 2 == [balloon_kib(site, web, "h2"), stored_kib(site, web, "h2")]
    assert_whole(site, web, "h2")

    site.more["web"] = "  cpu: {entitlement: 70%}\n  memory: {size: 120MiB, min: 90MiB}\n"
    site.commit(web="h1")
    assert ["web migrate done", "web set done"] == site.apply(0, *AS_JSON).steps
    assert [percent(70)] * 2 == [scheduled(site, web, scope)[0] for scope in (LIVE, STORED)]
    assert [120 << 10] * 2 == [balloon_kib(site, web), stored_kib(site, web)]
    assert_whole(site, web, "h1")
    assert_whole(site, erp, "h2")
    web.await_ticks(1)
    assert boot == web.boot()
    assert NOTHING_TO_DO in site.apply().out
