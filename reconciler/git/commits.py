"""Read who made a commit, when, its subject and its trailers. Called by desired and status_branch; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.git.plumbing import Repository
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
