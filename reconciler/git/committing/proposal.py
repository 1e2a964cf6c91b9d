"""A branch with one commit of changed documents, on top of the commit that was read. Called for `propose`.

Made without a checkout, index or work tree of anybody's. Only ever creates a branch below `proposal/`: never moves one
that is there, and never a branch that is followed or reported on.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.errors import InvariantBroken
from reconciler.git.committing.message import commit_message
from reconciler.git.plumbing import CHATTER_MAX_BYTES, TIMEOUT_S, Repository
from reconciler.git.process import environment, exchange
from reconciler.git.quarantine import quarantine
from reconciler.git.remote import PROPOSAL_REFS, Remote
from reconciler.git.trouble import GitTrouble, printable, tail

HEADS = "refs/heads/"
NAME_CHARACTERS_MAX = 80
HASH_CHARACTERS = 8
IDENTITY = re.compile(r"(.*) <(.*)> (\d+ [+-]\d{4})\n?", re.DOTALL)
IDENTITY_VARIABLES = tuple(f"GIT_{role}_{key}" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL", "DATE"))


@dataclass(frozen=True)
class Branch:
    """Where a proposal lies."""

    name: str
    commit: str
    existed: bool = False
    """It was there already, with the same content."""


def branch_name(what: str, base: str, files: Mapping[str, bytes]) -> str:
    """`proposal/drain-h1-1a2b3c4d`: the same for the same changes to the same commit."""
    digest = hashlib.sha256(base.encode("ascii"))
    for path, content in sorted(files.items()):
        digest.update(f"\0{path}\0{len(content)}\0".encode() + content)
    slug = re.sub(r"[^A-Za-z0-9]+", "-", what).strip("-")[:NAME_CHARACTERS_MAX]
    return f"{PROPOSAL_REFS.removeprefix(HEADS)}{slug}-{digest.hexdigest()[:HASH_CHARACTERS]}"


def propose(
    repository: Repository, base: str, files: Mapping[str, bytes], *, what: str, message: str, tracked: str
) -> Branch:
    """Make the branch, or find it made. `files` are whole new contents by path, `tracked` the ref that is followed.

    Raises GitTrouble where nobody says in whose name to commit, or where the branch is there with something else.
    """
    name = branch_name(what, base, files)
    ref = HEADS + name
    if ref == tracked:
        raise InvariantBroken("I7", f"{printable(ref)} is followed: no proposal is written there")
    there = repository.commit_id(ref)
    with quarantine(repository) as aside:
        tree = _tree(aside, base, files)
        if there is not None:
            return _found(repository, name, there, base, tree)
        variables = identity(repository)
        arguments = ["commit-tree", "-p", base, "-F", "-", tree]
        answer = aside.run(arguments, stdin=commit_message(message, ()).encode(), variables=variables)
    commit = answer.stdout.decode("ascii").strip()
    repository.run(["update-ref", "-m", "reconciler: propose", ref, commit, repository.no_object()])
    return Branch(name, commit)


def push(repository: Repository, branch: Branch, remote: Remote) -> Branch:
    """Put the branch on the server, and read it back. `existed` tells whether it was there. Raises GitTrouble where
    it is not there in the end."""
    ref = HEADS + branch.name
    found = remote.tips(repository, ref).get(ref)
    if found == branch.commit:
        return replace(branch, existed=True)
    if found is not None:
        raise _other_content(branch.name, remote.shown)
    said = remote.push(repository, branch.commit, ref, None)
    if remote.tips(repository, ref).get(ref) != branch.commit:
        hint = f"the branch is in {printable(str(repository.path))}: push it by hand, or let us push to proposal/*"
        raise GitTrouble("proposal-not-pushed", f"{remote.shown} did not take {branch.name}: {said}", hint=hint)
    return replace(branch, existed=False)


def origin_url(repository: Repository) -> str:
    """Where a clone came from; empty where the repository is no clone."""
    answer = repository.run(["config", "--get", "remote.origin.url"], accept=(0, 1))
    return answer.stdout.decode("utf-8", "replace").strip()


def origin(repository: Repository) -> Remote:
    """The remote that a clone came from. Raises GitTrouble where it has none."""
    url = origin_url(repository)
    if not url:
        what = f"{printable(str(repository.path))} has no remote named origin"
        raise GitTrouble("proposal-not-pushed", what, hint="leave --push out, and push the branch where it belongs")
    return Remote(url)


def identity(repository: Repository) -> dict[str, str]:
    """In whose name git itself would commit here: environment, the person's own configuration, the repository's."""
    given = {name: os.environ[name] for name in IDENTITY_VARIABLES if name in os.environ}
    found: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        answer = exchange(
            ["git", f"--git-dir={repository.git_dir}", "var", f"GIT_{role}_IDENT"],
            folder=repository.git_dir,
            env={**environment(personal_config=True), **given},
            stdin=b"",
            timeout_s=TIMEOUT_S,
            output_max_bytes=CHATTER_MAX_BYTES,
        )
        parts = IDENTITY.fullmatch(answer.stdout.decode("utf-8", "replace"))
        if answer.code != 0 or parts is None:
            what = f"git does not know in whose name to commit: {tail(answer.stderr) or 'no name'}"
            raise GitTrouble("proposal-identity", what, hint="git config user.name NAME; git config user.email MAIL")
        for key, value in zip(("NAME", "EMAIL", "DATE"), parts.groups(), strict=True):
            found[f"GIT_{role}_{key}"] = f"@{value}" if key == "DATE" else value
    return found


def _tree(aside: Repository, base: str, files: Mapping[str, bytes]) -> str:
    """The base's tree with these files, which keep their modes."""
    modes = {entry.path: entry.mode for entry in aside.entries(base, sizes=False)}
    lines = []
    for path, content in sorted(files.items()):
        mode = modes.get(path.encode())
        if mode is None:
            raise InvariantBroken("propose", f"{printable(path)} is not in {base[:12]}")
        blob = aside.run(["hash-object", "-w", "--stdin"], stdin=content).stdout.decode("ascii").strip()
        lines.append(f"{mode} {blob}\t{path}\0")
    aside.run(["read-tree", base])
    aside.run(["update-index", "-z", "--index-info"], stdin="".join(lines).encode())
    return aside.run(["write-tree"]).stdout.decode("ascii").strip()


def _found(repository: Repository, name: str, commit: str, base: str, tree: str) -> Branch:
    """The branch of this name, if it holds just this."""
    shown = (
        repository.run(["log", "-1", "--no-show-signature", "--format=%T %P", commit]).stdout.decode("ascii").strip()
    )
    if shown != f"{tree} {base}":
        raise _other_content(name, printable(str(repository.path)))
    return Branch(name, commit, existed=True)


def _other_content(name: str, where: str) -> GitTrouble:
    what = f"{where} has a branch {name} with something else"
    return GitTrouble("proposal-exists", what, hint="merge it, or delete it; then propose again")
