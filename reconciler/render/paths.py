"""What the files of a status branch are called. Called by whatever writes, links to or looks for one of them.

Any name gives a path that git, forges and file systems take: hosts and old branches may say anything.
"""

from __future__ import annotations

import hashlib
import re

from reconciler.core.names import is_name

INDEX = "index.json"
README = "README.md"
GUESTS = "guests/"
OBSERVED = "observed/"
RUNS = "runs/"
REFERENCE = "reference/"

MOMENT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T[0-9:]{8}Z")


def guest_path(name: str) -> str:
    """Where a guest's file lies: spread over 256 folders, so that none becomes too long to look at."""
    return f"{GUESTS}{_digest(name)[:2]}/{_file_name(name)}.json"


def twin_path(name: str, uuid: str) -> str:
    """Where a guest's file lies that shares its name with another guest."""
    return f"{GUESTS}{_digest(name)[:2]}/_{_digest(name)[:16]}_{_digest(uuid)[:16]}.json"


def host_path(name: str) -> str:
    """Where a host's snapshot lies."""
    return f"{OBSERVED}{_file_name(name)}.json"


def run_path(run_id: str, started: str) -> str:
    """Where a run's record lies: by the day on which it began."""
    moment = MOMENT.fullmatch(started)
    day = "/".join(moment.groups()) if moment else "undated"
    return f"{RUNS}{day}/{_file_name(run_id)}.json"


def _file_name(name: str) -> str:
    """The name itself where it is one that documents may use; else what stands for it, whatever it holds."""
    return name if is_name(name) else f"_{_digest(name)[:32]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
