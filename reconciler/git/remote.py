"""A repository on another machine: ask for its refs, fetch one, push one. Called by mirror, status_branch, heartbeat.

Never asks a person anything, never believes a host key that is not known, never runs a hook or a transport that a URL
names. What became of a push is for the caller to read back: an exit code says nothing that counts.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.errors import InvariantBroken
from reconciler.git.plumbing import OBJECT_ID, Repository
from reconciler.git.process import Answer
from reconciler.git.revision import OWN_REFS
from reconciler.git.trouble import GitTrouble, printable, tail

TIMEOUT_S = 60.0
"""For one exchange with the server, from the first byte to the last."""
CONNECT_TIMEOUT_S = 10
SILENCE_S = 20
"""A server that sends nothing for so long has gone."""

PROPOSAL_REFS = "refs/heads/proposal/"
"""Branches for people to merge."""
SCHEMES = ("ssh", "https", "http", "file")
SCP_LIKE = re.compile(r"(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9._-]*:(?!//)[^\s:][^\s]*")
"""`git@forge.example.org:team/fleet.git`."""
CHATTER = re.compile(rb"@|Please make sure you have the correct access rights|and the repository exists")
"""Lines around the ones that tell something."""


@dataclass(frozen=True)
class Remote:
    """Where, and with which key. The files are read anew at each use: a key can be changed without a restart."""

    url: str
    key_file: Path | None = None
    """The private key to log in with over SSH; None: whatever the user's own ssh configuration says."""
    known_hosts_file: Path | None = None
    """Where the server's key is known from; None: the user's own file."""
    credentials_file: Path | None = None
    """User and password or token for https: lines `username=…` and `password=…`, as git-credential(1) has them."""
    timeout_s: float = TIMEOUT_S

    @property
    def shown(self) -> str:
        """The URL as people may see it."""
        return printable(self.url)

    @property
    def _site(self) -> str:
        """The one server that gets to see the credentials."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def tips(self, repository: Repository, *patterns: str) -> dict[str, str]:
        """Full name and object of each ref there that has such a name, or begins so where the name ends in `*`."""
        answer = self._run(repository, ["ls-remote", "--refs", "--quiet", "--", self.url, *patterns])
        if answer.code != 0:
            raise self._unreachable(answer)
        found: dict[str, str] = {}
        for line in answer.stdout.decode("utf-8", "replace").splitlines():
            object_id, _, name = line.partition("\t")
            if OBJECT_ID.fullmatch(object_id) and any(_matches(name, pattern) for pattern in patterns):
                found[name] = object_id
        return found

    def fetch(self, repository: Repository, refs: Iterable[str]) -> None:
        """Have these refs here as they are there, whatever was here."""
        specs = [f"+{ref}:{ref}" for ref in refs]
        options = ["--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance", "--quiet"]
        answer = self._run(repository, ["fetch", *options, "--", self.url, *specs])
        if answer.code != 0:
            raise self._unreachable(answer)

    def push(self, repository: Repository, commit: str, ref: str, expected: str | None) -> str:
        """Ask for the ref to lead to this commit, if it still leads to the expected one (None: to nothing).

        Returns what the server said, for people. Whether it did so is for `tips` to tell.
        """
        _refuse_foreign(ref)
        lease = f"--force-with-lease={ref}:{expected or ''}"
        options = ["--porcelain", "--no-verify", "--no-signed", "--recurse-submodules=no", "--quiet"]
        return self._said(self._run(repository, ["push", *options, lease, "--", self.url, f"{commit}:{ref}"]))

    def delete(self, repository: Repository, ref: str, expected: str) -> str:
        """Ask for the ref to go, if it still leads there."""
        _refuse_foreign(ref)
        lease = f"--force-with-lease={ref}:{expected}"
        options = ["--porcelain", "--no-verify", "--no-signed", "--quiet"]
        return self._said(self._run(repository, ["push", *options, lease, "--", self.url, f":{ref}"]))

    def unreachable(self, said: str) -> GitTrouble:
        """What to raise where the server cannot be asked."""
        return GitTrouble(
            "git-unreachable",
            f"{self.shown} cannot be reached: {said or 'it said nothing'}",
            hint="see that the server is up, that its key is in known_hosts_file, and that our key may log in there",
        )

    def _unreachable(self, answer: Answer) -> GitTrouble:
        return self.unreachable(self._said(answer))

    def _said(self, answer: Answer) -> str:
        """What git and the server complained of; porcelain lines of a push go to stdout."""
        lines = [line for line in answer.stdout.splitlines() if line.startswith(b"!")]
        lines += [line for line in answer.stderr.splitlines() if not CHATTER.match(line)]
        return tail(b"\n".join(lines))

    def _run(self, repository: Repository, arguments: list[str]) -> Answer:
        options = [
            *(f"protocol.{scheme}.allow=always" for scheme in SCHEMES),
            "http.followRedirects=false",
            "http.lowSpeedLimit=1",
            f"http.lowSpeedTime={SILENCE_S}",
            "push.gpgSign=false",
            "credential.helper=",
        ]
        if self.credentials_file is not None:
            # Not git-credential-store: that one writes to the file, and empties it when a server says no once.
            helper = f'f() {{ test "$1" = get && cat {shlex.quote(str(self.credentials_file))}; }}; f'
            options.append(f"credential.{self._site}.helper=!{helper}")
        words = [word for option in options for word in ("-c", option)]
        try:
            return repository.run(
                [*words, *arguments], accept=range(-64, 256), variables=self._variables(), timeout_s=self.timeout_s
            )
        except GitTrouble as error:
            if error.code == "git-timeout":
                raise self.unreachable(f"no end within {self.timeout_s:g} s") from error
            raise

    def _variables(self) -> Mapping[str, str]:
        ssh = ["ssh", "-a", "-x", "-T"]
        if self.key_file is not None or self.known_hosts_file is not None:
            ssh += ["-F", "/dev/null"]
        if self.key_file is not None:
            ssh += ["-i", str(self.key_file)]
            ssh += _options("IdentitiesOnly=yes", "IdentityAgent=none")
        if self.known_hosts_file is not None:
            ssh += _options(f"UserKnownHostsFile={self.known_hosts_file}", "GlobalKnownHostsFile=/dev/null")
        ssh += _options(
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "UpdateHostKeys=no",
            f"ConnectTimeout={CONNECT_TIMEOUT_S}",
            "ServerAliveInterval=5",
            f"ServerAliveCountMax={SILENCE_S // 5}",
        )
        return {"GIT_SSH_COMMAND": shlex.join(ssh), "GIT_SSH_VARIANT": "ssh", "GIT_ASKPASS": "", "SSH_ASKPASS": ""}


def url_refusal(url: str) -> str:
    """Why this cannot be the URL of a repository elsewhere; empty where it can."""
    if printable(url) != url or url.startswith("-") or not url:
        return "it is no URL"
    if "://" not in url:
        return "" if SCP_LIKE.fullmatch(url) else "give a URL such as ssh://git@forge.example.org/team/fleet.git"
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        return "it is no URL"
    if parts.scheme not in SCHEMES:
        return f"{parts.scheme}: is not supported, only {', '.join(SCHEMES)}"
    if parts.password is not None:
        return "a password does not belong into a URL: name a credentials_file"
    if parts.hostname is not None and parts.hostname.startswith("-"):
        return "it is no URL"
    return "" if port_is_sound and (parts.hostname or parts.scheme == "file") else "it names no server"


def _refuse_foreign(ref: str) -> None:
    """Desired state is only ever read (promise I7)."""
    if not ref.startswith((OWN_REFS, PROPOSAL_REFS)):
        raise InvariantBroken("I7", f"{printable(ref)} is not a ref of ours: nothing is pushed there")


def _options(*settings: str) -> list[str]:
    return [word for setting in settings for word in ("-o", setting)]


def _matches(name: str, pattern: str) -> bool:
    """`ls-remote` matches the end of a name: refs/x/refs/heads/main is not refs/heads/main."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
