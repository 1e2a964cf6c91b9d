"""The documents of the demo's fleet, with comments, as a person would write them.

Called by the story for each commit. Text only: no file is written here.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.core.model import StorageKind
from reconciler.demo.cast import Cast, DemoGuest, DemoHost, Part

WHY: Mapping[Part, str] = {
    Part.COPIED: "its disk is a file on this host: it may be stopped to be copied",
    Part.CROSSES: "sits on the old processors: it may be stopped to leave them",
    Part.BLOCKED: "must not stop, and has a logical volume: a person has to find it a quiet hour",
    Part.STAYS: "must not stop",
}
"""What a comment in the document says of a guest."""

FLEET = """\
# The fleet as a whole. Without `mode: apply`, nothing would ever be changed.
apiVersion: reconciler/v1alpha1
kind: Fleet
metadata:
  name: {name}
spec:
  mode: apply
  limits:
    concurrent: 3       # migrations under way at once; each host takes part in one at a time
    movesPerPass: 12    # more than this at once is probably a mistake in a file
    stopsPerPass: 2
  retry:
    backoff: 1m         # a demo has no patience
"""


def files(cast: Cast, homes: Mapping[str, str]) -> dict[str, str]:
    """Path -> text, with each guest declared on the host that `homes` gives it."""
    texts = {"desired-state/fleet.yaml": FLEET.format(name=cast.fleet)}
    texts["desired-state/hosts.yaml"] = "---\n".join(_host(host) for host in cast.hosts)
    guests = sorted((guest for guest in cast.guests if guest.part is not Part.UNMANAGED), key=lambda guest: guest.name)
    for title, chosen in (
        ("databases", [guest for guest in guests if guest.part is Part.SWAPS]),
        ("services", [guest for guest in guests if guest.part is not Part.SWAPS]),
    ):
        texts[f"desired-state/guests/{title}.yaml"] = "---\n".join(_guest(guest, homes[guest.name]) for guest in chosen)
    return texts


def _host(host: DemoHost) -> str:
    return f"""\
# Integrity VM {host.version}, {host.processor.name}, {host.memory_gib} GiB: {host.about}
apiVersion: reconciler/v1alpha1
kind: Host
metadata:
  name: {host.name}
spec:
  driver: simulated
"""


def _guest(guest: DemoGuest, home: str) -> str:
    why = WHY.get(guest.part, "" if guest.storage is StorageKind.SAN else f"its disk is a {guest.storage} on its host")
    comment = f"# {guest.name}: {why}\n" if why else ""
    allowed = "  migration:\n    downtime: allowed\n" if guest.downtime_allowed else ""
    return f"""\
{comment}apiVersion: reconciler/v1alpha1
kind: Guest
metadata:
  name: {guest.name}
spec:
  host: {home}
  uuid: {guest.uuid}
{allowed}"""
