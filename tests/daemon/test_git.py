"""The daemon and git: a server that is away, refuses, or is rewritten. No migration waits for it, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.bench import Bench
from tests.daemon.running import daemon, eventually
from tests.git.repositories import git
from tests.git.servers import REFUSE, SERVERS, GitServer

STATUS = "refs/heads/reconciler/status/bench"


@pytest.fixture(params=sorted(SERVERS))
def forge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GitServer]:
    """Each kind of server in turn."""
    with SERVERS[request.param](tmp_path) as running:
        yield running


@pytest.fixture
def ssh_forge(tmp_path: Path) -> Iterator[GitServer]:
    """The one that can be stopped."""
    with SERVERS["ssh"](tmp_path) as running:
        yield running


def bench_at(forge: GitServer, tmp_path: Path) -> Bench:
    """A bench whose settings name the server, with its first commit pushed."""
    (tmp_path / "bench").mkdir()
    bench = Bench(tmp_path / "bench").build()
    remote = forge.remote
    files = {"key_file": remote.key_file, "known_hosts_file": remote.known_hosts_file}
    files["credentials_file"] = remote.credentials_file
    lines = [f'{name} = "{path}"\n' for name, path in files.items() if path is not None]
    text = bench.settings.read_text().replace('path = "fleet"\n', f'url = "{remote.url}"\npoll_s = 1\n{"".join(lines)}')
    bench.settings.write_text(text)
    push(bench, forge)
    return bench


def push(bench: Bench, forge: GitServer) -> None:
    """As a person with all rights does: straight into the server's repository."""
    git(forge.repository, "fetch", "-q", str(bench.folder / "fleet"), "+main:main")


def test_a_name_to_suspend_is_asked_of_the_server_only_where_it_is_not_known_here(
    ssh_forge: GitServer, tmp_path: Path
) -> None:
    bench = bench_at(ssh_forge, tmp_path)
    assert 0 == bench.call("suspend", "guest", "web", "--reason", "x").code
    assert 2 == bench.call("suspend", "guest", "new", "--reason", "x").code
    (bench.desired / "web.yaml").write_text((bench.desired / "web.yaml").read_text().replace("name: web", "name: new"))
    bench.git("commit", "--quiet", "--all", "--message=Rename it")
    push(bench, ssh_forge)
    assert 0 == bench.call("suspend", "guest", "new", "--reason", "x").code
    ssh_forge.stop()
    for name, warned in (("new", False), ("newer", True)):
        found = bench.call("suspend", "guest", name, "--reason", "x")
        assert (0, warned) == (found.code, "nobody knows whether" in found.err)


def test_a_push_is_acted_on_and_reported_there(forge: GitServer, tmp_path: Path) -> None:
    bench = bench_at(forge, tmp_path)
    with daemon(bench.settings) as running:
        running.hears("published")
        bench.commit(web="h2")
        push(bench, forge)
        running.hears("published")
    assert ["h2"] == bench.where("web")
    assert "1 guest moved" in git(forge.repository, "log", "-1", "--format=%s", STATUS)
    assert "h2" in bench.executable("status").out


def test_passes_go_on_while_git_is_away_and_their_records_come_out_in_one_commit(
    ssh_forge: GitServer, tmp_path: Path
) -> None:
    bench = bench_at(ssh_forge, tmp_path)
    with daemon(bench.settings) as running:
        running.hears("published")
        before = git(ssh_forge.repository, "rev-list", "--count", STATUS)
        bench.commit(web="h2")
        push(bench, ssh_forge)
        running.hears("pass-begun")
        ssh_forge.stop()
        running.hears("git-trouble")
        eventually(lambda: bench.where("web") == ["h2"])
        bench.executable("refresh")
        ssh_forge.start()
        bench.executable("refresh")
        eventually(lambda: git(ssh_forge.repository, "rev-list", "--count", STATUS) != before)
        bench.executable("refresh")
    moved = [json.loads(text) for text in records(ssh_forge)]
    assert 1 == sum(bool(record["steps"]) for record in moved), "the move is on record, once"
    assert [] == list((bench.folder / "state" / "pending").glob("runs*"))


def records(forge: GitServer) -> list[str]:
    """The run records on the server."""
    paths = git(forge.repository, "ls-tree", "-r", "--name-only", STATUS, "runs/").splitlines()
    return [git(forge.repository, "show", f"{STATUS}:{path}") for path in paths]


def test_a_server_that_takes_no_reports_is_said_to_and_moves_go_on(forge: GitServer, tmp_path: Path) -> None:
    bench = bench_at(forge, tmp_path)
    forge.hook("pre-receive", REFUSE)
    with daemon(bench.settings) as running:
        assert "does not take reports" in running.hears("git-trouble")["message"]
        bench.commit(web="h2")
        push(bench, forge)
        running.hears("pass-ended", result="converged")
        assert ["h2"] == bench.where("web")
        forge.hook("pre-receive", "")
        bench.executable("refresh")
        running.hears("published")
    assert STATUS in forge.refs(STATUS)


def test_a_forced_push_is_held(forge: GitServer, tmp_path: Path) -> None:
    bench = bench_at(forge, tmp_path)
    with daemon(bench.settings) as running:
        bench.commit(web="h2")
        push(bench, forge)
        running.hears("pass-ended", result="converged")
        bench.git("reset", "--quiet", "--hard", "HEAD~1")
        bench.commit("Another past", web="h3")
        push(bench, forge)
        running.hears("pass-ended", result="held")
    assert ["h2"] == bench.where("web")


def test_a_deleted_status_branch_comes_back_whole(forge: GitServer, tmp_path: Path) -> None:
    bench = bench_at(forge, tmp_path)
    with daemon(bench.settings) as running:
        running.hears("published")
        git(forge.repository, "update-ref", "-d", STATUS)
        bench.executable("refresh")
        running.hears("published")
    files = git(forge.repository, "ls-tree", "-r", "--name-only", STATUS).splitlines()
    assert {"README.md", "index.json", "observed/h1.json"} <= set(files)


def test_it_shows_that_it_is_alive(forge: GitServer, tmp_path: Path) -> None:
    bench = bench_at(forge, tmp_path)
    alive = "refs/heads/reconciler/alive/bench"
    with daemon(bench.settings) as running:
        running.hears("published")
        eventually(lambda: alive in forge.refs(alive))
    assert "1" == git(forge.repository, "rev-list", "--count", alive)
    assert "converged" == json.loads(git(forge.repository, "show", f"{alive}:heartbeat.json"))["result"]


def test_settings_and_suspensions_hold_while_git_is_away(ssh_forge: GitServer, tmp_path: Path) -> None:
    """What git said last is known; what the operator says is read anew."""
    bench = bench_at(ssh_forge, tmp_path)
    apply = bench.settings.read_text()
    bench.settings.write_text(apply + '[ceilings]\nmode = "report"\n')
    with daemon(bench.settings) as running:
        bench.commit(web="h2")
        push(bench, ssh_forge)
        running.hears("pass-ended", result="held")
        ssh_forge.stop()
        bench.executable("suspend", "guest", "web", "--reason", "not now")
        bench.settings.write_text(apply)
        assert "blocked" == bench.executable("refresh", "-o", "json").json["result"]
        assert ["h1"] == bench.where("web")
        bench.executable("resume", "guest", "web")
        eventually(lambda: bench.where("web") == ["h2"])
