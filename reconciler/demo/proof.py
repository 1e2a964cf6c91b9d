"""What must have happened before the demo may say so. Each check reads what the commands gave as JSON, or the hosts
themselves.

Called by the story after each act. Raises InvariantBroken: a demo that shows less than it tells fails, with exit code
70.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.demo.cast import Cast, DemoGuest, Part
from reconciler.drivers.simulated.fleet import Ledger
from reconciler.errors import InvariantBroken

Document = dict[str, Any]
"""A JSON document as a command printed it."""


def need(holds: bool, what: str) -> None:
    """Fail unless this holds."""
    if not holds:
        raise InvariantBroken("demo", f"the story has no {what}")


@dataclass(frozen=True)
class Reviewed:
    """The plan of the change, and what the story needs to find in it."""

    plan: Document
    cast: Cast

    def steps(self, guest: DemoGuest) -> list[Document]:
        """What is planned for this guest, in order."""
        return [step for step in self.plan["steps"] if step["guest"] == guest.name]

    def blocked(self, guest: DemoGuest) -> Document | None:
        """Why nothing is planned for it, where that is so."""
        return next((entry for entry in self.plan["blocked"] if entry["guest"] == guest.name), None)

    @property
    def hop(self) -> Document:
        """The step to the resting place."""
        return next(step for step in self.plan["steps"] if step["hop"])

    @property
    def online(self) -> int:
        """How many moves are online."""
        return sum(step["method"] == "online" for step in self.plan["steps"])

    def check(self) -> None:
        """Everything that the change was made for is in the plan."""
        need(self.online >= 4, "four online moves")
        need(not self.plan["brakes"], f"plan free of brakes: {self.plan['brakes']}")
        for part in (Part.ONLINE, Part.STUMBLES, Part.RETURNS):
            for guest in self.cast.of(part):
                need(_goes(self.steps(guest), guest, "online"), f"online move of {guest.name} to {guest.wanted}")
        for part in (Part.COPIED, Part.CROSSES):
            guest = self.cast.one(part)
            steps = self.steps(guest)
            need(
                _goes(steps, guest, "offline") and steps[0]["downtime_s"] > 0,
                f"offline move of {guest.name} with downtime",
            )
        for guest in self.cast.of(Part.SWAPS):
            need(_goes(self.steps(guest)[-1:], guest, "online"), f"arrival of {guest.name} on {guest.wanted}")
        hops = [step for step in self.plan["steps"] if step["hop"]]
        swapping = {guest.name for guest in self.cast.of(Part.SWAPS)}
        ends = {guest.home for guest in self.cast.of(Part.SWAPS)}
        need(len(hops) == 1 and hops[0]["guest"] in swapping and hops[0]["target"] not in ends, "hop over a third host")
        stays, blocked = self.cast.one(Part.STAYS), self.cast.one(Part.BLOCKED)
        need(bool(self.refusal(stays)), f"refusal of the online way back of {stays.name}")
        need((self.blocked(blocked) or {}).get("reason") == "DowntimeForbidden", f"block of {blocked.name}")
        need(len(self.plan["blocked"]) == 2, "plan with exactly two blocked guests")

    def refusal(self, guest: DemoGuest) -> str:
        """What the rule on version pairs says against moving this guest online; empty where it does not."""
        entry = self.blocked(guest) or {"verdicts": []}
        found = (verdict for verdict in entry["verdicts"] if verdict["method"] == "online" and not verdict["allowed"])
        return next((str(verdict["reason"]) for verdict in found if verdict["rule"] == "version-pair"), "")


def check_processors(explanation: Document, guest: DemoGuest) -> None:
    """The processors, and nothing else, are what keeps this guest from going online."""
    deciding = explanation["deciding"] or {}
    need(deciding.get("rule") == "processor-compatible", f"refusal of {guest.name} for its host's processor")


def _goes(steps: list[Document], guest: DemoGuest, method: str) -> bool:
    return len(steps) == 1 and steps[0]["target"] == guest.wanted and steps[0]["method"] == method


@dataclass(frozen=True)
class Done:
    """The run of the change, by its record."""

    run: Document
    cast: Cast

    @property
    def stumble(self) -> Document:
        """The move that was aborted once."""
        name = self.cast.one(Part.STUMBLES).name
        return next(move for move in self.run["moves"] if move["guest"] == name)

    def check(self, observed: Document) -> None:
        """Everyone is where the change wants them, but for the two that cannot go."""
        need(all(move["state"] == "done" for move in self.run["moves"]), "run in which every step ended well")
        need(self.stumble["attempt"] == 2, "online migration that was aborted and tried again")
        need(self.run["failed"] == 0, "run without failures")
        places = dict(_running_places(observed))
        for guest in self.cast.guests:
            stays = guest.part in (Part.STAYS, Part.BLOCKED) or not guest.running
            need(stays or places.get(guest.name) == [guest.wanted], f"{guest.name} running on {guest.wanted} alone")


def _running_places(observed: Document) -> Iterator[tuple[str, list[str]]]:
    """Guest -> every host that it runs on."""
    found: dict[str, list[str]] = {}
    for host in observed["hosts"]:
        for entry in host["registrations"]:
            if entry["state"] != "stopped":
                found.setdefault(entry["name"], []).append(host["name"])
    yield from found.items()


def check_ledger(ledger: Ledger) -> None:
    """The simulated hosts count what must never be: two copies of one guest running, disks with content lost."""
    need(not ledger.double_runs, "run without a guest running twice")
    need(not ledger.stale_starts and not ledger.lost_contents, "run without lost disk contents")
