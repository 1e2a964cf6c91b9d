"""Signatures of commits, by SSH keys: who signed what people want, and that our reports are ours.

Called by wiring and status_branch. What counts is what git and ssh-keygen conclude, never what they print for people.
OpenPGP is not asked: a commit that is signed so counts as unsigned.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.git.plumbing import OBJECT_ID, Repository
from reconciler.git.process import environment, exchange
from reconciler.git.trouble import GitTrouble, printable, tail

RANGE_MAX = 5000
"""More commits at once are not looked at: a person merges that."""
VERIFY_TIMEOUT_S = 600.0
KEYGEN_TIMEOUT_S = 30.0
SEAL = "Reconciler-Seal"
"""A trailer of a signed commit that vouches for an unsigned one, by its full id."""
GOOD = "G"
FORMAT = f"%H%x00%G?%x00%an <%ae>%x00%s%x00%(trailers:key={SEAL},valueonly,separator=%x20)"
FIELDS = FORMAT.count("%x00") + 1
PROGRAMS = ("gpg.program=false", "gpg.x509.program=false", "gpg.ssh.program=ssh-keygen")


@dataclass(frozen=True)
class Offence:
    """A commit that nobody who is trusted has signed or vouched for. Texts are safe to show."""

    commit: str
    author: str
    subject: str

    def __str__(self) -> str:
        return f"{self.commit[:12]} ({self.author}: {self.subject})"


def untrusted(repository: Repository, since: str, commit: str, signers: Path) -> tuple[Offence, ...]:
    """The commits after `since`, merged ones included, up to `commit`, that no signer of the file has signed, newest
    first. Where nothing was acted on before (`since` is empty), only the commit itself is looked at.

    Raises GitTrouble where the file cannot be read, or where there are too many commits to look at.
    """
    _readable(signers)
    span = [f"{since}..{commit}"] if since else ["--max-count=1", commit]
    count = int(repository.run(["rev-list", "--count", "--end-of-options", *span[-1:]]).stdout) if since else 1
    if count > RANGE_MAX:
        raise GitTrouble(
            "too-many-commits",
            f"{count} commits came since {since[:12]}, and the signatures of {RANGE_MAX} are looked at at most",
            hint="merge in smaller parts",
        )
    arguments = [
        "log",
        "-z",
        "--no-patch",
        "--no-color",
        "--no-notes",
        "--encoding=UTF-8",
        f"--format=tformat:{FORMAT}",
    ]
    words = [*_options(signers), *arguments, *span[:-1], "--end-of-options", span[-1], "--"]
    answer = repository.run(words, timeout_s=VERIFY_TIMEOUT_S)
    fields = answer.stdout.split(b"\0")[:-1]
    seen = [fields[start : start + FIELDS] for start in range(0, len(fields), FIELDS)]
    sealed = {
        seal
        for _, verdict, _, _, seals in seen
        if verdict.decode() == GOOD
        for seal in seals.decode("utf-8", "replace").split()
        if OBJECT_ID.fullmatch(seal)
    }
    return tuple(
        Offence(object_id.decode(), printable(author), printable(subject))
        for object_id, verdict, author, subject, _ in seen
        if verdict.decode() != GOOD and object_id.decode() not in sealed
    )


def _options(signers: Path) -> list[str]:
    """Who may have signed, and with what only."""
    settings = (*PROGRAMS, f"gpg.ssh.allowedSignersFile={signers}")
    return [word for setting in settings for word in ("-c", setting)]


def _readable(signers: Path) -> None:
    try:
        with signers.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise GitTrouble(
            "signers-unreadable",
            f"{printable(str(signers))}: {error.strerror or error}",
            hint="[trust] allowed_signers_file names it; nothing is acted on until it can be read",
        ) from error


@dataclass(frozen=True)
class SigningKey:
    """The private key that our reports are signed with. Read anew at each use: it can be changed without a restart."""

    file: Path

    def options(self) -> tuple[str, ...]:
        """What git is told before `commit-tree -S`."""
        settings = ("gpg.format=ssh", "gpg.ssh.program=ssh-keygen", f"user.signingKey={self.file}")
        return tuple(word for setting in settings for word in ("-c", setting))

    def signed(self, repository: Repository, commit: str) -> bool:
        """Whether this commit is signed with this very key."""
        with self._alone() as signers:
            answer = repository.run([*_options(signers), "verify-commit", commit], accept=range(-64, 256))
            return answer.code == 0

    def check(self) -> None:
        """Raises GitTrouble where it cannot sign."""
        self._public()

    def _public(self) -> str:
        answer = exchange(
            ["ssh-keygen", "-y", "-P", "", "-f", str(self.file)],
            folder=Path("/"),
            env=environment(),
            stdin=b"",
            timeout_s=KEYGEN_TIMEOUT_S,
            output_max_bytes=1 << 16,
        )
        if answer.code != 0:
            raise GitTrouble(
                "signing-key-unusable",
                f"reports cannot be signed with {printable(str(self.file))}: {tail(answer.stderr)}",
                hint="[status] signing_key_file names a private SSH key without a passphrase that this user may read",
            )
        return answer.stdout.decode("ascii", "replace").strip()

    @contextmanager
    def _alone(self) -> Iterator[Path]:
        """A file of allowed signers with this one."""
        public = " ".join(self._public().split()[:2])
        with tempfile.NamedTemporaryFile("w", prefix="reconciler-signer-", encoding="ascii") as file:
            file.write(f'* namespaces="git" {public}\n')
            file.flush()
            yield Path(file.name)
