"""Opening repositories and running git in them: what is refused, and what can change an answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from reconciler.git.plumbing import Entry, Repository, check_version
from reconciler.git.process import environment, exchange
from reconciler.git.trouble import GitTrouble, printable, tail
from tests.git.repositories import blob, commit_files, git, make_repository


def program(folder: Path, name: str, script: str) -> None:
    """A program that a test puts in front of the real ones."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_repositories_of_each_kind_can_be_opened(folder: Path) -> None:
    repository = Repository.open(folder)
    assert git(folder, "rev-parse", "--absolute-git-dir") == str(repository.git_dir)
    assert git(folder, "rev-parse", "--show-object-format") == repository.object_format


def test_a_repository_behind_a_link_or_with_its_objects_elsewhere_is_one(tmp_path: Path) -> None:
    commit = commit_files(make_repository(tmp_path / "main", bare=False), {"a.yaml": b"a"})
    (tmp_path / "link").symlink_to("main")
    git(tmp_path, "clone", "-q", "--separate-git-dir", "elsewhere", "main", "apart")
    for name in ("link", "elsewhere", "apart", "main/.git"):
        assert Repository.open(tmp_path / name).commit_id("HEAD") == commit


def test_a_linked_work_tree_is_a_repository(tmp_path: Path) -> None:
    main = make_repository(tmp_path / "main", bare=False)
    commit_files(main, {"a.yaml": b"a"})
    git(main, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    assert Repository.open(tmp_path / "linked").commit_id("main") is not None


@pytest.mark.parametrize("name", ["absent", "file", "plain", "fleet/sub", "fleet/broken", "fleet/.git/objects"])
def test_what_is_no_repository_is_refused_with_a_hint(tmp_path: Path, name: str) -> None:
    """A folder inside a repository is none either: it could be the wrong repository, further up."""
    make_repository(tmp_path / "fleet", bare=False)
    (tmp_path / "fleet" / "sub").mkdir()
    (tmp_path / "fleet" / "broken" / ".git").mkdir(parents=True)
    (tmp_path / "plain").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(GitTrouble) as caught:
        Repository.open(tmp_path / name)
    assert caught.value.code in ("repository-missing", "repository-unreadable")
    assert caught.value.exit_code == ExitCode.GIT
    assert str(tmp_path / name) in caught.value.what
    assert caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_repository_without_permission_is_refused(bare: Path) -> None:
    bare.chmod(0)
    try:
        with pytest.raises(GitTrouble, match="repository-unreadable"):
            Repository.open(bare)
    finally:
        bare.chmod(0o755)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to somebody else")
def test_a_repository_of_somebody_else_needs_the_operators_word(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = commit_files(bare, {"a.yaml": b"a"})
    for path in [bare, *bare.rglob("*")]:
        os.chown(path, 65534, 65534)
    with pytest.raises(GitTrouble, match=r"safe\.directory"):
        Repository.open(bare)
    (tmp_path / "gitconfig").write_text(f"[safe]\n\tdirectory = {bare}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    assert Repository.open(bare).commit_id("main") == commit


def test_git_variables_of_a_hook_do_not_lead_to_another_repository(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = commit_files(bare, {"a.yaml": b"a"})
    other = make_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / "objects"))
    monkeypatch.setenv("GIT_NAMESPACE", "other")
    assert Repository.open(bare).commit_id("main") == commit


def test_replaced_objects_are_read_as_they_were_committed(bare: Path) -> None:
    honest, other = blob(bare, b"honest"), blob(bare, b"other!")
    git(bare, "replace", honest, other)
    entry = Entry("100644", "blob", honest, 6, b"a.yaml")
    assert {honest: b"honest"} == Repository.open(bare).blobs([entry])


def test_many_blobs_come_in_batches_and_each_once(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.git.plumbing.BATCH_BYTES", 10)
    contents = [b"x" * size for size in (0, 1, 9, 10, 11, 40, 3, 3)] + [b"\n\nnot a header blob 3\n"]
    entries = [Entry("100644", "blob", blob(bare, content), len(content), b"any") for content in contents]
    assert set(contents) == set(Repository.open(bare).blobs(entries).values())


def test_a_missing_object_is_named(bare: Path) -> None:
    absent = "1" * 40
    with pytest.raises(GitTrouble, match=f"object-unusable\nobject {absent}"):
        Repository.open(bare).blobs([Entry("100644", "blob", absent, 1, b"a.yaml")])


def test_a_damaged_object_is_not_read_as_something_else(bare: Path) -> None:
    first, second = blob(bare, b"place it on h1"), blob(bare, b"place it on h2")
    paths = [bare / "objects" / name[:2] / name[2:] for name in (first, second)]
    paths[0].unlink()
    shutil.copy(paths[1], paths[0])
    with pytest.raises(GitTrouble, match="does not hold what its id says"):
        Repository.open(bare).blobs([Entry("100644", "blob", first, 14, b"a.yaml")])


def test_a_failing_command_says_what_git_said(bare: Path) -> None:
    with pytest.raises(GitTrouble) as caught:
        Repository.open(bare).run(["cat-file", "-p", "no\x1bsuch"])
    assert "git cat-file ended with exit code 128" in caught.value.what
    assert "\\x1bsuch" in caught.value.what or "?such" in caught.value.what
    assert "\x1b" not in str(caught.value)


def test_missing_git_is_said_plainly(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository.open(bare)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitTrouble, match="git-missing"):
        repository.run(["version"])


def test_a_git_that_is_too_old_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "git", "echo git version 2.20.1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    check_version.cache_clear()
    with pytest.raises(GitTrouble, match=r"git-too-old(.|\n)*2\.36 or newer"):
        Repository.open(tmp_path)
    check_version.cache_clear()


def test_a_repository_that_vanishes_is_said_to_be_gone(bare: Path) -> None:
    repository = Repository.open(bare)
    shutil.rmtree(bare)
    with pytest.raises(GitTrouble, match="repository-missing"):
        repository.run(["version"])


def run_python(script: str, *, stdin: bytes = b"", timeout_s: float = 30, output_max_bytes: int = 1 << 24) -> bytes:
    """A program that behaves as the script says, run as git would be."""
    argv = [sys.executable, "-S", "-c", script]
    answer = exchange(
        argv,
        folder=Path("/"),
        env=environment(),
        stdin=stdin,
        timeout_s=timeout_s,
        output_max_bytes=output_max_bytes,
    )
    return answer.stdout


def test_a_program_that_hangs_is_ended_in_time() -> None:
    with pytest.raises(GitTrouble, match="git-timeout"):
        run_python("import time; time.sleep(60)", timeout_s=0.3)


def test_a_program_that_closes_its_outputs_and_hangs_is_ended_in_time() -> None:
    with pytest.raises(GitTrouble, match="git-timeout"):
        run_python("import os, time; os.close(1); os.close(2); time.sleep(60)", timeout_s=0.5)


def test_a_program_that_says_too_much_is_ended() -> None:
    with pytest.raises(GitTrouble, match="git-output-too-large"):
        run_python("while True: print('x' * 1000)", output_max_bytes=100_000)


def test_large_input_and_output_at_once_do_not_block_each_other() -> None:
    stdin = bytes(range(256)) * 8192
    echo = "import sys, shutil; sys.stderr.write('e' * 300000); shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
    assert stdin == run_python(echo, stdin=stdin)


def test_a_program_that_does_not_read_its_input_is_judged_by_its_exit_code() -> None:
    assert run_python("print('done')", stdin=b"x" * (1 << 20)) == b"done\n"


def test_no_git_process_is_left_behind_by_an_interrupt(bare: Path) -> None:
    """Ctrl-C while git waits: the interrupt goes up, the child is gone."""
    script = (
        "import os, signal, sys; from pathlib import Path; from reconciler.git.process import exchange, environment\n"
        "signal.signal(signal.SIGALRM, signal.default_int_handler); signal.setitimer(signal.ITIMER_REAL, 0.3)\n"
        "try: exchange(['sleep', '60'], folder=Path('/'), env=environment(), stdin=b'',\n"
        "    timeout_s=60, output_max_bytes=1)\n"
        "except KeyboardInterrupt:\n"
        "    try: os.waitpid(-1, os.WNOHANG)\n"
        "    except ChildProcessError: print('none left')\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert answer.stdout == "none left\n"


def test_control_and_direction_characters_are_shown_as_escapes() -> None:
    assert printable("a\x1b[31m\n\u202eb\ud800é") == "a\\x1b[31m\\n\\u202eb\\ud800é"
    assert printable(b"\xff\x00") == "\\xff\\x00"


def test_the_start_and_the_end_of_a_long_complaint_are_kept() -> None:
    complaint = b"\n".join(b"line %d %s" % (number, b"x" * 300) for number in range(100))
    assert "line 0" in tail(complaint)
    assert len(tail(complaint)) < 700
    assert tail(b"fatal: reason\n\na\nb\nc\nd\n") == "fatal: reason; b; c; d"
