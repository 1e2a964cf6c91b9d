"""From the name of a revision to one commit: what is refused, and with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.git.plumbing import Repository
from reconciler.git.revision import is_descendant, resolve
from reconciler.git.trouble import GitTrouble
from tests.git.repositories import blob, commit_files, git


def refusal(folder: Path, revision: str) -> GitTrouble:
    with pytest.raises(GitTrouble) as caught:
        resolve(Repository.open(folder), revision)
    return caught.value


@pytest.mark.parametrize("revision", ["main", "refs/heads/main", "heads/main", "HEAD", "main~0", "v1", "main@{0}"])
def test_names_of_a_commit_lead_to_its_full_id(folder: Path, revision: str) -> None:
    git(folder, "config", "core.logAllRefUpdates", "always")
    commit = commit_files(folder, {"a.yaml": b"a"})
    git(folder, "tag", "-a", "-m", "release", "v1", commit)
    assert resolve(Repository.open(folder), revision) == commit
    assert resolve(Repository.open(folder), commit[:10]) == commit


def test_packed_refs_and_a_detached_head_are_read(folder: Path) -> None:
    first = commit_files(folder, {"a.yaml": b"a"})
    second = commit_files(folder, {"a.yaml": b"b"})
    git(folder, "pack-refs", "--all")
    git(folder, "update-ref", "--no-deref", "HEAD", first)
    assert resolve(Repository.open(folder), "main") == second
    assert resolve(Repository.open(folder), "HEAD") == first


@pytest.mark.parametrize("revision", ["main", "HEAD", "refs/heads/main"])
def test_a_branch_without_commits_is_unborn(folder: Path, revision: str) -> None:
    error = refusal(folder, revision)
    assert error.code == "branch-unborn"
    assert '"main"' in error.what
    assert "commit the desired state first" in error.hint


def test_an_unknown_branch_names_those_that_exist_except_our_own(bare: Path) -> None:
    for name in ("main", "next", "reconciler/status/prod"):
        commit_files(bare, {"a.yaml": b"a"}, branch=f"refs/heads/{name}")
    error = refusal(bare, "mian")
    assert error.code == "revision-unknown"
    assert error.hint == "its branches are: main, next"


def test_a_long_list_of_branches_is_cut(bare: Path) -> None:
    commit = commit_files(bare, {"a.yaml": b"a"})
    for number in range(12):
        git(bare, "update-ref", f"refs/heads/b{number:02}", commit)
    assert refusal(bare, "none").hint.endswith("b09 and 3 more")


def test_what_is_not_a_commit_is_called_what_it_is(bare: Path) -> None:
    commit_files(bare, {"a.yaml": b"a"})
    assert "is a tree" in refusal(bare, "main^{tree}").what
    assert refusal(bare, blob(bare, b"a")).code == "not-a-commit"


def test_a_branch_and_a_tag_of_one_name_are_not_guessed_between(bare: Path) -> None:
    """Git itself would take the tag, and only warn."""
    commit = commit_files(bare, {"a.yaml": b"a"})
    git(bare, "tag", "-a", "-m", "same commit", "main", commit)
    assert resolve(Repository.open(bare), "main") == commit
    later = commit_files(bare, {"a.yaml": b"b"}, branch="refs/heads/main")
    error = refusal(bare, "main")
    assert error.code == "revision-ambiguous"
    assert error.hint == "say which: refs/heads/main, refs/tags/main"
    assert resolve(Repository.open(bare), "refs/heads/main") == later


def test_a_few_digits_that_begin_several_commits_are_ambiguous(bare: Path) -> None:
    """1,500 commits hold four common digits for sure; the times are given, so the ids are the same on each run."""
    commits = "".join(
        f"commit refs/heads/main\ncommitter A <a@b> {1_700_000_000 + number} +0000\ndata 1\nx\n"
        for number in range(1500)
    )
    git(bare, "fast-import", "--quiet", stdin=commits.encode())
    seen: set[str] = set()
    for commit in git(bare, "rev-list", "main").splitlines():
        if commit[:4] in seen:
            error = refusal(bare, commit[:4])
            assert error.code == "revision-ambiguous"
            assert "more digits" in error.hint
            return
        seen.add(commit[:4])
    pytest.fail("no two ids begin alike")


@pytest.mark.parametrize(
    "revision",
    ["", "-n1", "--all", "^main", "main..main", "main\x00x", "main\n", "\x1b[2J", ":/Place", "a b", "main:a.yaml", "*"],
)
def test_words_that_are_no_plain_revision_never_resolve(bare: Path, revision: str) -> None:
    commit_files(bare, {"a.yaml": b"a"})
    error = refusal(bare, revision)
    assert error.code in ("revision-unknown", "not-a-commit")
    assert "\x1b" not in str(error)


def test_descent_is_seen_along_merges_and_denied_for_strangers(folder: Path) -> None:
    first = commit_files(folder, {"a.yaml": b"a"})
    second = commit_files(folder, {"a.yaml": b"b"})
    aside = commit_files(folder, {"a.yaml": b"c"}, branch="refs/heads/aside")
    tree = git(folder, "rev-parse", f"{second}^{{tree}}")
    merge = git(folder, "commit-tree", "-p", second, "-p", aside, "-m", "merge", tree)
    repository = Repository.open(folder)
    assert is_descendant(repository, first, first)
    assert is_descendant(repository, first, second)
    assert is_descendant(repository, aside, merge)
    assert not is_descendant(repository, second, first)
    assert not is_descendant(repository, aside, second)
    assert not is_descendant(repository, "1" * len(first), second)
    assert not is_descendant(repository, "main", second)
    with pytest.raises(GitTrouble):
        is_descendant(repository, first, "1" * len(first))


def test_a_replaced_parent_does_not_make_a_descendant(bare: Path) -> None:
    """Nobody rewrites history unseen by putting a ref below refs/replace."""
    first = commit_files(bare, {"a.yaml": b"a"})
    other = commit_files(bare, {"a.yaml": b"b"}, branch="refs/heads/other")
    git(bare, "replace", "--graft", other, first)
    assert not is_descendant(Repository.open(bare), first, other)
