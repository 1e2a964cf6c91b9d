"""`reconciler propose`: a branch with changed documents in a real repository, and what people and programs are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.documents.values import schema_problems
from reconciler.drivers.simulated.world import World
from reconciler.errors import ExitCode
from tests.cli.bench import Bench, Ran


@pytest.fixture(autouse=True)
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.invalid")


CLOSED = ["-spec: {driver: simulated}", "+spec: {driver: simulated, schedulable: false}"]


def branches(bench: Bench) -> list[str]:
    return bench.git("for-each-ref", "--format=%(refname:short)", "refs/heads/proposal/").split()


def assert_fits(found: Ran) -> None:
    assert () == schema_problems("output/proposal.schema.json", found.json), found.err
    assert max(map(len, found.err.splitlines()), default=0) <= 200


def test_a_drain_becomes_a_branch_with_one_commit(bench: Bench) -> None:
    bench.more = {"db": "  migration: {downtime: allowed}  # it may\n"}
    bench.commit()
    base = bench.git("rev-parse", "main")
    found = bench.call("propose", "drain", "h1")
    assert ExitCode.DIFFERENCES == found.code
    [branch] = branches(bench)
    assert base == bench.git("rev-parse", f"{branch}^")
    assert base == bench.git("rev-parse", "main")
    diff = bench.git("diff", "--unified=0", "main", branch)
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert [*CLOSED, "-  host: h1", "+  host: h2", "-  host: h1", "+  host: h3"] == sorted(
        changed, key=lambda line: "spec:" not in line
    )
    assert f"Branch {branch}: commit" in found.out
    assert found.out.endswith(f"next: merge {branch} into main\n")
    assert all(len(line) <= 80 for line in found.out.splitlines())
    assert "" == bench.git("status", "--porcelain")
    assert [] == bench.sent()


def test_several_hosts_are_drained_in_one_proposal(bench: Bench) -> None:
    told = bench.call("propose", "drain", "h2", "--dry-run").out
    assert "free to be switched off once its Host document is removed: h2" in " ".join(told.split())
    found = bench.call("propose", "drain", "h2", "h1", "--dry-run", "-o", "json")
    assert_fits(found)
    assert ("h1 h2", ["h1", "h2"]) == (found.json["subject"], found.json["closed"])
    assert [("batch", "h3"), ("web", "h3")] == [(entry["guest"], entry["target"]) for entry in found.json["changes"]]


def test_a_drain_on_top_of_another_leaves_the_first_host_empty(bench: Bench) -> None:
    bench.call("propose", "drain", "h2")
    [first] = branches(bench)
    told = " ".join(bench.git("log", "-1", "--format=%B", first).split())
    assert "Closed by schedulable: false: h2. Nothing is proposed to go there until that is taken out." in told
    found = bench.call("propose", "drain", "h3", "--rev", first, "-o", "json")
    assert (ExitCode.DIFFERENCES, ["h3"]) == (found.code, found.json["closed"])
    assert [("batch", "h1")] == [(entry["guest"], entry["target"]) for entry in found.json["changes"]]
    assert 2 == bench.git("show", f"{found.json['branch']['name']}:desired/hosts.yaml").count("schedulable: false")


def test_the_commit_says_why_and_what_is_gained(bench: Bench) -> None:
    bench.more = {"db": "  migration: {downtime: allowed}\n"}
    bench.commit()
    bench.call("propose", "drain", "h1")
    [branch] = branches(bench)
    told = bench.git("log", "-1", "--format=%an%n%B", branch)
    assert told.startswith("Ada\nDrain h1: 2 moves\n\nHost h1 will be empty.\n\n- db: host h1 → h2: h1 is to be empty;")
    assert "- web: host h1 → h3: h1 is to be empty; h1 is" in told
    assert "\n\nThe plan: " in told


def test_merging_the_branch_leads_to_the_plan_that_was_shown(bench: Bench) -> None:
    bench.more = {"db": "  migration: {downtime: allowed}\n"}
    bench.commit()
    found = bench.call("propose", "drain", "h1", "-o", "json")
    assert_fits(found)
    bench.git("merge", "--quiet", "--ff-only", found.json["branch"]["name"])
    merged = bench.call("plan", "-o", "json").json
    shown = found.json["plan"]
    assert [(step["guest"], step["target"]) for step in merged["steps"]] == [
        (step["guest"], step["target"]) for step in shown["steps"]
    ]
    assert ExitCode.OK == bench.call("apply", "--yes").code
    assert (["h3"], ["h2"]) == (bench.where("web"), bench.where("db"))
    again = bench.call("propose", "drain", "h1")
    assert (ExitCode.OK, 1) == (again.code, len(branches(bench)))
    assert "No guest is declared on h1" in again.out


def test_the_plan_is_said_to_be_of_the_proposal(bench: Bench) -> None:
    base = bench.git("rev-parse", "main")[:10]
    told = bench.call("propose", "drain", "h2", "--dry-run").out
    assert f"\nPlan with this proposal, on top of {base}\n\n" in told
    assert "Plan for fleet" not in told


def test_the_same_proposal_makes_no_second_branch(bench: Bench) -> None:
    first = bench.call("propose", "drain", "h2", "-o", "json")
    again = bench.call("propose", "drain", "h2", "-o", "json")
    assert ({**first.json["branch"], "existed": True}, ExitCode.OK) == (again.json["branch"], again.code)
    assert 1 == len(branches(bench))
    assert "is there already" in bench.call("propose", "drain", "h2").out


def test_who_cannot_leave_is_named_and_the_code_is_6(bench: Bench) -> None:
    """db has a disk that only h1 sees, and may not be stopped."""
    found = bench.call("propose", "drain", "h1")
    assert ExitCode.HELD == found.code
    assert "1 guest cannot leave h1" in found.out
    assert "db: on h1\n    DowntimeForbidden: no host can take it: h2: online:" in found.out
    assert 1 == len(branches(bench)), "web can go all the same"
    assert ExitCode.OK == bench.call("propose", "drain", "h1", "--exit-zero").code


def test_a_dry_run_makes_no_branch(bench: Bench) -> None:
    for output in ("text", "json", "markdown"):
        found = bench.call("propose", "drain", "h2", "--dry-run", "-o", output)
        assert (ExitCode.DIFFERENCES, []) == (found.code, branches(bench)), output
        assert "batch" in found.out
    assert "No branch was made." in bench.call("propose", "drain", "h2", "--dry-run").out


def test_it_needs_no_git_no_hosts_and_no_settings(bench: Bench, tmp_path: Path) -> None:
    snapshot = tmp_path / "observed.json"
    snapshot.write_text(bench.call("observe", "-o", "json").out)
    sources = ("--desired", bench.desired, "--observed", snapshot, "-o", "json")
    found = bench.executable(
        "propose", "drain", "h2", *sources, "--dry-run", env={"RECONCILER_SETTINGS": "/nowhere", "PATH": "/nowhere"}
    )
    assert (ExitCode.DIFFERENCES, "") == (found.code, found.err)
    assert_fits(found)
    assert ("", None) == (found.json["commit"], found.json["branch"])
    refused = bench.call("propose", "drain", "h2", *sources)
    assert (ExitCode.USAGE, True) == (refused.code, "add --dry-run" in refused.err)


def test_the_last_report_serves_in_place_of_a_look(bench: Bench) -> None:
    bench.call("apply", "--yes")
    found = bench.call("propose", "drain", "h2", "--observed", "status", "-o", "json")
    assert ["batch"] == [change["guest"] for change in found.json["changes"]]
    assert "observed: as of the last report" in found.err


def test_a_host_that_nobody_declares_is_refused(bench: Bench) -> None:
    found = bench.call("propose", "drain", "h11")
    assert (ExitCode.USAGE, True) == (found.code, "did you mean h1" in found.err)


def test_push_puts_the_branch_where_the_clone_came_from(bench: Bench, tmp_path: Path) -> None:
    bench.git("init", "--quiet", "--bare", at=tmp_path, extra=("origin.git",))
    bench.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    assert "next: git push origin proposal/drain-h2-" in bench.call("propose", "drain", "h2").out
    found = bench.call("propose", "drain", "h2", "--push", "-o", "json")
    name = found.json["branch"]["name"]
    assert True is found.json["branch"]["pushed"], found.err
    there = bench.git("for-each-ref", "--format=%(refname:short)", at=tmp_path / "origin.git").split()
    assert [name] == there


def test_a_repository_elsewhere_gets_the_branch_with_push_only(bench: Bench) -> None:
    settings = bench.settings.read_text()
    url = f'url = "file://{bench.folder / "fleet"}"'
    bench.settings.write_text(settings.replace('path = "fleet"', url))
    refused = bench.call("propose", "drain", "h2")
    assert (ExitCode.USAGE, []) == (refused.code, branches(bench))
    assert "hint: add --push to make the branch there, or --dry-run to make none" in refused.err
    assert ExitCode.DIFFERENCES == bench.call("propose", "drain", "h2", "--dry-run").code
    found = bench.call("propose", "drain", "h2", "--push")
    assert (ExitCode.DIFFERENCES, 1) == (found.code, len(branches(bench))), found.err
    assert "next: then open a pull request" not in found.out
    assert ExitCode.OK == bench.call("propose", "drain", "h2", "--push").code, "it is there already"
    bench.git("branch", "--delete", "--force", *branches(bench))
    assert ExitCode.DIFFERENCES == bench.call("propose", "drain", "h2", "--push").code, "it is there again"


def labelled(bench: Bench, **spec: str) -> None:
    """The documents of these guests with the label tier=idle, and with further lines."""
    for name, more in spec.items():
        path = bench.desired / f"{name}.yaml"
        text = path.read_text().replace(f"{{name: {name}}}", f"{{name: {name}, labels: {{tier: idle}}}}")
        path.write_text(text + more)
    bench.git("commit", "--quiet", "--all", "--message=Label")


def test_a_balance_moves_from_the_fullest_host(tmp_path: Path) -> None:
    def arrange(world: World) -> None:
        world.fleet.hosts["h1"].memory_mib = 5000

    bench = Bench(tmp_path).build(arrange=arrange)
    found = bench.call("propose", "balance", "-o", "json")
    assert_fits(found)
    assert ExitCode.DIFFERENCES == found.code
    assert [("web", "h2")] == [(change["guest"], change["target"]) for change in found.json["changes"]]
    bench.git("merge", "--quiet", "--ff-only", found.json["branch"]["name"])
    assert ExitCode.OK == bench.call("apply", "--yes").code
    again = bench.call("propose", "balance")
    assert (ExitCode.OK, 1) == (again.code, len(branches(bench)))
    assert "no move that is possible gains enough" in " ".join(again.out.split())
    assert "db stays on h1: h3: online: " in " ".join(again.out.split())


def test_hosts_that_are_close_enough_get_no_branch(bench: Bench) -> None:
    for output in ("text", "json", "markdown"):
        assert (ExitCode.OK, []) == (bench.call("propose", "balance", "-o", output).code, branches(bench))


def test_parking_changes_hosts_and_sizes_of_idle_guests(bench: Bench) -> None:
    labelled(bench, web="  cpu:\n    min: 5%  # it sleeps\n", batch="")
    found = bench.call("propose", "park", "tier=idle", "--onto", "h3", "-o", "json")
    assert_fits(found)
    assert (ExitCode.DIFFERENCES, ["h2"]) == (found.code, found.json["emptied"]), found.err
    diff = bench.git("diff", "--unified=0", "main", found.json["branch"]["name"])
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert ["-  host: h2", "+  host: h3", "-  host: h1", "+  host: h3", "+    entitlement: 5%"] == changed
    bench.git("merge", "--quiet", "--ff-only", found.json["branch"]["name"])
    assert ExitCode.OK == bench.call("apply", "--yes").code
    assert (["h3"], ["h3"]) == (bench.where("web"), bench.where("batch"))
    assert ExitCode.OK == bench.call("plan").code, "moved, and then given less CPU"
    again = bench.call("propose", "park", "tier=idle", "--onto", "h3")
    assert ExitCode.OK == again.code
    assert "as small as their documents allow" in " ".join(again.out.split())


@pytest.mark.parametrize(
    "words",
    [
        ["drain"],
        ["balance", "h1"],
        ["drain", ""],
        ["drain", "h1", "h9"],
        ["park"],
        ["park", "tier=idle", "tier=other"],
        ["park", "idle"],
        ["park", "tier=idle", "--onto", "h9"],
        ["drain", "h1", "--moves", "3"],
        ["balance", "--onto", "h1"],
        ["drain", "h1", "--allow-downtime"],
        ["balance", "--push", "--dry-run"],
        ["balance", "--moves", "0"],
        ["fill", "h1"],
    ],
)
def test_words_that_do_not_belong_together_are_refused(bench: Bench, words: list[str]) -> None:
    found = bench.call("propose", *words)
    assert (ExitCode.USAGE, "", []) == (found.code, found.out, branches(bench))


def test_documents_that_share_values_are_not_written_to(bench: Bench) -> None:
    text = (bench.desired / "web.yaml").read_text()
    (bench.desired / "web.yaml").write_text(text.replace("  host: h1\n", "  host: |-\n    h1\n"))
    bench.git("commit", "--quiet", "--all", "--message=Write it oddly")
    found = bench.call("propose", "drain", "h1")
    assert (ExitCode.DOCUMENTS, []) == (found.code, branches(bench))
    assert "error: edit-refused\ndesired/web.yaml:" in found.err
