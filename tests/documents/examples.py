"""Documents that tests begin from: valid, short, and easy to spoil in one place. Called by the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.documents import Loaded, load
from reconciler.errors import Problem

FLEET = """\
apiVersion: reconciler/v1alpha1
kind: Fleet
metadata: {name: example}
spec: {mode: apply}
"""

HOST = """\
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {name: h1}
spec: {driver: simulated}
"""

GUEST = """\
apiVersion: reconciler/v1alpha1
kind: Guest
metadata:
  name: web
spec:
  host: h1
"""

SOUND = {"fleet.yaml": FLEET, "hosts/h1.yaml": HOST, "guests/db.yaml": GUEST.replace("name: web", "name: db")}


def load_with(files: Mapping[str, str | bytes], **options: Any) -> Loaded:
    """A sound fleet of one host and one guest, with these files added or in place of others."""
    texts: dict[str, str | bytes] = {**SOUND, **files}
    return load({path: text if isinstance(text, bytes) else text.encode() for path, text in texts.items()}, **options)


def only_problem(loaded: Loaded) -> Problem:
    """The one problem there is."""
    (problem,) = loaded.problems
    return problem


def place(problem: Problem) -> str:
    """`file:line:column`."""
    return str(problem.location)
