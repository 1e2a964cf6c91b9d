"""Make real repositories for the tests of git/, with real git. Called by those tests only; uses no code of ours."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

FILE = "100644"
SYMLINK = "120000"
SUBMODULE = "160000"

PERSON = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", "@1700000000 +0000"))
}


def git(
    folder: Path,
    *arguments: str,
    stdin: bytes = b"",
    variables: Mapping[str, str] | None = None,
    accept: tuple[int, ...] = (0,),
) -> str:
    """Run git and return what it said, without the last line end."""
    answer = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        env={**os.environ, **PERSON, **(variables or {})},
        check=False,
    )
    assert answer.returncode in accept, answer.stderr.decode()
    return answer.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


def make_repository(folder: Path, *, bare: bool = True, object_format: str = "sha1") -> Path:
    """An empty repository whose branch is `main`."""
    kind = ["--bare"] if bare else []
    git(folder.parent, "init", "-q", "-b", "main", f"--object-format={object_format}", *kind, folder.name)
    return folder


def blob(folder: Path, content: bytes) -> str:
    """The id of a blob with this content."""
    return git(folder, "hash-object", "-w", "--stdin", stdin=content)


def commit_files(
    folder: Path,
    files: Mapping[str, bytes | tuple[str, str]],
    *,
    message: str = "Place the guests",
    branch: str = "refs/heads/main",
    variables: Mapping[str, str] | None = None,
) -> str:
    """Add files to a branch without a work tree; a pair is mode and object id of an odd entry."""
    index = {"GIT_INDEX_FILE": str(folder.parent / f"{folder.name}.index"), **(variables or {})}
    tip = git(folder, "rev-parse", "--verify", "-q", branch, accept=(0, 1))
    git(folder, "read-tree", tip or "--empty", variables=index)
    for path, content in files.items():
        mode, object_id = content if isinstance(content, tuple) else (FILE, blob(folder, content))
        git(folder, "update-index", "--add", "--cacheinfo", f"{mode},{object_id},{path}", variables=index)
    tree = git(folder, "write-tree", variables=index)
    return commit_tree(folder, tree, message=message, branch=branch, variables=variables)


def commit_tree(
    folder: Path,
    tree: str,
    *,
    message: str = "Place the guests",
    branch: str = "refs/heads/main",
    variables: Mapping[str, str] | None = None,
) -> str:
    """Put a commit of this tree on a branch."""
    tip = git(folder, "rev-parse", "--verify", "-q", branch, accept=(0, 1))
    parent = ["-p", tip] if tip else []
    text = message.encode("utf-8", "surrogateescape")
    commit = git(folder, "commit-tree", *parent, "-F", "-", tree, stdin=text, variables=variables)
    git(folder, "update-ref", branch, commit)
    return commit


def refs(folder: Path) -> dict[str, str]:
    """All refs of a repository."""
    lines = git(folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def everything(folder: Path) -> dict[str, bytes]:
    """All files below a folder with their contents: equal before and after means nothing was touched."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
