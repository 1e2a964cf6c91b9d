"""A proposal is one commit on a branch of its own: made without a checkout, in the person's name, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import InvariantBroken
from reconciler.git.committing.proposal import Branch, branch_name, identity, origin, propose, push
from reconciler.git.plumbing import Repository
from reconciler.git.remote import Remote
from reconciler.git.trouble import GitTrouble
from tests.git.repositories import PERSON, blob, commit_files, everything, git, make_repository, refs

FILES: dict[str, bytes | tuple[str, str]] = {
    "desired/web.yaml": b"host: a\n",
    "größe.yaml": b"x\n",
    "README": b"hello\n",
}
CHANGED = {"desired/web.yaml": b"host: b\r\n"}


@pytest.fixture(autouse=True)
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PERSON.items():
        monkeypatch.setenv(name, value)


def made(folder: Path, base: str, files: dict[str, bytes] | None = None) -> Branch:
    return propose(
        Repository.open(folder),
        base,
        files or CHANGED,
        what="drain h1",
        message="Drain h1\n\n- web: host a -> b",
        tracked="refs/heads/main",
    )


def test_one_commit_on_top_changes_only_the_named_files(folder: Path) -> None:
    base = commit_files(folder, FILES)
    git(folder, "update-ref", "refs/heads/other", base)
    before = refs(folder)
    branch = made(folder, base, {**CHANGED, "größe.yaml": b"y\n"})
    assert branch.name.startswith("proposal/drain-h1-")
    assert {**before, f"refs/heads/{branch.name}": branch.commit} == refs(folder)
    assert base == git(folder, "rev-parse", f"{branch.commit}^")
    changed = git(folder, "-c", "core.quotePath=false", "diff", "--name-only", base, branch.commit).splitlines()
    assert ["desired/web.yaml", "größe.yaml"] == changed
    assert "host: b\r" == git(folder, "show", f"{branch.name}:desired/web.yaml")
    assert "Drain h1\n\n- web: host a -> b\n" == git(folder, "log", "-1", "--format=%B", branch.name)
    assert "" == git(folder, "fsck", "--strict")


def test_a_work_tree_and_its_index_are_not_touched(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "clone", bare=False)
    base = commit_files(folder, FILES)
    git(folder, "checkout", "--quiet", "--force", "main")
    (folder / "README").write_text("a change of somebody's\n")
    git(folder, "add", "README")
    kept = {path: content for path, content in everything(folder).items() if not path.startswith(".git/")}
    index = (folder / ".git" / "index").read_bytes()
    made(folder, base)
    assert kept == {path: content for path, content in everything(folder).items() if not path.startswith(".git/")}
    assert index == (folder / ".git" / "index").read_bytes()
    assert "M  README" == git(folder, "status", "--porcelain")


def test_modes_of_files_stay(bare: Path) -> None:
    base = commit_files(bare, {"desired/web.yaml": ("100755", blob(bare, b"host: a\n"))})
    branch = made(bare, base)
    assert git(bare, "ls-tree", "-r", branch.commit).startswith("100755 ")


def test_the_same_proposal_is_made_once(bare: Path) -> None:
    base = commit_files(bare, FILES)
    first = made(bare, base)
    before = everything(bare)
    assert Branch(first.name, first.commit, existed=True) == made(bare, base)
    assert before == everything(bare)
    assert first.name != branch_name("drain h1", base, {"desired/web.yaml": b"host: c\n"})


def test_a_branch_with_something_else_in_it_is_left_alone(bare: Path) -> None:
    base = commit_files(bare, FILES)
    branch = made(bare, base)
    commit_files(bare, {"more": b"work\n"}, branch=f"refs/heads/{branch.name}")
    before = refs(bare)
    with pytest.raises(GitTrouble, match="with something else") as refused:
        made(bare, base)
    assert "proposal-exists" == refused.value.code
    assert before == refs(bare)


def test_the_branch_that_is_followed_is_never_written(bare: Path) -> None:
    base = commit_files(bare, FILES)
    ref = f"refs/heads/{branch_name('drain h1', base, CHANGED)}"
    with pytest.raises(InvariantBroken):
        propose(Repository.open(bare), base, CHANGED, what="drain h1", message="x", tracked=ref)
    assert ["refs/heads/main"] == list(refs(bare))


def test_it_is_made_in_the_name_that_git_would_use(bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    base = commit_files(bare, FILES)
    branch = made(bare, base)
    assert "Ada <ada@example.org>|Ada" == git(bare, "log", "-1", "--format=%an <%ae>|%cn", branch.name)
    for name in PERSON:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "gitconfig").write_text("[user]\nname = Grace\nemail = grace@example.org\n")
    assert "Grace" == identity(Repository.open(bare))["GIT_AUTHOR_NAME"]
    (tmp_path / "gitconfig").write_text("[user]\nuseConfigOnly = true\n")
    with pytest.raises(GitTrouble) as nobody:
        identity(Repository.open(bare))
    assert ("proposal-identity", True) == (nobody.value.code, "git config user.name" in nobody.value.hint)


def test_a_proposal_is_pushed_to_where_the_clone_came_from(bare: Path, tmp_path: Path) -> None:
    base = commit_files(bare, FILES)
    git(tmp_path, "clone", "--quiet", str(bare), "clone")
    repository = Repository.open(tmp_path / "clone")
    branch = made(tmp_path / "clone", base)
    for existed in (False, True):
        assert existed is push(repository, branch, origin(repository)).existed
        assert {"refs/heads/main": base, f"refs/heads/{branch.name}": branch.commit} == refs(bare)
    git(bare, "update-ref", f"refs/heads/{branch.name}", base)
    with pytest.raises(GitTrouble, match="with something else"):
        push(repository, branch, origin(repository))


def test_a_server_that_does_not_take_it_is_told_of(bare: Path, tmp_path: Path) -> None:
    base = commit_files(bare, FILES)
    git(tmp_path, "clone", "--quiet", str(bare), "clone")
    hook = bare / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not here >&2\nexit 1\n")
    hook.chmod(0o755)
    branch = made(tmp_path / "clone", base)
    with pytest.raises(GitTrouble, match="did not take") as refused:
        push(Repository.open(tmp_path / "clone"), branch, Remote(f"file://{bare}"))
    assert "proposal-not-pushed" == refused.value.code
    with pytest.raises(GitTrouble, match="no remote named origin"):
        origin(Repository.open(bare))
