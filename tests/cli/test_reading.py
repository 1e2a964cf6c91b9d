"""What the commands that only read show: the fleet as reported, one guest's rules, the settings."""

from __future__ import annotations

import json
import select
import signal
import subprocess
from pathlib import Path

from reconciler.drivers.simulated.statefile import StateFile
from reconciler.errors import ExitCode
from tests.cli.bench import HEAD, UUIDS, Bench


def test_status_shows_the_last_report_and_asks_no_host(bench: Bench) -> None:
    bench.commit(web="h2", db="h3")
    bench.call("apply", "--yes")
    bench.change_hosts(lambda world: world.partition("h2"))
    found = bench.call("status")
    assert 0 == found.code
    assert "bench: blocked" in found.out
    assert "db: DowntimeForbidden" in found.out
    assert "not read" not in found.out


def test_what_is_held_is_still_to_do_and_not_on_the_way(bench: Bench) -> None:
    bench.mode = "report"
    bench.commit(web="h2")
    bench.call("apply", "--yes")
    found = bench.call("status")
    assert "Fleet bench: held. 2 of 3 guests as declared, 1 to do.\n" in found.out
    assert "1 to do" in bench.git("show", "reconciler/status/bench:README.md")


def test_reports_can_be_read_while_the_documents_are_invalid(bench: Bench) -> None:
    bench.commit(web="h2")
    bench.call("apply", "--yes")
    (bench.desired / "hosts.yaml").write_text("kind: Host\n")
    bench.git("commit", "--quiet", "--all", "--message=Break it")
    assert (0, 0) == (bench.call("status").code, bench.call("history").code)


def test_history_of_a_guest_tells_only_of_that_guest(bench: Bench) -> None:
    for home in ("h2", "h3"):
        bench.commit(web=home)
        bench.call("apply", "--yes")
    runs = bench.call("history", "web", "-o", "json").json["runs"]
    assert ["h3", "h2"] == [run["moves"][0]["target"] for run in runs]
    assert [] == bench.call("history", "db", "-o", "json").json["runs"]
    assert 1 == len(bench.call("history", "--limit", 1, "-o", "json").json["runs"])
    nobody = bench.call("history", "wep")
    assert (2, True) == (nobody.code, "no report has a guest 'wep'" in nobody.err)


def test_history_says_when_the_latest_pass_was_where_none_is_in_the_time_asked_about(bench: Bench) -> None:
    assert "No pass has left a record yet.\n" == bench.call("history", "--since", "2024-01-01").out
    bench.commit(web="h2")
    bench.call("apply", "--yes")
    for option in (("--since", "2024-01-01"), ("--until", "2023-11-01")):
        shown = " ".join(bench.call("history", *option).out.split())
        assert "No pass of that time left a record; the latest of all began 2023-11-14 22:1" in shown


def test_who_has_not_committed_yet_is_told_that_it_does_not_count(bench: Bench) -> None:
    assert "" == bench.call("plan").err
    bench.homes |= {"web": "h2", "batch": "h3"}
    bench.write()
    found = bench.call("plan", "-o", "json")
    command = f"reconciler plan --desired {bench.desired}"
    told = "note: desired/batch.yaml and 1 other file have changes that are not committed and do not count yet; "
    assert (0, [], f"{told}`{command}` shows them\n") == (found.code, found.json["steps"], found.err)
    assert told in bench.call("apply", "--yes").err
    assert 2 == len(bench.call(*command.split()[1:], "-o", "json").json["steps"])
    assert "" == bench.call("plan", "--rev", "main").err
    bench.commit()
    assert "" == bench.call("plan").err


def test_history_of_a_guest_says_who_moved_it_and_with_which_commands(bench: Bench) -> None:
    bench.commit(message="Make room on h1\n\nReviewed-by: Bo Ek <bo@example.invalid>", web="h2")
    bench.call("apply", "--yes")
    [run] = bench.call("history", "web", "--commands", "-o", "json").json["runs"]
    assert ("Ada <ada@example.invalid>", "Make room on h1") == (run["author"], run["subject"])
    assert ["Bo Ek <bo@example.invalid>"] == run["approved_by"]
    [move] = run["moves"]
    assert "declared on h2" in move["why"]
    assert ["simctl", "migrate", "--online"] == next(
        command["argv"][:3] for command in move["commands"] if command["verb"] == "migrate"
    )
    shown = bench.call("history", "web", "-v").out
    assert "Make room on h1 (Ada, approved by Bo Ek)" in " ".join(shown.split())
    assert "h1$ simctl migrate --online" in shown
    assert [] == bench.call("history", "web", "-o", "json").json["runs"][0]["moves"][0]["commands"]


