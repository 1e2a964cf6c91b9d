"""Bad input through the whole command line: one clear error, the right exit code, nothing sent for what it concerns.

What single readers refuse is tested beside them; here it is that nothing of it gets any further.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ExitCode
from tests.cli.bench import EXECUTABLE, HEAD, UUIDS, Bench, Ran

HOSTILE = "\x1b]0;owned\x07\u202e</td><script>alert(1)</script> [x](http://e.invalid) @all $(reboot) `id` | # H"
BOMB = "a: &a [x, x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdef", "bcdefg", strict=True))
UUID_OF_ANOTHER = "00000000-0000-4000-8000-00000000000a"


def put(bench: Bench, name: str, content: str | bytes) -> None:
    """Commit a document, together with the wish for a move of `web` that is fine by itself."""
    bench.homes["web"] = "h2"
    bench.write()
    (bench.desired / name).write_bytes(content.encode() if isinstance(content, str) else content)
    bench.git("add", "--all")
    bench.git("commit", "--quiet", "--message=Change")


def edit_hosts(bench: Bench, change: Callable[[dict[str, Any]], None]) -> None:
    """Write into the file of the simulated hosts by hand."""
    raw = json.loads(bench.hosts.read_text())
    change(raw)
    bench.hosts.write_text(json.dumps(raw))


def named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def begun(bench: Bench) -> set[str]:
    """The guests of all steps that were begun, and of all moves that were taken over."""
    return {note["guest"] for note in bench.journal if note["what"] in ("step", "adopting")}


def assert_harmless(text: str) -> None:
    assert set() == {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf") and letter != "\n"}


def assert_nothing_done(bench: Bench, found: Ran, code: ExitCode, *told: str) -> None:
    assert code == found.code, found.err
    for text in told:
        assert text in found.err + found.out
    assert_harmless(found.err + found.out)
    assert ([], ["h1"]) == (bench.sent(), bench.where("web"))


# --- documents that hold the commit ---------------------------------------------------------------------------------

HOLDING: dict[str, tuple[str | bytes, str]] = {
    "a bomb": (BOMB, "alias-refused"),
    "endless nesting": ("[" * 100_000, "document-too-complex"),
    "ten megabytes": ("#" * 10_000_000, "document-too-large"),
    "no text": (b"\xff\xfe\x00", "not-utf-8"),
    "a tag that would run something": ("!!python/object/apply:os.system [id]\n", "tag-refused"),
    "another kind": (f"{HEAD}Pod\nmetadata: {{name: x}}\nspec: {{}}\n", "unknown-kind"),
    "a name with a command": (f'{HEAD}Guest\nmetadata: {{name: "$(reboot)"}}\nspec: {{host: h1}}\n', "bad-name"),
    "a name that steers": (f'{HEAD}Guest\nmetadata: {{name: "a\\e[2J\\u202e"}}\nspec: {{host: h1}}\n', "bad-name"),
    "a guest twice": (f"{HEAD}Guest\nmetadata: {{name: web}}\nspec: {{host: h3}}\n", "duplicate-name"),
    "a uuid twice": (
        f"{HEAD}Guest\nmetadata: {{name: x}}\nspec: {{host: h3, uuid: {UUIDS['web'].upper()}}}\n",
        "duplicate-uuid",
    ),
    "a host twice": (f"{HEAD}Host\nmetadata: {{name: h1}}\nspec: {{driver: simulated}}\n", "duplicate-name"),
    "a second fleet": (f"{HEAD}Fleet\nmetadata: {{name: other}}\nspec: {{}}\n", "several-fleets"),
    "a driver that is not there": (
        f"{HEAD}Host\nmetadata: {{name: h9}}\nspec: {{driver: magic}}\n",
        "x.yaml:4:",
    ),
}


@pytest.mark.parametrize("what", HOLDING)
def test_a_document_that_holds_the_commit_stops_everything(bench: Bench, what: str) -> None:
    content, code = HOLDING[what]
    put(bench, "x.yaml", content)
    assert_nothing_done(bench, bench.call("apply", "--yes"), ExitCode.DOCUMENTS, code, "desired/")


def test_a_symbolic_link_is_not_followed(bench: Bench) -> None:
    (bench.desired / "link.yaml").symlink_to("/etc/passwd")
    bench.commit(web="h2")
    assert_nothing_done(
        bench, bench.call("apply", "--yes"), ExitCode.DOCUMENTS, "symlink-in-desired-state", "link.yaml"
    )


def test_a_submodule_is_not_read(bench: Bench) -> None:
    bench.commit(web="h2")
    head = bench.git("rev-parse", "HEAD").strip()
    bench.git("update-index", "--add", "--cacheinfo", f"160000,{head},desired/more")
    bench.git("commit", "--quiet", "--message=Add a submodule")
    found = bench.call("apply", "--yes")
    assert_nothing_done(bench, found, ExitCode.DOCUMENTS, "submodule-in-desired-state", "desired/more")


def test_a_hostile_file_name_is_shown_and_harmless(bench: Bench) -> None:
    put(bench, "\x1b[2J\u202elmay.yaml", "kind: Guest\n")
    assert_nothing_done(bench, bench.call("apply", "--yes"), ExitCode.DOCUMENTS, "bad-path", "\\x1b[2J\\u202elmay.yaml")


def test_a_thousand_problems_are_not_all_listed(bench: Bench) -> None:
    put(bench, "x.yaml", "---\nkind: Pod\n" * 1000)
    found = bench.call("plan")
    assert ExitCode.DOCUMENTS == found.code
    assert "and 980 more; `reconciler validate` lists them all" in found.err
    assert 1000 == bench.call("validate").out.count("error: ")


# --- documents that concern one guest -------------------------------------------------------------------------------

DB = f"{HEAD}Guest\nmetadata: {{name: db%s}}\nspec: {{%s}}\n"
CONCERNING_ONE = {
    "a host that nobody declares": (DB % ("", "host: h9"), "guest-on-unknown-host"),
    "a field that is not there": (DB % ("", "host: h2, force: true"), "unknown-field"),
    "a list for a name": (DB % ("", "host: [h2]"), "wrong-type"),
    "a number without end": (DB % ("", f"host: h2, migration: {{attempts: {'9' * 5000}}}"), "number-out-of-range"),
    "a hostile label": (DB % (', labels: {a: "\\e]0;owned\\a"}', "host: h2"), "bad-label"),
    "another version": (DB.replace("v1alpha1", "v9") % ("", "host: h2"), "unknown-api-version"),
}


@pytest.mark.parametrize("what", CONCERNING_ONE)
def test_a_document_that_concerns_one_guest_stops_that_guest_only(bench: Bench, what: str) -> None:
    content, code = CONCERNING_ONE[what]
    put(bench, "db.yaml", content)
    found = bench.call("apply", "--yes")
    assert (ExitCode.HELD, True) == (found.code, f"error: {code}\ndesired/db.yaml:" in found.err)
    assert_harmless(found.err + found.out)
    assert ({"web"}, ["h1"], ["h2"]) == (begun(bench), bench.where("db"), bench.where("web"))


# --- git ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["gone", "--help", "main..main"])
def test_a_branch_that_is_not_there_is_named_with_those_that_are(bench: Bench, ref: str) -> None:
    bench.commit(web="h2")
    bench.settings.write_text(bench.settings.read_text().replace("[repository]", f'[repository]\nref = "{ref}"'))
    found = bench.call("apply", "--yes")
    assert_nothing_done(bench, found, ExitCode.GIT, f'no branch, tag or commit "{ref}"', "its branches are: main")


def test_a_rewritten_branch_is_held_and_says_how_to_go_on(bench: Bench) -> None:
    bench.commit("First")
    bench.call("apply", "--yes")
    bench.git("reset", "--quiet", "--hard", "HEAD~1")
    bench.commit(web="h2")
    found = bench.call("apply", "--yes")
    assert_nothing_done(bench, found, ExitCode.HELD, "HistoryRewritten", "--accept-rewritten-history")


def test_a_hostile_commit_is_shown_and_harmless(bench: Bench) -> None:
    bench.commit(web="h2")
    trailers = "Reconciler-Allow: moves=-1 stops=9;reboot\nReconciler-Allow: \x1b[2J"
    message = f"--message={HOSTILE}\n\n{trailers}"
    bench.git("commit", "--quiet", "--allow-empty", f"--author={HOSTILE} <eve@example.invalid>", message)
    for command in (["plan"], ["apply", "--yes"], ["status"], ["history"]):
        assert_harmless(bench.call(*command).out)
    assert_pages_harmless(bench)
    assert_harmless(bench.git("log", "--format=%B", "reconciler/status/bench"))


def assert_pages_harmless(bench: Bench) -> None:
    page = bench.git("show", "reconciler/status/bench:README.md")
    assert "<script>" not in page
    assert "http://" not in page
    assert set() == {letter for letter in page if unicodedata.category(letter) == "Cc" and letter != "\n"}


# --- hosts that lie -------------------------------------------------------------------------------------------------


def claims(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """A move record of somebody else, about `web`, on h1."""
    record = {
        "version": 1,
        "id": "m1",
        "guest_uuid": UUIDS["web"],
        "guest_name": "web",
        "kind": "migrate",
        "source": "h1",
        "target": "h2",
        "method": "online",
        "was": "running",
        "intent": "i",
        "facts": "f",
        "controller": "other",
        "stage": "claimed",
        "expires_s": 1e15,
        "parked": None,
        "load": {"memory_mib": 1},
        **fields,
    }
    return lambda raw: named(raw["hosts"], "h1").setdefault("records", []).append(record)


def same_machine(raw: dict[str, Any]) -> None:
    for name in ("h1", "h2"):
        named(raw["hosts"], name)["machine_id"] = "one and the same"


def second_copy(raw: dict[str, Any]) -> None:
    web = next(entry for entry in named(raw["hosts"], "h1")["copies"] if entry["uuid"] == UUIDS["web"])
    named(raw["hosts"], "h3").setdefault("copies", []).append(copy.deepcopy(web))


def other_uuid(raw: dict[str, Any]) -> None:
    """The guest that goes by the name of `web` is another one."""
    named(raw["guests"], "web")["uuid"] = UUID_OF_ANOTHER
    for entry in named(raw["hosts"], "h1")["copies"]:
        entry["uuid"] = UUID_OF_ANOTHER if entry["uuid"] == UUIDS["web"] else entry["uuid"]


def twice_on_one_host(raw: dict[str, Any]) -> None:
    named(raw["hosts"], "h1")["copies"] *= 2


LIES: dict[str, tuple[Callable[[dict[str, Any]], None], ExitCode, str]] = {
    "one machine under two names": (same_machine, ExitCode.HELD, "(one and the same) answers as h2"),
    "a guest on two hosts": (
        second_copy,
        ExitCode.HELD,
        "web: declared on h2 Duplicated: more than one copy runs or could be started: h1 (running), h3",
    ),
    "another guest of that name": (other_uuid, ExitCode.HELD, "Replaced"),
    "a guest twice on one host": (twice_on_one_host, ExitCode.HOST, "hosts[0].copies["),
    "a record for ever": (claims(), ExitCode.HELD, "HeldByOther: other is at work on it"),
    "a record of a newer version": (claims(version=2), ExitCode.HOST, "not a move record of version 1"),
    "a record with a new field": (claims(frozen=True), ExitCode.HOST, "not a move record"),
    "a record of other types": (claims(load={"memory_mib": "8 GiB"}), ExitCode.HOST, "memory_mib is no int"),
    "a record with a hostile name": (claims(guest_name=HOSTILE), ExitCode.HOST, "what is not a name"),
    "a clock beyond all calendars": (lambda raw: raw["clock"].update(now_s=1e18), ExitCode.HOST, "clock.now_s"),
}


@pytest.mark.parametrize("what", LIES)
def test_where_a_host_lies_nothing_is_sent(bench: Bench, what: str) -> None:
    lie, code, told = LIES[what]
    bench.commit(web="h2")
    edit_hosts(bench, lie)
    for command in (["plan"], ["apply", "--yes"]):
        found = bench.call(*command)
        assert code == found.code, found.err
        assert told in " ".join((found.err + found.out).split())
        assert_harmless(found.err + found.out)
    assert [] == bench.sent()


def test_a_guest_on_two_hosts_is_nowhere_said_to_be_on_none(bench: Bench) -> None:
    bench.commit(web="h2")
    edit_hosts(bench, second_copy)
    assert bench.call("explain", "web").out.startswith(
        "web: on h1 (running) and h3 (running), declared on h2: blocked\n"
    )


def test_a_host_that_is_another_machine_now_is_left_alone(bench: Bench) -> None:
    bench.call("apply", "--yes")
    bench.commit(web="h2")
    edit_hosts(bench, lambda raw: named(raw["hosts"], "h2").update(machine_id="swapped"))
    assert_nothing_done(bench, bench.call("apply", "--yes"), ExitCode.HELD, "ChangedIdentity")


@pytest.mark.parametrize("content", [None, "", "garbage", "[" * 100_000, '{"version": 2}'])
def test_hosts_that_cannot_be_read_at_all_are_one_error(bench: Bench, content: str | None) -> None:
    bench.commit(web="h2")
    bench.hosts.unlink()
    if content is not None:
        bench.hosts.write_text(content)
    for command in (["observe"], ["plan"], ["apply", "--yes"]):
        found = bench.call(*command)
        assert (ExitCode.HOST, 1) == (found.code, found.err.count("error: ")), found.err
        assert str(bench.hosts) in found.err
    assert [] == bench.sent()


def test_what_hosts_say_is_harmless_wherever_it_is_shown(bench: Bench) -> None:
    def speak(raw: dict[str, Any]) -> None:
        for host in raw["hosts"]:
            host.update(version=HOSTILE, machine_id=f"{host['name']}{HOSTILE}", networks=["lan", HOSTILE])
        named(raw["guests"], "web")["attributes"] = {"os": HOSTILE, HOSTILE: HOSTILE}

    bench.commit(web="h2")
    edit_hosts(bench, speak)
    for command in (["observe"], ["diff"], ["plan"], ["apply", "--yes"], ["status"], ["explain", "web"]):
        found = bench.call(*command)
        assert found.code < ExitCode.BUG
        assert_harmless(found.out + found.err)
    assert_pages_harmless(bench)


# --- where the output goes ------------------------------------------------------------------------------------------


def through_shell(bench: Bench, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f'{command}; exit "${{PIPESTATUS[0]}}"', "bash", str(EXECUTABLE)],
        cwd=bench.folder / "empty",
        env={**os.environ, "RECONCILER_SETTINGS": str(bench.settings)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("where", ["2> /dev/full", "2>&1 > /dev/null | head -n 1", "| head -c 1"])
def test_a_pass_that_nobody_watches_any_more_goes_on_to_its_report(tmp_path: Path, where: str) -> None:
    bench = Bench(tmp_path, more={"db": "  migration: {downtime: allowed}\n"}).build()
    bench.commit(db="h3")
    through_shell(bench, f'"$1" apply --yes {where}')
    assert (["h3"], 1) == (bench.where("db"), len(bench.reports()))


@pytest.mark.parametrize("output", ["text", "json"])
def test_output_that_cannot_be_written_is_no_bug_of_ours(bench: Bench, output: str) -> None:
    found = through_shell(bench, f'"$1" plan -o {output} > /dev/full')
    assert ExitCode.USAGE == found.returncode
    assert "the output cannot be written: No space left on device" in found.stderr


# --- two at once ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_controllers_at_once_move_each_guest_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, more={"db": "  migration: {downtime: allowed}\n"}).build(speed=40.0)
    bench.commit(web="h2", db="h3", batch="h1")
    second = bench.folder / "second.toml"
    second.write_text(bench.settings.read_text().replace('folder = "state"', 'folder = "second"'))
    with bench.started("apply", "--yes") as one, bench.started("apply", "--yes", "--settings", second) as other:
        codes = {process.wait(timeout=120) for process in (one, other)}
    assert codes <= {ExitCode.OK, ExitCode.HELD}
    assert ExitCode.OK == bench.call("apply", "--yes").code
    assert (["h2"], ["h3"], ["h1"]) == (bench.where("web"), bench.where("db"), bench.where("batch"))
    bench.change_hosts(lambda world: assert_clean(world.ledger))


def assert_clean(ledger: Any) -> None:
    assert ([], [], []) == (ledger.double_runs, ledger.stale_starts, ledger.lost_contents)
