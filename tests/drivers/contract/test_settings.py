"""Contract of every driver: a setting is changed where the guest is, one a command, or everything stays as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.commands import Answer, AnswerKind, Guard, Verb
from reconciler.core.model import RunState
from reconciler.core.planning.settings import NO_BOUND_MIB
from reconciler.core.records import Stage
from tests.drivers.contract.bench import DB, TTL_S, US, WEB, Bench


def set_on_a(bench: Bench, uuid: str, *settings: tuple[str, str]) -> Answer:
    """Claim the guest and tell its host the first of these."""
    record = replace(bench.record(uuid), target="a", settings=settings)
    bench.claim(record, "a")
    return bench.do(Verb.SET, "a", record, Stage.SETTING)


SETTLED = "what can be set"
SETTINGS = [("memory_mib", SETTLED), ("cpu_entitlement_percent", "20"), ("autostart", "on"), ("autostart", "off")]


@pytest.mark.parametrize(("setting", "value"), SETTINGS)
def test_a_setting_is_shown_once_it_has_had_its_time(bench: Bench, setting: str, value: str) -> None:
    boot = bench.boot("a")
    value = str(bench.settable_mib) if value is SETTLED else value
    assert set_on_a(bench, WEB, (setting, value)).kind is AnswerKind.DONE
    bench.wait(TTL_S / 2)
    web = bench.guest("a", WEB)
    assert web.shows(setting, value), f"{setting} is {web.setting(setting)}"
    assert (web.state, bench.boot("a")) == (RunState.RUNNING, boot), "nothing was stopped for it"


def test_only_the_first_setting_of_a_record_is_changed(bench: Bench) -> None:
    before = bench.guest("a", WEB)
    set_on_a(bench, WEB, ("cpu_entitlement_percent", "20"), ("memory_mib", str(bench.settable_mib)))
    bench.wait(TTL_S / 2)
    assert bench.guest("a", WEB) == replace(before, cpu_entitlement_percent=20)


def test_memory_set_changes_nothing_of_the_most_it_may_take(bench: Bench) -> None:
    most_mib = bench.guest("a", WEB).memory_mib
    set_on_a(bench, WEB, ("memory_mib", str(bench.settable_mib)))
    bench.wait(TTL_S / 2)
    assert most_mib == bench.guest("a", WEB).memory_mib


@pytest.mark.parametrize("uuid", [WEB, DB], ids=["too much", "of a guest that does not run"])
def test_memory_that_cannot_be_had_is_refused_and_leaves_things_as_they_were(bench: Bench, uuid: str) -> None:
    before = bench.guest("a", uuid)
    value = bench.too_much_mib if uuid == WEB else before.memory_mib // 2
    assert set_on_a(bench, uuid, ("memory_mib", str(value))).kind is AnswerKind.FAILED
    bench.wait(TTL_S / 2)
    assert before == bench.guest("a", uuid)


@pytest.mark.parametrize("value", ["512", "2000"], ids=["too little", "not in steps"])
def test_memory_beyond_the_bounds_of_the_platform_is_refused_or_it_says_that_it_has_none(
    bench: Bench, value: str
) -> None:
    """Without any, no memory is set whose document does not say what the guest needs."""
    before = bench.guest("a", WEB)
    if not bench.bounds_memory:
        assert (before.memory_min_mib, before.memory_step_mib) == (NO_BOUND_MIB, 1)
        return
    assert set_on_a(bench, WEB, ("memory_mib", value)).kind is AnswerKind.FAILED
    bench.wait(TTL_S / 2)
    assert before == bench.guest("a", WEB)


def test_no_setting_is_changed_without_a_guard_that_holds(bench: Bench) -> None:
    record = bench.record(WEB)
    bench.claim(record, "a")
    before = bench.guest("a", WEB)
    for guard in (None, Guard(record.id, US, (Stage.MIGRATING,))):
        answer = bench.tell(Verb.SET, "a", replace(record, stage=Stage.SETTING), guard)
        assert answer.kind is AnswerKind.GUARDED
    assert before == bench.guest("a", WEB)


def test_autostart_belongs_to_the_registration_on_a_host(bench: Bench) -> None:
    """A stopped guest has one as well."""
    assert set_on_a(bench, DB, ("autostart", "on")).kind is AnswerKind.DONE
    assert bench.guest("a", DB).autostart is True
    assert bench.guest("a", WEB).autostart is False
