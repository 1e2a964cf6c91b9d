"""Hosts that fail, lie or are somebody else: one clear finding each, nothing lost, no command that should not be."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.drivers.hosts.shell import begin
from tests.drivers.hosts.variants import Lie, Variants
from tests.drivers.hpvm.fleet import UUIDS, Real, world

pytestmark = pytest.mark.slow

IMPATIENT = "[ssh]\nconnect_timeout_s = 2\ncommand_timeout_s = 4\n"


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    """Three hosts, and settings without patience; `web` shall go from a to b."""
    with Real.started(tmp_path) as started:
        text = started.settings.read_text(encoding="utf-8")
        started.settings.write_text(text.replace("[ssh]\n", IMPATIENT), encoding="utf-8")
        assert 0 == started.call("diff").code
        started.commit(web="b")
        yield started


def mutating(real: Real) -> list[str]:
    """The verbs of all commands that were sent and change something."""
    return real.bench.sent()


# ------------------------------------------------------------------------------------------- what a look comes up with


def refuse_the_key(real: Real) -> None:
    (real.hosts.machines["b"].home / ".ssh" / "authorized_keys").write_text("")


def lies(lie: Lie) -> Callable[[Real], None]:
    def tell(real: Real) -> None:
        real.hosts.catalogue.variants = replace(real.hosts.catalogue.variants, lies={"b": lie})

    return tell


def shows(name: str) -> Callable[[Real], None]:
    def tell(real: Real) -> None:
        real.hosts.catalogue.variants = replace(real.hosts.catalogue.variants, shown_names={"batch": name})

    return tell


BAD: dict[str, tuple[Callable[[Real], None], str]] = {
    "does not answer": (lambda real: real.hosts.cut("b"), "connection-refused"),
    "hangs": (lambda real: real.hosts.hang("b"), "said nothing within 2 s"),
    "refuses our key": (refuse_the_key, "refuses our key"),
    "shows another key": (lambda real: real.hosts.rekey("b"), "host-key-changed"),
    "prints garbage": (lies(Lie.GARBAGE), "host-unreadable"),
    "prints without end": (lies(Lie.ENDLESS), "said more than 4194304 bytes"),
    "prints nothing": (lies(Lie.SILENT), "does not say that this is a VM Host"),
    "hangs in every command": (lies(Lie.HANGS), "took longer than 4 s"),
    "has a guest with a shell's signs in its name": (shows("a;reboot"), "must not be used"),
    "has a guest with a terminal's signs in its name": (shows("\x1b[2Jx"), "must not be used"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_host_is_one_finding_and_nothing_is_sent(real: Real, what: str) -> None:
    befall, _ = BAD[what]
    befall(real)
    planned = real.call("plan", "-o", "json")
    assert [("web", "HostUnreachable")] == [
        (entry["guest"], entry["reason"]) for entry in planned.json["blocked"] if entry["guest"] == "web"
    ]
    said = " ".join(real.call("plan").out.split())
    assert "web" in said
    assert "\x1b" not in said
    applied = real.call("apply", "--yes")
    assert 6 == applied.code, applied.err
    assert [] == mutating(real)
    assert (["a"], True) == (real.where("web"), real.nothing_lost())


@pytest.mark.parametrize("what", BAD)
def test_what_is_said_of_a_bad_host_names_the_trouble(real: Real, what: str) -> None:
    befall, words = BAD[what]
    befall(real)
    said = " ".join(f"{real.call('check').out}".split())
    assert words in said, said


# ------------------------------------------------------------------------------------------------------ who is who


def test_two_documents_for_one_machine_stop_everything_about_it(real: Real) -> None:
    fleet = real.hosts
    key = next(line for line in fleet.known_hosts_file.read_text().splitlines() if line.startswith("a "))
    fleet.known_hosts_file.write_text(fleet.known_hosts_file.read_text() + key.replace("a ", "twin ", 1) + "\n")
    twin = f"driver: hpvm, address: {fleet.address('a')}, port: {fleet.port('a')}"
    text = "apiVersion: reconciler/v1alpha1\nkind: Host\nmetadata: {name: twin}\nspec: {" + twin + "}\n"
    (real.folder / "repo" / "twin.yaml").write_text(text)
    real.commit()
    applied = real.call("apply", "--yes")
    assert 6 == applied.code
    assert "answers as" in " ".join(applied.err.split() + applied.out.split())
    assert ([], ["a"]) == (mutating(real), real.where("web"))


def test_a_host_that_became_another_machine_is_held_until_a_person_accepts_it(real: Real) -> None:
    real.commit(web="a")
    assert 0 == real.call("apply", "--yes").code
    with real.hosts.change() as there:
        there.fleet.hosts["b"].machine_id = "another"
        there.fleet.touch(there.fleet.hosts["b"])
    real.commit(web="b")
    held = real.call("apply", "--yes")
    assert (6, []) == (held.code, mutating(real))
    assert "is now" in held.out + held.err
    accepted = real.call("apply", "--yes", "--accept-machine", "b")
    assert (0, ["b"]) == (accepted.code, real.where("web")), accepted.out + accepted.err


# ------------------------------------------------------------------------------------------- copies that must not be


def test_two_runnable_copies_are_hands_off(real: Real) -> None:
    with real.hosts.change() as there:
        there.move_by_hand(UUIDS["web"], "c", leave_definition=True)
    found = real.call("plan")
    assert 6 == found.code
    assert "Duplicated" in found.out
    real.call("apply", "--yes")
    assert ([], ["a", "c"]) == (mutating(real), real.where("web"))


def test_a_guest_that_is_runnable_nowhere_is_hands_off(real: Real) -> None:
    with real.hosts.change() as there:
        there.stop_guest_inside(UUIDS["web"])
        there.fleet.hosts["a"].copies[UUIDS["web"]].runnable = False
        there.fleet.touch(there.fleet.hosts["a"])
    found = real.call("plan")
    assert (6, True) == (found.code, "NotRunnable" in found.out)
    real.call("apply", "--yes")
    assert ([], []) == (mutating(real), real.where("web"))


def test_a_guest_that_a_person_moved_meanwhile_goes_on_from_where_it_is(real: Real) -> None:
    with real.hosts.change() as there:
        there.move_by_hand(UUIDS["web"], "c", leave_definition=False)
    assert 0 == real.call("apply", "--yes").code
    assert (["b"], True) == (real.where("web"), real.nothing_lost())


def test_a_migration_that_a_person_began_holds_guest_and_hosts(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        real = stack.enter_context(Real.started(tmp_path, speed=1.0))
        person = stack.enter_context(begin(real.hosts, "a", "hpvmmigrate -o -P web -h c-hpvm-migr"))
        stack.callback(person.kill)
        assert person.stdout is not None
        person.stdout.readline()  # it has begun
        real.commit(web="b")
        found = real.call("plan")
        assert (6, True) == (found.code, "by-hand" in found.out), found.out
        real.call("apply", "--yes")
        assert [] == mutating(real)


def test_a_guest_that_rebooted_unseen_has_no_way_back_online(tmp_path: Path) -> None:
    older = world()
    older.fleet.hosts["a"].version = "4.1"
    older.reboot_guest(UUIDS["web"])
    older.advance_to(older.now_s + 60)
    with Real.started(tmp_path, older) as real:
        assert 0 == real.call("apply", "--yes").code
        real.commit(web="b")
        assert 0 == real.call("apply", "--yes").code
        real.commit(web="a")
        assert "online" in real.call("plan").out, "this very boot was seen on 4.1"
        with real.hosts.change() as there:
            there.reboot_guest(UUIDS["web"])
        real.hosts.wind(120)
        found = real.call("plan")
        assert (6, True) == (found.code, "DowntimeForbidden" in found.out), found.out
        assert "step back" in " ".join(found.out.split())


# -------------------------------------------------------------------------------------------------------- the disk


def test_a_full_disk_under_the_move_records_lets_no_move_begin(real: Real) -> None:
    real.hosts.fill("b")
    applied = real.call("apply", "--yes")
    assert 0 != applied.code
    assert not {"migrate", "stop", "start"} & set(mutating(real))
    assert (["a"], True) == (real.where("web"), real.nothing_lost())
    real.hosts.empty("b")
    assert 0 == real.call("apply", "--yes").code
    assert (["b"], True) == (real.where("web"), real.nothing_lost())


def test_chatter_and_wrong_exit_codes_change_nothing_about_where_a_guest_ends(real: Real) -> None:
    real.hosts.catalogue.variants = Variants(
        status_after_success=1,
        success_line=False,
        stderr_chatter="WARNING: licence\n",
        stdout_chatter="Last successful login: never\n",
        extra_columns=True,
        labels_upper=True,
    )
    applied = real.call("apply", "--yes")
    assert (["b"], True) == (real.where("web"), real.nothing_lost()), applied.out + applied.err