def test_history_of_a_guest_shows_what_somebody_else_did_to_it(bench: Bench) -> None:
    bench.commit(web="h2")
    bench.call("apply", "--yes")
    assert [] == bench.call("history", "web", "-o", "json").json["seen"], "that was us"
    bench.mode = "report"
    bench.commit()
    bench.change_hosts(lambda world: world.move_by_hand(UUIDS["web"], "h3", leave_definition=False))
    bench.call("apply", "--yes")
    [sighting] = bench.call("history", "web", "-o", "json").json["seen"]
    assert (["h2 (running)"], ["h3 (running)"]) == (sighting["before"], sighting["after"])
    assert "not by us: seen on h3 (running), before on h2 (running)" in bench.call("history", "web").out


def test_history_ends_where_it_is_told_to(bench: Bench) -> None:
    for home in ("h2", "h3"):
        bench.commit(web=home)
        bench.call("apply", "--yes")
    [newer, older] = bench.call("history", "-o", "json").json["runs"]

    def shown(*options: str) -> list[str]:
        return [run["id"] for run in bench.call("history", *options, "-o", "json").json["runs"]]

    assert [newer["id"]] == shown("--since", newer["started"])
    assert [older["id"]] == shown("--until", older["started"])
    assert [older["id"]] == shown("web", "--until", older["started"])
    assert [] == shown("--since", "2999-01-01")
    assert [newer["id"], older["id"]] == shown("--since", "1970-01-01", "--until", "2999-01-01")
    assert 2 == bench.call("history", "--since", "soon").code
    assert "There are more" in bench.call("history", "--limit", "1").out


def test_explain_names_what_decides_and_what_would_help(bench: Bench) -> None:
    bench.commit(db="h2")
    found = bench.call("explain", "db")
    assert 0 == found.code
    assert "storage-shared" in found.out
    assert "set spec.migration.downtime to allowed" in found.out
    asked = bench.call("explain", "web", "--to", "h3", "-o", "json").json
    assert ("online", "h1", "h3") == (asked["answer"], asked["source"], asked["target"])


def test_explain_counts_room_on_the_host_that_was_asked_about(tmp_path: Path) -> None:
    bench = Bench(tmp_path).build(arrange=lambda world: setattr(world.fleet.hosts["h3"], "memory_mib", 1024))
    asked = bench.call("explain", "web", "--to", "h3", "-o", "json").json
    assert ("blocked", "NoRoom", True) == (asked["answer"], asked["blocked"]["reason"], asked["supposed"])
    assert "NoRoom: h3 is short of" in bench.call("explain", "web", "--to", "h3").out


def test_explain_of_a_name_nobody_knows_suggests_one(bench: Bench) -> None:
    found = bench.call("explain", "wep")
    assert (2, True) == (found.code, "hint: did you mean web?" in found.err)
    assert 2 == bench.call("explain", "web", "--to", "h9").code


def test_explain_says_why_no_rule_was_asked(bench: Bench) -> None:
    assert "it is on h1 already" in bench.call("explain", "web").out
    bench.change_hosts(lambda world: world.partition("h3"))
    assert "nothing is known of h3" in bench.call("explain", "web", "--to", "h3").out


def test_settings_tell_where_each_value_comes_from(bench: Bench) -> None:
    values = {entry["key"]: entry for entry in bench.call("settings", "-o", "json").json["settings"]}
    assert (str(bench.folder / "fleet"), "file") == (
        values["repository.path"]["value"],
        values["repository.path"]["origin"],
    )
    assert ("main", "default") == (values["repository.ref"]["value"], values["repository.ref"]["origin"])
    assert "not set" == values["ceilings.concurrent"]["origin"]
    told = bench.call("settings").out
    assert f"file: {bench.settings}" in told
    assert "trust.signed_commits default false" in " ".join(told.split())


