"""A full disk, or a repository that must not be written: one clear error, and the branch as it was."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.git.plumbing import Repository
from reconciler.git.trouble import GitTrouble
from tests.git.repositories import everything, git, make_repository, refs
from tests.git.test_status_branch import put, status

ROOT = Path(__file__).parents[2]
NOISE = random.Random(1).randbytes(200_000)  # does not get smaller when git packs it


@pytest.fixture
def reported(tmp_path: Path) -> Path:
    """A repository with one report."""
    folder = make_repository(tmp_path / "reported")
    put(folder, {f"guests/g{number:03}.json": b"%d" % number for number in range(300)})
    return folder


@pytest.fixture
def wrap_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """From the call on, shell words run before each git command that a pattern of the shell matches."""

    def wrap(pattern: str, words: str) -> None:
        real = git(tmp_path, "--exec-path") + "/git"
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "git").write_text(f'#!/bin/sh\ncase "$*" in {pattern}) {words};; esac\nexec {real} "$@"\n')
        (folder / "git").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    return wrap


def check_refused(folder: Path, files: dict[str, bytes | None]) -> GitTrouble:
    """The report fails, and the repository is as it was, to the last file."""
    before = everything(folder)
    with pytest.raises(GitTrouble) as caught:
        put(folder, files)
    assert sorted(everything(folder)) == sorted(before)
    assert everything(folder) == before
    assert caught.value.hint
    return caught.value


WRITERS = ("fast-import", "read-tree", "update-index", "write-tree", "commit-tree")


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize(
    ("words", "end"),
    [("trap '' XFSZ; ulimit -f 0", "exit code"), ("ulimit -f 0", "signal 25")],
    ids=["write fails", "git is killed"],
)
def test_a_disk_that_takes_no_more_leaves_the_repository_as_it_was(
    reported: Path, wrap_git: Callable[[str, str], None], command: str, words: str, end: str
) -> None:
    """A limit on the size of files is as good as a full disk: git's writes fail, or end it."""
    wrap_git(f"*' {command} '*|*' {command}'", words)
    error = check_refused(reported, {"big.json": NOISE, "guests/g001.json": None})
    assert f"git {command} ended" in error.what
    assert end in error.what
    assert error.code == "git-failed"


def test_a_branch_that_cannot_be_moved_stays(reported: Path, wrap_git: Callable[[str, str], None]) -> None:
    """The objects are there then and nothing leads to them; the next try uses them."""
    before = refs(reported)
    wrap_git("*' update-ref '*", "trap '' XFSZ; ulimit -f 0")
    with pytest.raises(GitTrouble, match="status-branch-unwritable"):
        put(reported, {"index.json": NOISE})
    assert refs(reported) == before
    assert status(reported).read("index.json") is None
    assert list(reported.rglob("*.lock")) == []


def test_a_disk_that_fills_up_halfway_leaves_no_large_rest(
    reported: Path, wrap_git: Callable[[str, str], None]
) -> None:
    wrap_git("*' fast-import '*", "trap '' XFSZ; ulimit -f 64")
    check_refused(reported, {"big.json": NOISE})


def test_a_report_lands_once_there_is_room_again(
    reported: Path, wrap_git: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = os.environ["PATH"]
    wrap_git("*' fast-import '*", "trap '' XFSZ; ulimit -f 0")
    check_refused(reported, {"index.json": NOISE})
    monkeypatch.setenv("PATH", path)
    assert put(reported, {"index.json": NOISE}).commit
    assert git(reported, "fsck", "--strict", "--no-dangling") == ""


def powerless() -> list[str] | None:
    """Words that take from root what lets it ignore permissions; None where that cannot be done."""
    if os.geteuid() != 0:
        return []
    words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        return None
    return words


@pytest.mark.skipif(powerless() is None, reason="root here may write everywhere, and no setpriv takes that away")
@pytest.mark.parametrize(("part", "code"), [("objects", "repository-unwritable"), ("refs", "status-branch-unwritable")])
def test_a_repository_without_write_permission_says_so(reported: Path, part: str, code: str) -> None:
    script = f"from pathlib import Path; from {put.__module__} import put; put(Path({str(reported)!r}), {{'a': b'1'}})"
    folders = [reported / part, *(path for path in (reported / part).rglob("*") if path.is_dir())]
    before = refs(reported)
    for path in folders:
        path.chmod(0o555)
    try:
        argv = [*(powerless() or []), sys.executable, "-c", script]
        answer = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    finally:
        for path in folders:
            path.chmod(0o755)
    assert refs(reported) == before
    assert f"error: {code}" in answer.stderr
    assert "Permission denied" in answer.stderr
    assert f"write to {reported}" in answer.stderr or "permissions" in answer.stderr


def test_a_stale_lock_is_named(reported: Path) -> None:
    """The tip is the same afterwards, so trying again would not help; git's own words name the file."""
    lock = reported / "refs/heads/reconciler/status/prod.lock"
    lock.touch()
    with pytest.raises(GitTrouble, match="status-branch-unwritable") as caught:
        put(reported, {"index.json": b"1"})
    lock.unlink()
    assert "prod.lock" in caught.value.what


def test_the_hint_names_what_is_in_the_way(reported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository.open(reported)
    assert "check free space" in repository.room()
    real = os.statvfs(reported)
    fields = {name: getattr(real, name) for name in dir(real) if name.startswith("f_")}

    def pretend(**changes: int) -> str:
        monkeypatch.setattr("os.statvfs", lambda _: type("Facts", (), fields | changes))
        return repository.room()

    assert "read-only" in pretend(f_flag=os.ST_RDONLY)
    assert "make room" in pretend(f_bavail=1)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "let the user with id" in pretend()
