"""The status branch: what is committed, what is left alone, and that it reads back as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.git import status_branch
from reconciler.git.committing.status_commit import build_commit
from reconciler.git.plumbing import Repository
from reconciler.git.status_branch import Identity, Published, publish, read_status
from reconciler.git.trouble import GitTrouble, printable
from tests.git.repositories import (
    SYMLINK,
    blob,
    commit_files,
    everything,
    git,
    make_repository,
    refs,
)
from tests.git.test_message import TEXT, TRAILERS

REF = "refs/heads/reconciler/status/prod"
BOT = Identity("reconciler", "reconciler@example.org")
WHEN = 1_700_000_000

EXAMPLES = max(12, settings().max_examples // 50)
"""An example is a dozen processes: 12 in the fast suite, more where a profile asks for many."""


def put(
    folder: Path,
    files: Mapping[str, bytes | None],
    *,
    message: str = "Report",
    trailers: tuple[tuple[str, str], ...] = (),
    when: int = WHEN,
    ref: str = REF,
) -> Published:
    return publish(Repository.open(folder), ref, files, message, trailers, BOT, when)


def status(folder: Path) -> status_branch.StatusBranch:
    return read_status(Repository.open(folder), REF)


def test_the_first_report_is_an_orphan_and_reads_back(folder: Path) -> None:
    main = commit_files(folder, {"a.yaml": b"a"})
    files = {"index.json": b"{}\n", "guests/ab/web.json": b"\x00\xff\r\n", "README.md": b""}
    published = put(folder, files, message="Moved 1 guest", trailers=(("Observed-Commit", main), ("Guests-Moved", "1")))
    assert published.changed == ("README.md", "guests/ab/web.json", "index.json")
    assert refs(folder) == {"refs/heads/main": main, REF: published.commit}
    assert git(folder, "rev-list", "--count", REF) == "1"
    branch = status(folder)
    assert branch.commit == published.commit
    assert branch.files() == ("README.md", "guests/ab/web.json", "index.json")
    assert branch.read_all() == files
    assert branch.read("guests/ab/web.json") == b"\x00\xff\r\n"
    (entry,) = branch.log(10)
    assert (entry.id, entry.when, entry.subject) == (published.commit, WHEN, "Moved 1 guest")
    assert entry.trailers == (("Observed-Commit", main), ("Guests-Moved", "1"))
    git(folder, "fsck", "--strict")


def test_the_next_report_changes_only_what_changed(folder: Path) -> None:
    put(folder, {"index.json": b"1", "guests/a.json": b"a", "guests/b.json": b"b", "runs/1.json": b"r"})
    second = put(folder, {"index.json": b"2", "guests/a.json": b"a", "guests/b.json": None, "guests/c.json": None})
    assert second.changed == ("guests/b.json", "index.json")
    assert git(folder, "diff-tree", "-r", "--name-status", f"{REF}~", REF) == "D\tguests/b.json\nM\tindex.json"
    assert status(folder).files() == ("guests/a.json", "index.json", "runs/1.json")
    assert status(folder).files("guests/") == status(folder).files("guests") == ("guests/a.json",)


def test_a_report_that_says_nothing_new_writes_nothing(folder: Path) -> None:
    put(folder, {"index.json": b"1", "guests/a.json": b"a"})
    git_dir = Repository.open(folder).git_dir
    before = everything(git_dir)
    same: dict[str, bytes | None] = {"guests/a.json": b"a", "guests/gone.json": None}
    assert put(folder, same, message="again", when=WHEN + 1) == Published(None, ())
    assert put(folder, {}) == Published(None, ())
    assert everything(git_dir) == before


def test_nothing_to_say_on_a_branch_that_does_not_exist_makes_none(bare: Path) -> None:
    assert put(bare, {"guests/a.json": None}) == Published(None, ())
    assert refs(bare) == {}


def test_the_same_report_has_the_same_commit_id_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = []
    for name, zone, author in (("one", "UTC", "Ann"), ("two", "Asia/Tokyo", "Bob")):
        monkeypatch.setenv("TZ", zone)
        monkeypatch.setenv("GIT_AUTHOR_NAME", author)
        monkeypatch.setenv("GIT_COMMITTER_DATE", "@1 +0100")
        folder = make_repository(tmp_path / name, bare=name == "one")
        git(folder, "config", "user.name", author)
        git(folder, "config", "i18n.commitEncoding", "ISO-8859-1")
        git(folder, "config", "core.autocrlf", "true")
        put(folder, {"index.json": b"1\r\n"})
        commits.append(put(folder, {"index.json": b"2"}, message="Zurück", trailers=(("Result", "ok"),)).commit)
    assert commits[0] == commits[1]


def test_work_tree_and_index_are_left_alone(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "clone", bare=False)
    (folder / "a.yaml").write_text("a")
    git(folder, "add", "a.yaml")
    git(folder, "commit", "-q", "-m", "first")
    (folder / "a.yaml").write_text("edited")
    (folder / "b.yaml").write_text("staged")
    git(folder, "add", "b.yaml")
    before = git(folder, "status", "--porcelain"), (folder / ".git" / "index").read_bytes()
    put(folder, {"a.yaml": b"report", "index.json": b"1"})
    assert (git(folder, "status", "--porcelain"), (folder / ".git" / "index").read_bytes()) == before
    assert (folder / "a.yaml").read_text() == "edited"


def test_a_linked_work_tree_reports_into_the_repository_it_belongs_to(tmp_path: Path) -> None:
    main = make_repository(tmp_path / "main", bare=False)
    commit_files(main, {"a.yaml": b"a"})
    git(main, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    commit = put(tmp_path / "linked", {"index.json": b"1"}).commit
    assert refs(main)[REF] == commit
    assert git(tmp_path / "linked", "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["with space", "a:b", 'a"b\\c', "-x", "ü\x1b", "*"])
def test_odd_names_of_the_repository_itself_are_no_trouble(tmp_path: Path, name: str) -> None:
    git(tmp_path, "init", "-q", "--bare", f"./{name}")
    put(tmp_path / name, {"index.json": b"1"})
    put(tmp_path / name, {"index.json": b"2"})
    assert status(tmp_path / name).read("index.json") == b"2"


def test_hooks_of_the_repository_do_not_run(bare: Path, tmp_path: Path) -> None:
    for name in ("reference-transaction", "post-commit", "post-index-change", "pre-commit", "commit-msg"):
        hook = bare / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
        hook.chmod(0o755)
    assert put(bare, {"index.json": b"1"}).commit
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("linked", [False, True])
def test_a_status_branch_that_is_checked_out_is_refused(tmp_path: Path, linked: bool) -> None:
    folder = make_repository(tmp_path / "clone", bare=False)
    tip = put(folder, {"index.json": b"1"}).commit
    branch = REF.removeprefix("refs/heads/")
    if linked:
        git(folder, "worktree", "add", "-q", str(tmp_path / "linked"), branch)
    else:
        git(folder, "checkout", "-q", branch)
    with pytest.raises(GitTrouble, match="status-branch-checked-out"):
        put(folder, {"index.json": b"2"})
    assert refs(folder)[REF] == tip


def test_an_unborn_checkout_of_the_status_branch_is_refused(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "clone", bare=False)
    git(folder, "symbolic-ref", "HEAD", REF)
    with pytest.raises(GitTrouble, match="status-branch-checked-out"):
        put(folder, {"index.json": b"1"})


def test_the_head_of_a_bare_repository_is_no_checkout(bare: Path) -> None:
    git(bare, "symbolic-ref", "HEAD", REF)
    assert put(bare, {"index.json": b"1"}).commit


OTHER_REFS = ("refs/heads/main", "main", "refs/tags/x", "-d", "")
BROKEN_REFS = (
    f"{REF}\n",
    f"{REF} x",
    f"{REF}.lock",
    f"{REF}/../../../main",
    f"{REF}..x",
    "refs/heads/reconciler/status/",
)


@pytest.mark.parametrize("ref", [*OTHER_REFS, *BROKEN_REFS])
def test_only_status_branches_are_ever_written(bare: Path, ref: str) -> None:
    with pytest.raises(GitTrouble, match="status-ref-invalid"):
        put(bare, {"index.json": b"1"}, ref=ref)
    with pytest.raises(GitTrouble, match="status-ref-invalid"):
        read_status(Repository.open(bare), ref)
    assert refs(bare) == {}


def test_a_status_branch_that_leads_to_another_branch_does_not_write_there(bare: Path) -> None:
    main = commit_files(bare, {"a.yaml": b"a"})
    git(bare, "symbolic-ref", REF, "refs/heads/main")
    with pytest.raises(GitTrouble, match="leads to refs/heads/main"):
        put(bare, {"index.json": b"1"})
    assert refs(bare)["refs/heads/main"] == main
    git(bare, "symbolic-ref", REF, "refs/heads/not-there")
    put(bare, {"index.json": b"1"})
    assert "refs/heads/not-there" not in refs(bare)


LEADING_OUT = ("", "/a", "a/", "a//b", "../a", "a/../b", ".git/config", "a/.git/x", ".github/x.yaml", "C:x")
ODD_PATHS = ("a\nb", "a b", "ä", 'a"b', "a\\b", "git~1/x", "a\x00b", "-x", "x" * 129, "/".join(["x" * 100] * 11))


@pytest.mark.parametrize("path", [*LEADING_OUT, *ODD_PATHS])
def test_unsafe_paths_are_refused_before_anything_is_written(bare: Path, path: str) -> None:
    before = everything(bare)
    with pytest.raises(GitTrouble, match="status-path-invalid"):
        put(bare, {"index.json": b"1", path: b"x"})
    assert everything(bare) == before


@pytest.mark.parametrize("files", [{"a": b"1", "a/b": b"2"}, {"index.json/x": b"1"}, {"guests": b"1"}])
def test_a_file_in_the_place_of_a_folder_is_refused(bare: Path, files: dict[str, bytes | None]) -> None:
    tip = put(bare, {"index.json": b"0", "guests/a.json": b"a"}).commit
    with pytest.raises(GitTrouble, match="status-files-clash"):
        put(bare, files)
    assert status(bare).read_all() == {"index.json": b"0", "guests/a.json": b"a"}
    assert status(bare).commit == tip


def test_a_folder_can_take_the_place_of_a_deleted_file(bare: Path) -> None:
    put(bare, {"runs": b"old layout"})
    put(bare, {"runs": None, "runs/1.json": b"new"})
    assert status(bare).read_all() == {"runs/1.json": b"new"}


def test_everything_can_be_deleted(bare: Path) -> None:
    put(bare, {"index.json": b"1"})
    assert put(bare, {"index.json": None}).commit
    assert status(bare).files() == ()


@pytest.mark.parametrize(
    ("name", "email", "when"), [("", "a@b", 1), ("a", "<>", 1), ("\n", "a@b", 1), ("a", "a@b", -1)]
)
def test_a_commit_without_a_maker_or_time_is_refused(bare: Path, name: str, email: str, when: int) -> None:
    with pytest.raises(GitTrouble, match="identity-invalid"):
        publish(Repository.open(bare), REF, {"a": b"1"}, "m", (), Identity(name, email), when)


def test_a_hostile_identity_cannot_forge_headers(bare: Path) -> None:
    identity = Identity("Eve\nparent 1 <x>", "e@x> 1 +0000\ncommitter F <f@x")
    publish(Repository.open(bare), REF, {"a": b"1"}, "m", (), identity, WHEN)
    header = git(bare, "cat-file", "commit", REF).partition("\n\n")[0]
    assert [line.split(" ")[0] for line in header.split("\n")] == ["tree", "author", "committer"]


def test_a_report_of_a_whole_fleet_is_one_pack(bare: Path) -> None:
    files = {f"guests/{number % 256:02x}/g{number}.json": b"%d" % number for number in range(5000)}
    assert len(put(bare, files).changed) == 5000
    assert status(bare).read_all("guests/1f") == {
        path: content for path, content in files.items() if path.startswith("guests/1f/")
    }
    assert len(list((bare / "objects" / "pack").glob("*.pack"))) == 1


# ------------------------------------------------------------------------------------------------------------- reading


def test_a_branch_that_was_never_written_is_empty(folder: Path) -> None:
    branch = status(folder)
    assert branch.commit is None
    assert branch.read("index.json") is None
    assert branch.files("guests") == ()
    assert branch.read_all() == {}
    assert branch.log(5) == ()


def test_a_reader_stays_at_the_commit_it_looked_at(bare: Path) -> None:
    put(bare, {"index.json": b"1"})
    branch = status(bare)
    put(bare, {"index.json": b"2", "more.json": b"3"})
    assert branch.read("index.json") == b"1"
    assert branch.read("more.json") is None
    assert len(branch.log(5)) == 1
    assert status(bare).read("index.json") == b"2"


def test_the_log_is_newest_first_and_as_long_as_asked(bare: Path) -> None:
    for number in range(4):
        put(bare, {"index.json": b"%d" % number}, message=f"Report {number}", when=WHEN + number)
    assert [entry.subject for entry in status(bare).log(3)] == ["Report 3", "Report 2", "Report 1"]
    assert [entry.when for entry in status(bare).log(99)] == [WHEN + number for number in (3, 2, 1, 0)]
    assert status(bare).log(0) == ()


def test_a_folder_is_not_a_file_and_a_beginning_is_not_a_folder(bare: Path) -> None:
    put(bare, {"guests/a.json": b"a", "guests-old/b.json": b"b"})
    assert status(bare).read("guests") is None
    assert status(bare).read("guests/a.jso") is None
    assert status(bare).files("guests") == ("guests/a.json",)
    with pytest.raises(GitTrouble, match="status-path-invalid"):
        status(bare).read("../secret")


def test_links_and_odd_names_of_strangers_are_not_read(bare: Path) -> None:
    link = (SYMLINK, blob(bare, b"/etc/passwd"))
    commit_files(bare, {"index.json": b"1", "link": link, "o dd": b"x", ".git-x": b"y"}, branch=REF)
    assert status(bare).files() == ("index.json",)
    assert status(bare).read("link") is None


def test_a_status_file_that_is_too_large_is_not_read(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_branch, "FILE_BYTES_MAX", 3)
    put(bare, {"index.json": b"1234"})
    with pytest.raises(GitTrouble, match="status-file-too-large"):
        status(bare).read("index.json")


def test_control_characters_in_a_strangers_commit_are_escaped(bare: Path) -> None:
    commit_files(bare, {"a": b"1"}, branch=REF, message="Clear \x1b[2J\n\nResult: \x1b]0;x\n  folded\n")
    (entry,) = status(bare).log(1)
    assert entry.subject == "Clear \\x1b[2J"
    assert entry.trailers == (("Result", "\\x1b]0;x folded"),)


# -------------------------------------------------------------------------------------------------------------- racing


def test_a_tip_that_moved_meanwhile_is_built_upon(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bare, {"index.json": b"0"})
    others: list[str] = []

    def overtaken(*arguments: Any) -> str:
        commit = build_commit(*arguments)
        if len(others) < 3:
            others.append(commit_files(bare, {f"other{len(others)}": b"x"}, branch=REF))
        return commit

    monkeypatch.setattr("reconciler.git.status_branch.build_commit", overtaken)
    published = put(bare, {"index.json": b"1"})
    assert git(bare, "rev-parse", f"{published.commit}~") == others[-1]
    assert status(bare).files() == ("index.json", "other0", "other1", "other2")


def test_a_tip_that_moves_each_time_is_given_up_on(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[str] = []

    def overtaken(*arguments: Any) -> str:
        commit = build_commit(*arguments)
        others.append(commit_files(bare, {"other": b"%d" % len(others)}, branch=REF))
        return commit

    monkeypatch.setattr("reconciler.git.status_branch.build_commit", overtaken)
    with pytest.raises(GitTrouble, match="status-branch-contended"):
        put(bare, {"index.json": b"1"})
    assert len(others) == status_branch.TRIES_MAX
    assert status(bare).commit == others[-1]


def test_a_branch_that_another_writer_brought_to_the_same_end_is_left(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def overtaken(*arguments: Any) -> str:
        commit = build_commit(*arguments)
        commit_files(bare, {"index.json": b"1"}, branch=REF)
        return commit

    monkeypatch.setattr("reconciler.git.status_branch.build_commit", overtaken)
    assert put(bare, {"index.json": b"1"}) == Published(None, ())


def test_writers_side_by_side_lose_nothing(bare: Path) -> None:
    repository = Repository.open(bare)

    def write(number: int) -> str | None:
        return publish(repository, REF, {f"runs/{number}.json": b"r"}, "Run", (), BOT, WHEN).commit

    with ThreadPoolExecutor(3) as pool:
        commits = list(pool.map(write, range(9)))
    assert len(set(commits)) == 9
    assert len(status(bare).files("runs")) == 9
    assert len(status(bare).log(99)) == 9


def test_a_ref_that_does_not_read_back_is_an_error(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code of `update-ref` alone is not believed."""
    monkeypatch.setattr(status_branch, "_advance", lambda *_: True)
    with pytest.raises(GitTrouble, match="status-branch-not-written"):
        put(bare, {"index.json": b"1"})


