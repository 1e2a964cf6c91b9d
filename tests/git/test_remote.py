"""Reports onto real servers: what the server has, and not what was said, decides."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import InvariantBroken
from reconciler.git.committing.status_commit import Identity
from reconciler.git.heartbeat import alive_ref, beat, read_heartbeat
from reconciler.git.mirror import maintain, open_mirror, synced
from reconciler.git.plumbing import Repository
from reconciler.git.remote import Remote, url_refusal
from reconciler.git.status_branch import Published, publish, read_status
from reconciler.git.trouble import GitTrouble
from tests.git.repositories import commit_files, git
from tests.git.servers import FORGET, REFUSE, SECRET, SERVERS, GitServer, Line, file_server, ssh_server
from tests.ssh.sshd import key_pair, public

REF = "refs/heads/reconciler/status/prod"
ME = Identity("reconciler", "reconciler@example.org")
WHEN = 1_700_000_000


@pytest.fixture(params=sorted(SERVERS))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GitServer]:
    """Each kind in turn, with one commit on its main branch."""
    with SERVERS[request.param](tmp_path) as running:
        commit_files(running.repository, {"web.yaml": b"kind: Guest\n"})
        yield running


@pytest.fixture
def served(tmp_path: Path) -> Iterator[GitServer]:
    """The simplest kind, where the kind makes no difference."""
    with file_server(tmp_path) as running:
        commit_files(running.repository, {"web.yaml": b"kind: Guest\n"})
        yield running


def mirror(server: GitServer, name: str = "mirror.git") -> Repository:
    return open_mirror(server.repository.parent / name, server.remote)


def report(repository: Repository, remote: Remote, number: int, *, by: str = "me") -> Published:
    files = {"index.json": json.dumps({"number": number, "by": by}).encode(), f"runs/{by}-{number}.json": b"{}"}
    return publish(repository, REF, files, f"Report {number}", [("Reconcile-Id", f"{by}-{number}")], ME, WHEN, remote)


def test_a_report_arrives_and_is_read_back(server: GitServer) -> None:
    repository = mirror(server)
    published = report(repository, server.remote, 1)
    assert {REF: published.commit} == server.refs("refs/heads/reconciler/")
    assert b'{"number": 1, "by": "me"}' == read_status(repository, REF).read("index.json")


def test_the_same_report_again_is_no_commit(server: GitServer) -> None:
    """What a crash between push and read back comes to."""
    repository = mirror(server)
    published = report(repository, server.remote, 1)
    assert Published(None, ()) == report(mirror(server, "another.git"), server.remote, 1)
    assert {REF: published.commit} == server.refs("refs/heads/reconciler/")


def test_a_report_goes_on_top_of_what_somebody_else_put_there(server: GitServer) -> None:
    ours, theirs = mirror(server), mirror(server, "theirs.git")
    report(ours, server.remote, 1)
    report(theirs, server.remote, 2, by="them")
    report(ours, server.remote, 3)
    assert ["Report 3", "Report 2", "Report 1"] == git(server.repository, "log", "--format=%s", REF).splitlines()
    status = read_status(ours, REF)
    assert ("runs/me-1.json", "runs/me-3.json", "runs/them-2.json") == status.files("runs/")


def test_a_refusal_is_known_by_what_the_server_has(server: GitServer) -> None:
    server.hook("pre-receive", REFUSE)
    with pytest.raises(GitTrouble, match="is as it was after the push") as caught:
        report(mirror(server), server.remote, 1)
    assert "status-branch-refused" == caught.value.code
    assert {} == server.refs("refs/heads/reconciler/")
    server.hook("pre-receive", "")
    assert report(mirror(server), server.remote, 1).commit in server.refs(REF).values()


def test_a_server_that_says_yes_and_does_nothing_is_not_believed(server: GitServer) -> None:
    server.hook("post-receive", FORGET)
    with pytest.raises(GitTrouble) as caught:
        report(mirror(server), server.remote, 1)
    assert "status-branch-refused" == caught.value.code


def test_nothing_but_our_own_refs_is_ever_pushed(served: GitServer) -> None:
    repository = mirror(served)
    with pytest.raises(InvariantBroken, match="I7"):
        served.remote.push(
            repository, synced(repository, served.remote, "refs/heads/main")["refs/heads/main"], "refs/heads/main", None
        )


@pytest.mark.parametrize("server", ["ssh", "http"], indirect=True)
def test_a_server_that_is_away_is_said_to_be_and_comes_back(server: GitServer) -> None:
    repository = mirror(server)
    server.stop()
    with pytest.raises(GitTrouble) as caught:
        report(repository, server.remote, 1)
    assert "git-unreachable" == caught.value.code
    assert SECRET not in str(caught.value)
    server.start()
    assert report(repository, server.remote, 1).commit


@pytest.mark.parametrize("server", ["ssh", "http"], indirect=True)
@pytest.mark.parametrize("bytes_max", [0, 600], ids=["silent from the start", "silent in the middle"])
def test_a_connection_that_falls_silent_ends_in_time(server: GitServer, bytes_max: int) -> None:
    repository = mirror(server)
    with Line(server.at, server.port, bytes_max) as line:
        remote = replace(server.by_way_of(line.port), timeout_s=3.0)
        began = time.monotonic()
        with pytest.raises(GitTrouble) as caught:
            report(repository, remote, 1)
        assert time.monotonic() - began < 30
    assert "git-unreachable" == caught.value.code
    assert report(repository, server.remote, 1).commit, "and the next one is published"


def test_a_slow_line_is_no_failure(tmp_path: Path) -> None:
    with SERVERS["http"](tmp_path) as server, Line(server.at, server.port, bytes_s=20_000) as line:
        assert report(mirror(server), server.by_way_of(line.port), 1).commit


# --- keys ------------------------------------------------------------------------------------------------------------


def test_another_host_key_is_refused_until_it_is_known(tmp_path: Path) -> None:
    with ssh_server(tmp_path) as server:
        repository = mirror(server)
        report(repository, server.remote, 1)
        server.stop()
        for path in (tmp_path / "forge").glob("host_ed25519*"):
            path.unlink()
        known = tmp_path / "known_hosts"
        before = known.read_text()
        server.start()
        after = known.read_text()
        known.write_text(before)
        with pytest.raises(GitTrouble, match="Host key verification failed") as caught:
            report(repository, server.remote, 2)
        assert "git-unreachable" == caught.value.code
        known.write_text(after)
        assert report(repository, server.remote, 2).commit


def test_our_own_key_can_be_changed_under_it(tmp_path: Path) -> None:
    with ssh_server(tmp_path) as server:
        repository = mirror(server)
        report(repository, server.remote, 1)
        authorized = tmp_path / "forge" / "authorized_keys"
        new = key_pair(tmp_path / "new")
        authorized.write_text(f"{public(new)}\n")
        with pytest.raises(GitTrouble, match="Permission denied"):
            report(repository, server.remote, 2)
        for half in ("", ".pub"):
            (tmp_path / f"new{half}").replace(tmp_path / f"pusher{half}")
        assert report(repository, server.remote, 2).commit


# --- what others do to the branch ------------------------------------------------------------------------------------


def test_a_deleted_branch_is_begun_anew(server: GitServer) -> None:
    repository = mirror(server)
    report(repository, server.remote, 1)
    git(server.repository, "update-ref", "-d", REF)
    report(repository, server.remote, 2)
    assert ["Report 2"] == git(server.repository, "log", "--format=%s", REF).splitlines()


def test_a_branch_that_was_forced_back_is_built_upon(server: GitServer) -> None:
    repository = mirror(server)
    first = report(repository, server.remote, 1).commit
    report(repository, server.remote, 2)
    git(server.repository, "update-ref", REF, str(first))
    report(repository, server.remote, 3)
    assert ["Report 3", "Report 1"] == git(server.repository, "log", "--format=%s", REF).splitlines()


# --- the mirror ------------------------------------------------------------------------------------------------------


def test_a_broken_mirror_is_made_anew(server: GitServer) -> None:
    repository = mirror(server)
    synced(repository, server.remote, "refs/heads/main")
    for path in repository.objects.rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"")
    again = mirror(server)
    synced(again, server.remote, "refs/heads/main")
    assert again.commit_id("main") == git(server.repository, "rev-parse", "main")


def test_a_mirror_takes_the_servers_object_format(tmp_path: Path) -> None:
    served = tmp_path / "sha256.git"
    git(tmp_path, "init", "-q", "--bare", "--object-format=sha256", "-b", "main", str(served))
    commit_files(served, {"web.yaml": b"kind: Guest\n"})
    remote = Remote(f"file://{served}")
    repository = open_mirror(tmp_path / "mirror.git", remote)
    synced(repository, remote, "refs/heads/main")
    assert report(repository, remote, 1).commit


def test_a_branch_that_went_away_stays_known_here(served: GitServer) -> None:
    repository = mirror(served)
    before = synced(repository, served.remote, "refs/heads/main")
    git(served.repository, "update-ref", "-d", "refs/heads/main")
    assert {} == synced(repository, served.remote, "refs/heads/main")
    assert before["refs/heads/main"] == repository.commit_id("main")


def test_many_small_files_are_packed(served: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.git.mirror.LOOSE_MAX", 1)
    monkeypatch.setattr("reconciler.git.mirror.PACKS_MAX", 1)
    repository = mirror(served)
    for number in range(4):
        report(repository, served.remote, number)
    maintain(repository)
    assert 1 == len(list((repository.objects / "pack").glob("*.pack")))
    assert read_status(repository, REF).read("runs/me-3.json")


# --- the heartbeat ---------------------------------------------------------------------------------------------------


def test_a_heartbeat_is_one_commit_however_often_it_beats(server: GitServer) -> None:
    repository = mirror(server)
    for number in range(3):
        beat(repository, "prod", {"number": number}, ME, WHEN + number, server.remote)
    ref = alive_ref("prod")
    assert "1" == git(server.repository, "rev-list", "--count", ref)
    found = read_heartbeat(repository, "prod")
    assert found is not None
    assert (WHEN + 2, {"number": 2}) == (found.when, dict(found.said))


def test_a_server_that_takes_no_branch_back_still_gets_it(server: GitServer) -> None:
    git(server.repository, "config", "receive.denyNonFastForwards", "true")
    repository = mirror(server)
    for number in range(2):
        beat(repository, "prod", {"number": number}, ME, WHEN + number, server.remote)
    assert "1" == git(server.repository, "rev-list", "--count", alive_ref("prod"))


# --- URLs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git@forge.example.org/a.git",
        "https://forge.example.org/a.git",
        "git@forge.example.org:team/a.git",
        "file:///srv/a.git",
    ],
)
def test_urls_of_forges_are_taken(url: str) -> None:
    assert "" == url_refusal(url)


@pytest.mark.parametrize(
    "url",
    [
        "--upload-pack=touch x",
        "ext::sh -c id",
        "https://me:secret@forge.example.org/a.git",
        "ssh://-oProxyCommand=id/a",
        "git://x/a",
        "",
        "a\nb",
        "/srv/a.git",
    ],
)
def test_urls_that_run_something_or_tell_a_secret_are_not(url: str) -> None:
    assert url_refusal(url)


# --- a race ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_eight_writers_lose_nothing(served: GitServer) -> None:
    reports = 6
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(served.repository), str(number), str(reports)],
            cwd=Path(__file__).parents[2],
        )
        for number in range(8)
    ]
    assert [0] * 8 == [writer.wait(240) for writer in writers]
    assert "48" == git(served.repository, "rev-list", "--count", REF)
    assert "" == git(served.repository, "fsck", "--no-dangling", "--no-progress")
    files = git(served.repository, "ls-tree", "-r", "--name-only", REF).splitlines()
    assert 49 == len(files), "the index, and every run of every writer"


WRITER = """
import sys
from pathlib import Path
from reconciler.git.mirror import open_mirror
from reconciler.git.remote import Remote
from tests.git.test_remote import report
served, number, reports = sys.argv[1:]
remote = Remote(f"file://{served}")
mirror = open_mirror(Path(served).parent / f"writer-{number}.git", remote)
for each in range(int(reports)):
    report(mirror, remote, each, by=f"writer{number}")
"""
