"""Turn the name of a revision into one commit, or say why it is none. Called by desired; never guesses between two."""

from __future__ import annotations

import re
from typing import NoReturn

from reconciler.git.plumbing import OBJECT_ID, Repository
from reconciler.git.trouble import GitTrouble, printable

BRANCHES_SHOWN_MAX = 10
OWN_REFS = "refs/heads/reconciler/"
ABBREVIATED_ID = re.compile(r"[0-9a-f]{4,63}")


def resolve(repository: Repository, revision: str) -> str:
    """The full id of the commit; a GitTrouble if the name is unknown, unborn, ambiguous or names something else."""
    if not revision or printable(revision) != revision:
        raise GitTrouble(
            "revision-unknown", f'"{printable(revision)}" cannot name a revision', hint=_choices(repository)
        )
    _refuse_two_meanings(repository, revision)
    commit = repository.commit_id(revision)
    if commit is None:
        _explain(repository, revision)
    return commit


def is_descendant(repository: Repository, ancestor: str, commit: str) -> bool:
    """Whether the history of `commit` (an id) contains `ancestor` (an id). What is not known is not in it."""
    if not OBJECT_ID.fullmatch(ancestor) or repository.commit_id(ancestor) is None:
        return False
    return repository.run(["merge-base", "--is-ancestor", ancestor, commit], accept=(0, 1)).code == 0


def _refuse_two_meanings(repository: Repository, revision: str) -> None:
    """Git would warn and take the tag; a tag named like the branch must not decide where guests run."""
    candidates = {f"{prefix}{revision}" for prefix in ("refs/heads/", "refs/tags/", "refs/remotes/", "refs/")}
    listing = repository.run(
        ["for-each-ref", "--format=%(refname)%00%(objectname)%00%(*objectname)", "--", *sorted(candidates)]
    ).stdout.decode("utf-8", "replace")
    meanings: dict[str, str] = {}
    for line in listing.splitlines():
        name, object_id, peeled = line.split("\0")
        if name in candidates:
            meanings[name] = peeled or object_id
    if len(set(meanings.values())) > 1:
        raise GitTrouble(
            "revision-ambiguous",
            f'"{revision}" has {len(meanings)} meanings in {printable(str(repository.path))}',
            hint=f"say which: {', '.join(sorted(meanings))}",
        )


def _explain(repository: Repository, revision: str) -> NoReturn:
    where = printable(str(repository.path))
    head = repository.run(["symbolic-ref", "--quiet", "HEAD"], accept=(0, 1)).stdout.decode("utf-8", "replace").strip()
    unborn = repository.commit_id("HEAD") is None and revision in ("HEAD", "@", head, head.removeprefix("refs/heads/"))
    if unborn:
        branch = head.removeprefix("refs/heads/")
        raise GitTrouble("branch-unborn", f'branch "{branch}" of {where} has no commits yet', hint=_choices(repository))
    if ABBREVIATED_ID.fullmatch(revision):
        listing = repository.run(["rev-parse", f"--disambiguate={revision}"], accept=(0, 1, 128)).stdout
        if listing.count(b"\n") > 1:
            raise GitTrouble(
                "revision-ambiguous",
                f'"{revision}" begins the ids of several objects in {where}',
                hint="give more digits of the commit's id",
            )
    found = repository.run(["cat-file", "-t", "--end-of-options", revision], accept=(0, 1, 128))
    if found.code == 0:
        kind = printable(found.stdout.strip())
        raise GitTrouble(
            "not-a-commit", f'"{revision}" in {where} is a {kind}, not a commit', hint=_choices(repository)
        )
    raise GitTrouble(
        "revision-unknown", f'{where} has no branch, tag or commit "{revision}"', hint=_choices(repository)
    )


def _choices(repository: Repository) -> str:
    listing = repository.run(["for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes"]).stdout
    names = [name for name in map(printable, listing.splitlines()) if not name.startswith(OWN_REFS)]
    if not names:
        return "it has no branch with commits: commit the desired state first, or fetch it"
    short = [name.removeprefix("refs/heads/").removeprefix("refs/remotes/") for name in names]
    more = f" and {len(short) - BRANCHES_SHOWN_MAX} more" if len(short) > BRANCHES_SHOWN_MAX else ""
    return f"its branches are: {', '.join(short[:BRANCHES_SHOWN_MAX])}{more}"