def test_a_repository_that_renames_trailers_is_told_so(bare: Path) -> None:
    """`trailer.*` in the repository's own configuration is the one setting that git lets nobody take back."""
    git(bare, "config", "trailer.result.key", "Verdict: ")
    with pytest.raises(GitTrouble, match=r"trailers-lost(.|\n)*remove `trailer"):
        put(bare, {"index.json": b"1"}, trailers=(("Result", "ok"),))
    assert refs(bare) == {}


def test_trailers_that_git_does_not_find_are_an_error_and_not_published(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_branch, "commit_message", lambda text, _: f"{text}\n")
    with pytest.raises(GitTrouble, match="trailers-lost"):
        put(bare, {"index.json": b"1"}, trailers=(("Result", "ok"),))
    assert refs(bare) == {}


# ---------------------------------------------------------------------------------------------------------- properties


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One repository for all examples of a property: making one takes longer than an example."""
    return make_repository(tmp_path_factory.mktemp("shared") / "bare")


@settings(max_examples=EXAMPLES)
@given(text=TEXT, trailers=TRAILERS, content=st.binary(max_size=40))
def test_hostile_words_come_back_as_they_were_flattened(
    shared: Path, text: str, trailers: list[tuple[str, str]], content: bytes
) -> None:
    git(shared, "update-ref", "-d", REF)
    put(shared, {"index.json": content}, message=text, trailers=tuple(trailers))
    (entry,) = status(shared).log(1)
    assert [key for key, _ in entry.trailers] == [key for key, _ in trailers]
    assert all(printable(value) == value for _, value in entry.trailers)
    assert entry.subject
    assert status(shared).read("index.json") == content


PART = st.from_regex(status_branch.PATH_PART, fullmatch=True)
PATHS = st.lists(PART, min_size=1, max_size=3).map("/".join)


@settings(max_examples=EXAMPLES)
@given(files=st.dictionaries(PATHS, st.binary(max_size=20), min_size=1, max_size=5))
def test_files_come_back_under_their_paths(shared: Path, files: dict[str, bytes]) -> None:
    """Paths that differ in case only, or where one is the folder of another, are a matter of the caller."""
    git(shared, "update-ref", "-d", REF)
    clash = any(other.startswith(f"{path}/") for path in files for other in files)
    if clash:
        with pytest.raises(GitTrouble):
            put(shared, files)
    else:
        put(shared, files)
        assert status(shared).read_all() == files


def test_what_a_file_was_in_each_commit_that_changed_it(folder: Path) -> None:
    put(folder, {"guests/a.json": b"1", "index.json": b"1"})
    put(folder, {"index.json": b"2"})
    put(folder, {"guests/a.json": b"2"})
    put(folder, {"guests/a.json": None})
    put(folder, {"guests/a.json": b"3"})
    versions = status(folder).versions("guests/a.json")
    assert [version.content for version in versions] == [b"3", None, b"2", b"1"]
    assert {WHEN} == {version.when for version in versions}
    assert () == status(folder).versions("guests/b.json")
