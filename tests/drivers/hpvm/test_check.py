"""`reconciler check` on real hosts: silent where all is well, and each planted fault found with what mends it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.documents.values import schema_problems
from reconciler.drivers.hpvm.assumptions import ASSUMPTIONS, page
from reconciler.drivers.hpvm.checking.assumed import TESTS
from reconciler.drivers.hpvm.checking.findings import of_way
from reconciler.drivers.hpvm.parse.sections import Section
from reconciler.ssh.trouble import Trouble
from tests.drivers.hpvm.fleet import Real, world
from tests.hosts.variants import Variants

ROOT = Path(__file__).parents[3]


def codes(real: Real, *hosts: str) -> set[tuple[str, str]]:
    found = real.call("check", *hosts, "-o", "json")
    assert () == schema_problems("output/check.schema.json", found.json), found.err
    return {(entry["subject"], entry["code"]) for entry in found.json["findings"]}


def test_a_healthy_fleet_has_no_finding_and_nothing_is_changed(tmp_path: Path) -> None:
    with Real.started(tmp_path) as real:
        with real.hosts.change() as there:
            before = there.fleet.revision
        found = real.call("check")
        assert (0, "Checked 3 hosts, 3 guests, 6 ways between two hosts: nothing stands in the way.") == (
            found.code,
            " ".join(found.out.strip().splitlines()[-2:]).strip(),
        ), found.out + found.err
        with real.hosts.change() as there:
            assert before == there.fleet.revision
        assert [[], [], []] == [real.book(host) for host in "abc"]


def test_planted_faults_are_found_with_what_mends_each(tmp_path: Path) -> None:
    planted = world()
    planted.fleet.hosts["b"].networks = ("other",)
    planted.fleet.hosts["c"].presented = planted.fleet.hosts["c"].presented[1:]
    planted.fleet.hosts["c"].clock_skew_s = 600
    with Real.started(tmp_path, planted) as real:
        (real.hosts.machines["a"].home / ".ssh" / "known_hosts").write_text("")
        found = real.call("check")
        assert 4 == found.code
        assert codes(real) >= {
            ("b", "switch-missing"),
            ("c", "lun-missing"),
            ("c", "clock-skew"),
            ("a → b", "way-blocked"),
        }
        for words in ("insf -e", "hpvmnet -c -S prod", "let NTP set the clocks", "on a: ssh b-hpvm-migr date"):
            assert words in " ".join(found.out.split()), found.out
        assert all(len(line) <= 80 for line in found.out.splitlines())
        assert {"c"} == {subject for subject, _ in codes(real, "c") if "→" not in subject}


def test_a_host_that_cannot_be_reached_says_why(tmp_path: Path) -> None:
    with Real.started(tmp_path, world(2)) as real:
        real.hosts.rekey("b")
        found = real.call("check")
        assert 4 == found.code
        assert ("b", "host-key-changed") in codes(real)
        assert "fix:" in found.out
        real.hosts.crash("a")
        assert ("a", "connection-refused") in codes(real)


def test_what_cannot_be_read_is_shown_scrubbed(tmp_path: Path) -> None:
    with Real.started(tmp_path, world(2), variants=Variants(version_line="who \x1b[31mknows")) as real:
        found = real.call("check")
        assert ("a", "output-unread") in codes(real)
        assert r"\x1b[31m" in found.out
        assert "\x1b" not in found.out
        assert '[drivers.hpvm.hosts.a] version = "4.2"' in " ".join(found.out.split())


def test_the_assumptions_that_hold_are_named_host_by_host(tmp_path: Path) -> None:
    with Real.started(tmp_path, world(2)) as real:
        told = {entry["id"]: entry["hosts"] for entry in real.call("check", "-o", "json").json["assumptions"]}
        assert [entry.id for entry in ASSUMPTIONS] == list(told)
        assert {"a": "yes", "b": "yes"} == told["version-form"] == told["detail-labels"] == told["runnable-label"]
        assert {"a": "untold", "b": "untold"} == told["migrate-check"]
        assert "version-form: holds" in real.call("check", "--assumptions").out


def test_each_judged_assumption_is_one_of_the_table() -> None:
    assert set() == set(TESTS) - {entry.id for entry in ASSUMPTIONS}


@pytest.mark.parametrize(
    ("section", "code"),
    [
        (Section("hpvmmigrate: version B.04.20", 0), None),
        (Section("Host key verification failed.", 255), "way-blocked"),
        (Section("sh: hpvmmigrate: not found", 127), "way-without-platform"),
        (Section("odd", 3), "way-without-platform"),
        (Section("cut off"), "way-silent"),
        (None, "way-silent"),
    ],
)
def test_what_came_of_a_way_is_told_by_its_exit_status(section: Section | None, code: str | None) -> None:
    found = of_way("a", "b", "b-hpvm-migr", section)
    assert code == (found.code if found is not None else None)


def test_the_page_of_assumptions_is_up_to_date() -> None:
    """Else: python -m reconciler.drivers.hpvm.assumptions > docs/reference/integrity-vm-assumptions.md"""
    assert page() == (ROOT / "docs/reference/integrity-vm-assumptions.md").read_text(encoding="utf-8")


def test_each_code_is_documented() -> None:
    page = (ROOT / "docs/reference/check-findings.md").read_text(encoding="utf-8")
    used = {trouble.value for trouble in Trouble}
    for name in ("drivers/hpvm/checking/findings.py", "drivers/hpvm/checking/examine.py", "loop/answers/checking.py"):
        text = (ROOT / "reconciler" / name).read_text(encoding="utf-8")
        used |= set(re.findall(r'(?:_problem|CheckFinding)\(\s*[^,]+,\s*"([a-z-]+)"', text))
        used |= set(re.findall(r'HostReason\.\w+: "([a-z]+-[a-z]+)"', text))
    assert len(used) > 20
    assert [] == sorted(code for code in used if f"| `{code}` |" not in page)
