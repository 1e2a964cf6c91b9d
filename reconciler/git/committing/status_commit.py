"""Make a commit of changed files on top of another one. Called by status_branch, with a repository in quarantine.

Never moves a ref, and uses the index that it is given: never the repository's own, and no work tree.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.git.committing.message import flat
from reconciler.git.plumbing import Repository
from reconciler.git.signatures import SigningKey
from reconciler.git.trouble import GitTrouble

WRITE_TIMEOUT_S = 600.0
FILE_MODE = "100644"
ANY_CODE = range(-64, 256)


@dataclass(frozen=True)
class Identity:
    """In whose name a commit is made."""

    name: str
    email: str


def author_variables(identity: Identity, when: int) -> dict[str, str]:
    """What tells git who commits and when, so that nothing of this machine or its clock gets into a commit."""
    name, email = (re.sub("[<>]", "", flat(text)).strip() for text in (identity.name, identity.email))
    if not name or not email or when < 0:
        raise GitTrouble("identity-invalid", "a status commit needs a name, a mail address and a time after 1970")
    values = {"NAME": name, "EMAIL": email, "DATE": f"@{when} +0000"}
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in values.items()}


def changed_files(
    repository: Repository, tip: str | None, files: Mapping[str, bytes | None]
) -> dict[str, bytes | None]:
    """Those of the files that the tip does not hold as they shall be; None is a file that shall not be there."""
    entries = repository.entries(tip, sizes=False) if tip is not None and files else ()
    held = {entry.path: (entry.mode, entry.id) for entry in entries}
    changed: dict[str, bytes | None] = {}
    for path, content in sorted(files.items()):
        wanted = None if content is None else (FILE_MODE, repository.blob_id(content))
        if held.get(path.encode("ascii")) != wanted:
            changed[path] = content
    return changed


def build_commit(
    repository: Repository,
    tip: str | None,
    changed: Mapping[str, bytes | None],
    message: str,
    variables: Mapping[str, str],
    signing: SigningKey | None = None,
) -> str:
    """A commit on top of the tip (or without a parent) with these files written or deleted. No ref leads to it yet."""
    if contents := [content for content in changed.values() if content is not None]:
        _write_blobs(repository, contents)
    if tip is not None:
        _written(repository, ["read-tree", tip])
    _written(repository, ["update-index", "-z", "--index-info"], stdin=_index_lines(repository, changed))
    tree = _written(repository, ["write-tree"])
    parent = ["-p", tip] if tip is not None else []
    arguments = ["commit-tree", *parent, "-F", "-", tree]
    if signing is not None:
        signing.check()  # git would say less of what is wrong with the key
        arguments = [*signing.options(), "commit-tree", "-S", *arguments[1:]]
    return _written(repository, arguments, stdin=message.encode("utf-8"), variables=variables)


def _index_lines(repository: Repository, changed: Mapping[str, bytes | None]) -> bytes:
    """Deletions first: a folder may take the place of a file."""
    lines = [f"0 {repository.no_object()}\t{path}\0" for path, content in changed.items() if content is None]
    for path, content in changed.items():
        if content is not None:
            lines.append(f"{FILE_MODE} {repository.blob_id(content)}\t{path}\0")
    return "".join(lines).encode("ascii")


def _write_blobs(repository: Repository, contents: Sequence[bytes]) -> None:
    """All in one process, and many of them into one pack."""
    blobs = b"".join(b"blob\ndata %d\n%b\n" % (len(content), content) for content in contents)
    answer = repository.run(
        ["fast-import", "--quiet", "--done"],
        stdin=b"feature done\n" + blobs + b"done\n",
        accept=ANY_CODE,
        timeout_s=WRITE_TIMEOUT_S,
    )
    if answer.code != 0:
        with contextlib.suppress(OSError):  # it leaves its story in the repository: one more file on a full disk
            (repository.git_dir / f"fast_import_crash_{answer.pid}").unlink(missing_ok=True)
        raise repository.failure("fast-import", answer, hint=repository.room())


def _written(
    repository: Repository,
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    variables: Mapping[str, str] | None = None,
) -> str:
    answer = repository.run(arguments, stdin=stdin, accept=ANY_CODE, variables=variables, timeout_s=WRITE_TIMEOUT_S)
    if answer.code != 0:
        raise repository.failure(arguments[0], answer, hint=repository.room())
    return answer.stdout.decode("ascii").strip()
