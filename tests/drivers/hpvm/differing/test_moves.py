"""Whole moves on hosts that say other things than they do: the state of the world decides, on every way there.

With test_looks, names every assumption of reconciler.drivers.hpvm.assumptions, or says why none of them can.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.core.commands import Verb
from reconciler.core.model import RunState
from reconciler.drivers.hpvm.assumptions import ASSUMPTIONS
from reconciler.drivers.simulated.faults import Fault, FaultKind
from reconciler.drivers.simulated.world import World
from tests.drivers.hosts.variants import Variants
from tests.drivers.hpvm.differing.test_looks import CHATTER, READ
from tests.drivers.hpvm.fleet import UUIDS, Real, world

pytestmark = pytest.mark.slow

SPEED = 200.0
DOWNTIME = "  migration: {downtime: allowed, stop: {graceful: 2s}}\n"
BACKWARDS = Variants(status_after_success=1, status_after_failure=0, success_line=False, progress=False)
MUTE = Variants(success_line=False, progress=False, boot_time=False)
NOISY = Variants(stderr_chatter=CHATTER, stdout_chatter=CHATTER, labels_reversed=True, extra_columns=True)


def as_it_is(_: World) -> None:
    """Nothing is in the way."""


def first_migration_fails(there: World) -> None:
    """The first job comes to nothing, at its half."""
    there.faults.add(Fault(FaultKind.JOB_FAIL, Verb.MIGRATE, "a", at_percent=50))


def automatic(there: World) -> None:
    """Guests start with their host; else they do not, though a copy on a new host does unless it is told."""
    for copy in there.fleet.hosts["a"].copies.values():
        copy.autostart = True


ARRIVE: dict[str, tuple[str, Variants, Callable[[World], None]]] = {
    "exit-status: backwards, online, after a failure": ("web", BACKWARDS, first_migration_fails),
    "exit-status: backwards, offline, after a failure": ("db", BACKWARDS, first_migration_fails),
    "migrate-progress: no word of it": ("web", MUTE, as_it_is),
    "migrate-check: any output": ("web", NOISY, as_it_is),
    "migrate-copy: another path": ("db", NOISY, as_it_is),
    "attributes-left-behind: carried along": ("web", Variants(start_type_carried=True), automatic),
}
"""Assumption and variant -> the guest that shall go from a to b, how hosts differ, what is arranged."""

ELSEWHERE = {
    "modify-memory": "tests/drivers/contract/test_settings.py: it has no variant, as-is is all there is",
}
"""Assumptions that no test of a variant names, and why."""


@pytest.mark.parametrize("what", ARRIVE)
def test_a_guest_arrives_whatever_hosts_say(tmp_path: Path, what: str) -> None:
    guest, variants, arrange = ARRIVE[what]
    there = world(2)
    arrange(there)
    with Real.started(tmp_path, there, speed=SPEED, variants=variants) as real:
        real.more["db"] = DOWNTIME
        real.commit(**{guest: "b"})
        applied = real.call("apply", "--yes")
        said = applied.out + applied.err
        if arrange is first_migration_fails and guest == "db":
            assert (["a"], True) == (real.where(guest), real.nothing_lost()), said
            assert "it was stopped, and runs again on a" in " ".join(said.split()), said
            applied = real.call("apply", "--yes", "--retry", guest)
        assert (["b"], True) == (real.where(guest), real.nothing_lost()), said
        with real.hosts.change() as after:
            copy = after.fleet.hosts["b"].copies[UUIDS[guest]]
            assert RunState.RUNNING is copy.state, said
            assert (arrange is automatic) is copy.autostart
        assert (2 if arrange is first_migration_fails else 1) == real.bench.sent().count("migrate"), said
        assert 0 == applied.code, said
        assert 0 == real.call("apply", "--yes").code


def test_a_guest_that_cannot_move_stays_whatever_hosts_say(tmp_path: Path) -> None:
    """`exit-status`: each attempt ends with what looks like success, and none of them is one."""
    there = world(2)
    there.fleet.guests[UUIDS["web"]].dirty_mib_s = 1e6
    with Real.started(tmp_path, there, speed=SPEED, variants=BACKWARDS) as real:
        real.more["web"] = "  migration: {attempts: 2}\n"
        real.commit(web="b")
        applied = real.call("apply", "--yes")
        assert 0 != applied.code
        assert (["a"], True) == (real.where("web"), real.nothing_lost()), applied.out + applied.err
        assert 2 == real.bench.sent().count("migrate")
        assert {"start", "stop", "stop-hard"}.isdisjoint(real.bench.sent())


def test_a_check_that_refuses_ends_a_move_before_it_begins(tmp_path: Path) -> None:
    """`migrate-check`: the one exit status that decides, and what was printed is told."""
    there = world(2)
    with Real.started(tmp_path, there, variants=NOISY) as real:
        real.commit(web="b")
        with real.hosts.change():  # the platform itself does not get from a to b
            real.hosts.server.connected = lambda *hosts: set(hosts) != {"a", "b"}  # type: ignore[method-assign]  # a cut
        applied = real.call("apply", "--yes")
        assert 0 != applied.code
        assert "SSH execution error" in " ".join((applied.out + applied.err).split()), applied.out + applied.err
        assert {"migrate", "stop", "start"}.isdisjoint(real.bench.sent())
        assert (["a"], True) == (real.where("web"), real.nothing_lost())


def test_a_guest_that_does_not_stop_runs_on(tmp_path: Path) -> None:
    """`stop-flags`: hpvmstop asks, and nobody cuts the power unless the document says so."""
    there = world(2)
    there.fleet.guests[UUIDS["db"]].shutdown_s = None
    with Real.started(tmp_path, there, speed=SPEED) as real:
        real.more["db"] = DOWNTIME
        real.commit(db="b")
        applied = real.call("apply", "--yes")
        assert 0 != applied.code
        with real.hosts.change() as after:
            assert RunState.RUNNING is after.fleet.hosts["a"].copies[UUIDS["db"]].state
        assert (["a"], True) == (real.where("db"), real.nothing_lost()), applied.out + applied.err
        assert {"migrate", "stop-hard"}.isdisjoint(real.bench.sent())


def test_every_assumption_is_named_by_a_test() -> None:
    here = {what.partition(":")[0] for what in ARRIVE} | {"stop-flags"}
    named = {id for id, *_ in READ} | here | {"san-by-wwid"} | set(ELSEWHERE)
    assert {entry.id for entry in ASSUMPTIONS} == named
    assert set() == set(ELSEWHERE) & ({id for id, *_ in READ} | here)