def test_reading_commands_leave_no_trace(bench: Bench) -> None:
    bench.commit(web="h2")
    before = (bench.hosts.read_bytes(), bench.git("for-each-ref"), sorted(path.name for path in bench.folder.iterdir()))
    for command in (["validate"], ["observe"], ["diff"], ["plan"], ["explain", "web"], ["settings"], ["version"]):
        bench.call(*command)
    assert before == (
        bench.hosts.read_bytes(),
        bench.git("for-each-ref"),
        sorted(path.name for path in bench.folder.iterdir()),
    )


def test_evidence_of_a_boot_travels_in_a_snapshot(bench: Bench) -> None:
    """So that a plan made from a file knows what the machine knows that observed it."""
    bench.call("apply", "--yes")
    with StateFile(bench.hosts).change() as world:
        world.fleet.hosts["h1"].version = "4.3"
        world.fleet.touch(world.fleet.hosts["h1"])
    hosts = bench.call("observe", "-o", "json").json["hosts"]
    floors = {entry["name"]: entry["boot_floor"] for entry in hosts[0]["registrations"]}
    assert "4.2" == floors["web"]["version"]


PATIENCE_S = 30


def next_line(process: subprocess.Popen[str]) -> str:
    """The next line it prints, waited for with patience."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
    return process.stdout.readline() if ready else ""


def test_a_watched_status_is_a_line_for_each_report_and_ends_quietly(bench: Bench) -> None:
    with bench.started("status", "--watch", "--interval", "0.1") as watching:
        bench.commit(web="h2", db="h3")
        bench.call("apply", "--yes")
        assert "bench: blocked: 2 of 3 guests as declared, 1 needs a person" in next_line(watching)
        bench.commit(db="h1")
        bench.call("apply", "--yes")
        assert "bench: converged: 3 of 3 guests as declared" in next_line(watching)
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=PATIENCE_S)
    assert (0, "", "") == (watching.returncode, out, err)


def test_a_watched_status_outlives_a_repository_that_is_away_for_a_while(bench: Bench) -> None:
    bench.call("apply", "--yes")
    with bench.started("status", "--watch", "--interval", "0.1") as watching:
        assert "bench: converged: 3 of 3 guests" in next_line(watching)
        (bench.folder / "fleet").rename(bench.folder / "away")
        assert watching.stderr is not None
        assert "error: repository-missing" in watching.stderr.readline()
        (bench.folder / "away").rename(bench.folder / "fleet")
        bench.commit(web="h2")
        bench.call("apply", "--yes")
        assert "bench: converged: 3 of 3 guests" in next_line(watching)
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=PATIENCE_S)
    assert (0, 0) == (watching.returncode, err.count("error:")), "said once"


def test_a_watched_status_is_a_document_a_line_for_programs(bench: Bench) -> None:
    bench.call("apply", "--yes")
    with bench.started("status", "--watch", "--interval", "0.1", "-o", "json") as watching:
        assert bench.call("status", "-o", "json").json == json.loads(next_line(watching))
        watching.send_signal(signal.SIGINT)


def test_status_says_how_old_it_is_and_when_the_reconciler_was_alive_last(bench: Bench) -> None:
    bench.call("apply", "--yes")
    reported = bench.git("log", "-1", "--format=%cd", "--date=format:%Y-%m-%d %H:%M", "reconciler/status/bench").strip()
    assert f"reported {reported} UTC" in bench.call("status").out
    assert "sign of life" not in bench.call("status").out
    bench.git("update-ref", "refs/heads/reconciler/alive/bench", "HEAD")
    assert "last sign of life" in bench.call("status").out


# ------------------------------------------------------------------------------------- rules and the declared end state

APART = (
    f"{HEAD}PlacementRule\nmetadata: {{name: apart}}\nspec:\n  guests: {{names: [web, batch]}}\n"
    "  antiAffinity: {topologyKey: host}\n  reason: they peak together\n"
)


def ruled(bench: Bench, rule: str = APART, **homes: str) -> Bench:
    """The bench with a rule, and guests declared elsewhere."""
    bench.homes |= homes
    bench.write()
    (bench.desired / "rule.yaml").write_text(rule)
    bench.commit()
    return bench


def test_validate_says_with_file_and_line_what_breaks_a_required_rule(bench: Bench) -> None:
    found = ruled(bench, web="h2").call("validate")
    assert 3 == found.code
    assert found.out == (
        "error: rule-broken\n"
        "desired/web.yaml:1:1: 2 guests are declared on h2: batch, web, and at most 1\n"
        "  of rule apart may be there (they peak together)\n"
        "hint: declare 1 of them elsewhere; the rule has a place on one of: h1, h3\n\n"
        "Fleet bench: 3 guests on 3 hosts. 2 guests will not be moved against required\nrules.\n"
    )
    told = bench.call("validate", "-o", "json").json
    assert (False, False) == (told["valid"], told["held"])
    assert ["rule-broken"] == [each["code"] for each in told["violations"]]


def test_a_preferred_rule_is_a_warning_and_the_guest_is_moved(bench: Bench) -> None:
    ruled(bench, APART + "  enforcement: preferred\n", web="h2")
    found = bench.call("validate")
    assert (0, True) == (found.code, found.out.startswith("warning: rule-broken\ndesired/web.yaml:1:1: "))
    assert found.out.endswith("Fleet bench is valid: 3 guests on 3 hosts. 1 warning.\n")
    plan = bench.call("plan")
    assert (1, True) == (plan.code, "warning: rule-broken" in plan.out)
    assert "**rule-broken** (warning): 2 guests are declared on h2" in bench.call("plan", "-o", "markdown").out
    assert 0 == bench.call("apply", "--yes").code
    assert ["h2"] == bench.where("web")


def test_what_breaks_a_required_rule_is_not_moved_and_the_rest_is(bench: Bench) -> None:
    ruled(bench, web="h2", batch="h2")
    bench.more["db"] = "  migration: {downtime: allowed}\n"
    bench.commit(db="h3")
    plan = bench.call("plan", "-o", "json")
    assert {"web": "PlacementRuleViolated"} == {each["guest"]: each["reason"] for each in plan.json["blocked"]}
    assert ["rule-broken"] == [each["code"] for each in plan.json["violations"]]
    assert ExitCode.HELD == plan.code
    bench.call("apply", "--yes")
    assert (["h1"], ["h3"]) == (bench.where("web"), bench.where("db"))


def test_a_rule_that_is_broken_where_nothing_moves_is_said_by_diff_and_plan_too(bench: Bench) -> None:
    ruled(bench, APART.replace("batch", "db"))
    for command in ("diff", "plan"):
        found = bench.call(command)
        assert (3, True) == (found.code, "error: rule-broken\ndesired/web.yaml:1:1: 2 guests are decl" in found.out), (
            command
        )
    assert [] == bench.call("diff", "-o", "json", "--observed", "live").json["records"]
    assert ["db", "web"] == bench.call("diff", "-o", "json").json["violations"][0]["guests"]


def test_diff_against_a_base_shows_only_what_the_change_breaks(bench: Bench) -> None:
    ruled(bench, APART.replace("batch", "db"))
    assert "rule-broken" in bench.call("diff", "--base", "main~1").out
    bench.commit(batch="h3")
    assert "rule-broken" not in bench.call("diff", "--base", "main~1").out


def test_diff_adds_up_what_is_declared_on_a_host(tmp_path: Path) -> None:
    bench = Bench(tmp_path).build(arrange=lambda world: setattr(world.fleet.hosts["h3"], "memory_mib", 3000))
    bench.commit(web="h3", db="h3")
    found = bench.call("diff")
    assert 1 == found.code
    assert (
        "warning: host-overfull\ndesired/db.yaml:1:1: h3 is short of 1.4 GiB of memory for what is declared\n"
        "  there: db, web take 4.3 GiB of 2.9 GiB\n"
        "hint: declare some of it elsewhere, or make room on h3\n"
    ) in found.out


def test_explain_tells_what_rules_say_of_the_host_that_was_asked_about(bench: Bench) -> None:
    ruled(bench)
    shown = bench.call("explain", "web", "--to", "h2").out
    assert (
        "Placement rules on h2\n"
        "  ✗ apart (antiAffinity, required): h2 has batch, and at most 1 of rule apart\n"
        "    may be there (they peak together)\n"
        "    fix: declare this guest or another of them elsewhere\n"
    ) in shown
    assert "PlacementRuleViolated" in shown
    assert [True] == [each["kept"] for each in bench.call("explain", "web", "-o", "json").json["rulings"]]
