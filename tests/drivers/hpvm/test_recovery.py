"""What befell hosts passes, and what lay in the way is mended by a person: one more `apply` ends right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.core.commands import Verb
from reconciler.core.model import RunState
from reconciler.drivers.simulated.faults import Fault, FaultKind
from tests.drivers.hosts.shell import say
from tests.drivers.hosts.variants import Variants
from tests.drivers.hpvm.fleet import UUIDS, Real, world
from tests.drivers.hpvm.test_bad_hosts import BAD, IMPATIENT
from tests.drivers.hpvm.test_crashes import begin, ended, moving, until
from tests.drivers.hpvm.test_parse_any_text import RECORD

pytestmark = pytest.mark.slow

DOWNTIME = "  migration: {downtime: allowed, stop: {graceful: 30s}}\n"
BOOK = "/var/opt/reconciler"
PATIENT = {"hangs", "hangs in every command"}
"""What takes seconds to be noticed."""


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    """Two hosts, and settings without patience; `web` shall go from a to b."""
    with Real.started(tmp_path, world(2), speed=200.0) as started:
        text = started.settings.read_text(encoding="utf-8")
        started.settings.write_text(text.replace("[ssh]\n", IMPATIENT), encoding="utf-8")
        started.commit(web="b")
        yield started


def arrives(real: Real, guest: str = "web", *more: str) -> None:
    """One more `apply` brings the guest to b, and then there is nothing to do."""
    applied = real.call("apply", "--yes", *more)
    assert (0, ["b"], True) == (applied.code, real.where(guest), real.nothing_lost()), applied.out + applied.err
    with real.hosts.change() as there:
        assert RunState.RUNNING is there.fleet.hosts["b"].copies[UUIDS[guest]].state
    assert 0 == real.call("diff").code
    assert {"records", "jobs"} >= {entry for host in "ab" for entry in real.book(host)}


# -------------------------------------------------------------------------------------------------- bad hosts get well


def keep(real: Real) -> Callable[[], None]:
    """What puts host b back as it is now."""
    keys = real.hosts.machines["b"].home / ".ssh" / "authorized_keys"
    host_key = real.hosts.machines["b"].host_key
    files = (keys, host_key, host_key.with_suffix(".pub"))
    saved = {path: path.read_bytes() for path in files if path.exists()}

    def put_back() -> None:
        rekeyed = host_key.read_bytes() != saved[host_key]
        for path, content in saved.items():
            path.write_bytes(content)
        if rekeyed:
            real.hosts.machines["b"].restart_server()
        real.hosts.catalogue.variants = Variants()
        real.hosts.heal("b")

    return put_back


def test_a_host_that_is_well_again_takes_its_guest(real: Real) -> None:
    """After everything that can be bad about a host, one after the other."""
    put_back = keep(real)
    for what in sorted(BAD.keys() - PATIENT):
        BAD[what][0](real)
        found = real.call("apply", "--yes")
        assert (6, ["a"]) == (found.code, real.where("web")), f"{what}: {found.out}{found.err}"
        put_back()
    assert [] == real.bench.sent()
    arrives(real)


# ------------------------------------------------------------------------------------------------------- move records


TEXT = f"1 m1 u1 c claimed 0 1\n{json.dumps(RECORD.to_json())}\n"


def changed(key: str, value: object) -> str:
    """A sound record but for one value."""
    head, _, body = TEXT.partition("\n")
    return f"{head}\n{json.dumps({**json.loads(body), key: value})}\n"


SPOILT = {
    "rubbish": "rubbish\n",
    "nothing": "",
    "cut short": TEXT[: len(TEXT) // 2],
    "of another version": changed("version", 99),
    "with a hostile name": changed("guest_name", "web;reboot"),
    "with a number that is none": changed("expires_s", "soon"),
    "of another guest than its head says": TEXT.replace("u1", "u2", 1),
}


def test_a_record_that_cannot_be_read_holds_its_host_until_a_person_takes_it_away(real: Real) -> None:
    path = real.hosts.path("b", f"{BOOK}/records/{RECORD.guest_uuid}")
    path.parent.mkdir(parents=True)
    for what, text in SPOILT.items():
        path.write_text(text)
        found = real.call("apply", "--yes")
        assert (6, True) == (found.code, "HostUnreachable" in found.out), f"{what}: {found.out}{found.err}"
    assert "move record" in " ".join(real.call("check", "b").out.split())
    assert ([], ["a"]) == (real.bench.sent(), real.where("web"))
    path.unlink()
    arrives(real)


# ---------------------------------------------------------------------------------------------------- in mid-migration


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Real]:
    """`web` shall go from a to b, and takes four seconds."""
    with Real.started(tmp_path, world(2), speed=6.0) as started:
        started.commit(web="b")
        yield started


def test_disks_that_fill_up_in_mid_migration_lose_neither_guest_nor_record(slow: Real) -> None:
    process = begin(slow)
    for host in "ab":
        slow.hosts.fill(host)
    until("the migration ends", lambda: not moving(slow))
    process.kill()
    process.communicate()
    assert 1 == len(slow.where("web"))
    full = slow.call("apply", "--yes")
    assert 1 == len(slow.where("web")), full.out + full.err
    for host in "ab":
        slow.hosts.empty(host)
    arrives(slow)
    assert 1 == slow.bench.sent().count("migrate")


def test_a_target_that_falls_silent_in_mid_migration_is_waited_for(slow: Real) -> None:
    """Its end is seen on the source alone: that is not enough to call it done, and nothing is begun anew."""
    process = begin(slow)
    slow.hosts.machines["b"].stop_listening()  # from the controller only: the hosts still see each other
    until("the migration ends", lambda: not moving(slow))
    assert process.poll() is None, "it waits for the target"
    slow.hosts.machines["b"].heal()
    code, out = ended(process)
    assert (0, ["b"], True) == (code, slow.where("web"), slow.nothing_lost()), out
    assert 1 == slow.bench.sent().count("migrate")


# ------------------------------------------------------------------------------------------------ what a person mends


def test_a_guest_that_is_not_runnable_anywhere_waits_for_a_person(real: Real) -> None:
    """A rare end of an offline migration (Integrity VM 4.2 manual, p. 181)."""
    with real.hosts.change() as there:
        there.faults.add(Fault(FaultKind.BOTH_NOT_RUNNABLE, Verb.MIGRATE, "a"))
    real.more["db"] = DOWNTIME
    real.commit(web="a", db="b")
    failed = real.call("apply", "--yes")
    assert 0 != failed.code
    assert ([], True) == (real.where("db"), real.nothing_lost()), failed.out + failed.err
    sent = real.bench.sent()
    again = real.call("apply", "--yes")
    assert (4, True) == (again.code, "NotRunnableAnywhere" in again.out), again.out + again.err
    assert (sent, []) == (real.bench.sent(), real.where("db"))
    assert 0 == say(real.hosts, "a", "hpvmmodify -P db -x register_status=enabled && hpvmstart -P db").status
    real.hosts.wind(60)
    real.call("apply", "--yes")  # the move that came to nothing ends where the person put the guest, and is begun anew
    assert (1, True) == (len(real.where("db")), real.nothing_lost())
    arrives(real, "db", "--retry", "db")


def test_one_of_two_copies_is_taken_away(real: Real) -> None:
    with real.hosts.change() as there:
        there.move_by_hand(UUIDS["web"], "b", leave_definition=True)
    held = real.call("apply", "--yes")
    assert (6, []) == (held.code, real.bench.sent())
    assert "Duplicated" in held.out + held.err
    assert 0 == say(real.hosts, "a", "hpvmmodify -P web -x register_status=disabled").status
    arrives(real)
