"""A repository on this machine: run git in it, list a tree, read many blobs. Called by all of git/.

Never touches a work tree, runs a hook, reaches the network, or lets a person's git configuration change an answer.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.git.process import Answer, environment, exchange
from reconciler.git.trouble import GitTrouble, printable, tail

VERSION_MIN = (2, 36)
"""`worktree list -z` and `core.fsync` came with it."""

TIMEOUT_S = 120.0
OUTPUT_MAX_BYTES = 256 << 20
CHATTER_MAX_BYTES = 1 << 16
BATCH_BYTES = 16 << 20
"""How much one `cat-file --batch` is asked for at a time."""
LITTLE_ROOM_BYTES = 16 << 20

SYMLINK_MODE = "120000"
SUBMODULE_MODE = "160000"
NO_MODE = "000000"
OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

PINNED_CONFIG: Sequence[str] = (
    "safe.directory=*",  # whose repository it is was checked when it was opened, by the operator's own configuration
    "advice.graftFileDeprecated=false",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "core.useReplaceRefs=false",
    "core.commentChar=#",  # with another one, trailers could read as comments
    "core.fsync=committed,reference",  # a power cut must not leave a ref to objects that never reached the disk
    "core.filesRefLockTimeout=1000",
    "core.packedRefsTimeout=1000",
    "gc.auto=0",
    "i18n.commitEncoding=UTF-8",
    "log.showSignature=false",
    "protocol.allow=never",
    "protocol.ext.allow=never",
    "trailer.separators=:",
)


QUESTIONS = (("--git-path", "objects"), ("--git-dir",), ("--show-object-format",), ("--show-prefix",))
"""What an opened repository says of itself, a line each."""


@dataclass(frozen=True)
class FileChange:
    """One line of a comparison of two trees. A mode is empty where there was, or is, no such file."""

    before_mode: str
    mode: str
    id: str
    path: bytes


@dataclass(frozen=True)
class Entry:
    """One line of a tree: `path` as the bytes git holds, `size` of blobs only."""

    mode: str
    kind: str
    id: str
    size: int | None
    path: bytes


@dataclass(frozen=True)
class Repository:
    """A repository that git can read: bare, with a work tree, or a linked work tree."""

    path: Path
    git_dir: Path
    objects: Path
    object_format: str
    variables: Mapping[str, str] = field(default_factory=dict)
    """What git is told beside the hardened environment: see quarantine."""

    @classmethod
    def open(cls, path: Path) -> Repository:
        """The repository at exactly this path, never one further up; a GitTrouble says what is there instead."""
        check_version()
        path = path.absolute()
        shown = printable(str(path))
        if not path.is_dir():
            what = f"{shown} is not a folder" if path.exists() else f"there is no repository at {shown}: no such folder"
            raise GitTrouble("repository-missing", what, hint="check the path, or clone the repository there")
        if not os.access(path, os.R_OK | os.X_OK):
            hint = f"let the user with id {os.geteuid()} read it"
            raise GitTrouble("repository-unreadable", f"{shown} cannot be read", hint=hint)
        answer = exchange(
            ["git", "rev-parse", "--path-format=absolute", *(word for question in QUESTIONS for word in question)],
            folder=path,
            env=environment(personal_config=True),
            stdin=b"",
            timeout_s=TIMEOUT_S,
            output_max_bytes=CHATTER_MAX_BYTES,
        )
        if answer.code != 0:
            raise GitTrouble(
                "repository-unreadable",
                f"git cannot use {shown} as a repository: {tail(answer.stderr)}",
                hint="name the top folder of a clone, or a bare repository, that this user owns "
                "(or list it as safe.directory in this user's git configuration)",
            )
        lines = os.fsdecode(answer.stdout).removesuffix("\n").split("\n")
        if len(lines) != len(QUESTIONS):
            raise GitTrouble("repository-unreadable", f"{shown} has a line end in its path", hint="rename the folder")
        objects, git_dir, object_format, below_top = lines
        if below_top or not (path.resolve() == Path(git_dir).resolve() or (path / ".git").exists()):
            what = f"{shown} is only a folder inside the repository {printable(git_dir)}"
            raise GitTrouble("repository-unreadable", what, hint="name the top folder of that repository")
        return cls(path, Path(git_dir), Path(objects), object_format)

    def run(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes = b"",
        accept: Sequence[int] = (0,),
        variables: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        hint: str = "",
    ) -> Answer:
        """Run `git ARGUMENTS` in this repository; a GitTrouble when it ends with a code that is not accepted."""
        pinned = [word for setting in PINNED_CONFIG for word in ("-c", setting)]
        answer = exchange(
            ["git", *pinned, f"--git-dir={self.git_dir}", *arguments],
            folder=self.git_dir,
            env={**environment(), **self.variables, **(variables or {})},
            stdin=stdin,
            timeout_s=timeout_s,
            output_max_bytes=OUTPUT_MAX_BYTES,
        )
        if answer.code not in accept:
            raise self.failure(arguments[0], answer, hint=hint)
        return answer

    def failure(self, command: str, answer: Answer, *, code: str = "git-failed", hint: str = "") -> GitTrouble:
        """What to raise when a git command did not do what it was asked to."""
        end = f"with exit code {answer.code}" if answer.code >= 0 else f"by signal {-answer.code}"
        said = tail(answer.stderr) or "it said nothing"
        return GitTrouble(code, f"git {command} ended {end} in {printable(str(self.path))}: {said}", hint=hint)

    def commit_id(self, revision: str) -> str | None:
        """The full id of the commit that a revision names; None if it names none, or no single one."""
        arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
        found = self.run(arguments, accept=(0, 1, 128)).stdout.decode("ascii", "replace").strip()
        return found if OBJECT_ID.fullmatch(found) else None

    def entries(self, tree: str, path: str = "", *, recursive: bool = True, sizes: bool = True) -> Iterator[Entry]:
        """The entries of a tree, or only those at a path, in git's order. Sizes make git look at each object."""
        options = ["-z", "--full-tree", *(["-r"] if recursive else []), *(["-l"] if sizes else [])]
        listing = self.run(["ls-tree", *options, "--", tree, *([path] if path else [])]).stdout
        for line in listing.split(b"\0")[:-1]:
            about, _, name = line.partition(b"\t")
            mode, kind, object_id, size = [*about.decode("ascii").split(), "-"][:4]
            if size == "BAD":
                raise self._unusable(object_id, "is missing or damaged")
            yield Entry(mode, kind, object_id, int(size) if size != "-" else None, name)

    def blobs(self, entries: Iterable[Entry]) -> dict[str, bytes]:
        """What the blobs of these entries hold, by object id. The caller has looked at their sizes before."""
        sizes = {entry.id: entry.size or 0 for entry in entries}
        contents: dict[str, bytes] = {}
        batch: list[str] = []
        room = BATCH_BYTES
        for object_id, size in sizes.items():
            if batch and size > room:
                contents |= self._batch(batch)
                batch, room = [], BATCH_BYTES
            batch.append(object_id)
            room -= size
        return contents | self._batch(batch) if batch else contents

    def changes(self, before: str, after: str) -> tuple[FileChange, ...]:
        """What differs between two trees, file by file."""
        answer = self.run(["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", before, after]).stdout
        parts = answer.split(b"\0")[:-1]
        found = []
        for about, path in zip(parts[::2], parts[1::2], strict=True):
            was, now, _, object_id, _ = about.decode("ascii").removeprefix(":").split()
            found.append(FileChange("" if was == NO_MODE else was, "" if now == NO_MODE else now, object_id, path))
        return tuple(found)

    def sizes(self, object_ids: Sequence[str]) -> dict[str, int]:
        """How large these blobs are."""
        if not object_ids:
            return {}
        text = "".join(f"{name}\n" for name in object_ids).encode("ascii")
        lines = (
            self.run(["cat-file", "--batch-check=%(objectname) %(objectsize)"], stdin=text).stdout.decode().split("\n")
        )
        pairs = (line.split() for line in lines if line)
        return {name: int(size) for name, size in pairs if size.isdigit()}

    def contents(self, sizes: Mapping[str, int]) -> dict[str, bytes]:
        """What blobs of these sizes hold."""
        return self.blobs(Entry("", "blob", name, size, b"") for name, size in sizes.items())

    def blob_id(self, content: bytes) -> str:
        """The id that this content has as a blob of this repository."""
        return hashlib.new(self.object_format, b"blob %d\0" % len(content) + content).hexdigest()

    def no_object(self) -> str:
        """The id that stands for 'no object'."""
        return "0" * hashlib.new(self.object_format).digest_size * 2

    def room(self) -> str:
        """The hint for a write that failed: what of the file system is in the way, as far as one can see."""
        shown = printable(str(self.git_dir))
        try:
            system = os.statvfs(self.git_dir)
        except OSError as error:
            return f"{shown} cannot be looked at: {error.strerror}"
        free_bytes = system.f_bavail * system.f_frsize
        if system.f_flag & os.ST_RDONLY:
            return f"the file system of {shown} is mounted read-only: mount it for writing"
        if self.objects.is_dir() and not os.access(self.objects, os.W_OK):
            return f"let the user with id {os.geteuid()} write to {printable(str(self.objects))}"
        if free_bytes < LITTLE_ROOM_BYTES or (system.f_files and not system.f_favail):
            return f"the file system of {shown} has {free_bytes >> 10} KiB and {system.f_favail} files left: make room"
        return f"check free space, quota, permissions and stale *.lock files in {shown}"

    def _batch(self, object_ids: Sequence[str]) -> dict[str, bytes]:
        answer = self.run(["cat-file", "--batch"], stdin="".join(f"{name}\n" for name in object_ids).encode("ascii"))
        contents: dict[str, bytes] = {}
        position = 0
        for object_id in object_ids:
            end = answer.stdout.find(b"\n", position)
            header = answer.stdout[position:end].split()
            if len(header) != 3 or header[:2] != [object_id.encode("ascii"), b"blob"]:
                raise self._unusable(object_id, "is missing, or not a blob")
            start, size = end + 1, int(header[2])
            content = answer.stdout[start : start + size]
            if self.blob_id(content) != object_id:
                raise self._unusable(object_id, "does not hold what its id says")
            contents[object_id] = content
            position = start + size + 1
        return contents

    def _unusable(self, object_id: str, what: str) -> GitTrouble:
        return GitTrouble(
            "object-unusable",
            f"object {object_id} of {printable(str(self.path))} {what}",
            hint="run `git fsck` there; use a full clone, without --filter",
        )


@functools.cache
def check_version() -> None:
    """Raises GitTrouble where git is too old. Asked once a process."""
    answer = exchange(
        ["git", "version"],
        folder=Path("/"),
        env=environment(),
        stdin=b"",
        timeout_s=TIMEOUT_S,
        output_max_bytes=CHATTER_MAX_BYTES,
    )
    found = re.search(rb"(\d+)\.(\d+)", answer.stdout)
    if not found or (int(found[1]), int(found[2])) < VERSION_MIN:
        wanted = ".".join(map(str, VERSION_MIN))
        shown = printable(answer.stdout.strip()) or "something that names no version"
        raise GitTrouble("git-too-old", f"`git version` says {shown}", hint=f"install git {wanted} or newer")
