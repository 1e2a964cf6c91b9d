"""Read who made a commit, when, its subject and its trailers; and what a file was in earlier commits.

Called by desired, status_branch and whoever tells a history. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.git.plumbing import Entry, Repository
from reconciler.git.trouble import printable

FORMAT = "%H%x00%ct%x00%an%x00%ae%x00%s%x00%(trailers:only,unfold)"
FIELDS = FORMAT.count("%x00") + 1


@dataclass(frozen=True)
class CommitInfo:
    """One commit as people see it: every text escaped and on one line, `when` in seconds since the epoch."""

    id: str
    when: int
    author: str
    subject: str
    trailers: tuple[tuple[str, str], ...]


def read_commits(repository: Repository, commit: str, limit: int) -> tuple[CommitInfo, ...]:
    """The commit and those before it along first parents, newest first."""
    options = [
        "-z",
        f"--max-count={limit}",
        "--first-parent",
        "--no-patch",
        "--no-color",
        "--no-notes",
        "--no-decorate",
    ]
    arguments = ["log", *options, "--encoding=UTF-8", f"--format=tformat:{FORMAT}", "--end-of-options", commit, "--"]
    fields = repository.run(arguments).stdout.split(b"\0")[:-1]
    return tuple(_info(fields[start : start + FIELDS]) for start in range(0, len(fields), FIELDS))


def _info(fields: list[bytes]) -> CommitInfo:
    object_id, when, name, mail, subject, trailers = fields
    return CommitInfo(
        id=object_id.decode("ascii"),
        when=int(when),
        author=f"{printable(name)} <{printable(mail)}>",
        subject=printable(subject),
        trailers=_trailers(trailers),
    )


def _trailers(lines: bytes) -> tuple[tuple[str, str], ...]:
    pairs = (line.partition(b":") for line in lines.split(b"\n") if line)
    return tuple((printable(key.strip()), printable(value.strip())) for key, _, value in pairs)


@dataclass(frozen=True)
class Version:
    """A file as one commit left it: `content` is None where that commit deleted it."""

    commit: str
    when: int
    content: bytes | None


def read_versions(repository: Repository, commit: str, path: str, limit: int) -> tuple[Version, ...]:
    """What a file was in the commits that changed it, along first parents, newest first. The path is one of ours."""
    listing = ["rev-list", "--first-parent", "--timestamp", f"--max-count={limit}", "--end-of-options", commit]
    lines = repository.run([*listing, "--", path]).stdout.decode("ascii").split("\n")[:-1]
    commits = [(object_id, int(when)) for when, object_id in (line.split(" ") for line in lines)]
    question = "".join(f"{object_id}:{path}\n" for object_id, _ in commits).encode("ascii")
    answers = repository.run(["cat-file", "--batch-check"], stdin=question).stdout.split(b"\n") if commits else []
    entries: list[Entry | None] = []
    for answer in answers[: len(commits)]:
        found, kind, size = [*answer.rsplit(b" ", 2), b"", b""][:3]
        is_blob = kind == b"blob" and size.isdigit()
        entries.append(Entry("", "blob", found.decode("ascii"), int(size), path.encode("ascii")) if is_blob else None)
    contents = repository.blobs([entry for entry in entries if entry is not None])
    return tuple(
        Version(object_id, when, contents[entry.id] if entry is not None else None)
        for (object_id, when), entry in zip(commits, entries, strict=True)
    )
