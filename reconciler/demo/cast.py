"""Who plays which part in the demo: hosts, guests and the moves that the change will ask for, drawn from a seed.

Called by the story. Same seed, same cast; another seed gives other names, sizes and homes, and the same kinds of
events. Knows nothing of documents, git or a clock.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.model import Processor, StorageKind

HOST_NAMES = (
    ("alder", "birch", "cedar", "elm", "fir", "hazel", "oak"),
    ("arno", "danube", "elbe", "loire", "oder", "rhine", "tiber"),
    ("bari", "cork", "graz", "lyon", "oslo", "riga", "turin"),
)
FLEET_NAMES = ("harbour", "orchard", "foundry", "brewery")

PLAIN = Processor(32, 0, "Itanium 2 9000")
NEWER = Processor(32, 1, "Itanium 2 9100")
OLD = Processor(31, 2, "Itanium 2")


class Part(StrEnum):
    """What happens to a guest. Each is proven by the story before it is told."""

    RETURNS = "returns"
    """Moves from 4.1 to 4.2, and later back online: that we saw this boot on 4.1 is the evidence."""
    STAYS = "stays"
    """Is declared on a 4.1 host too, but has booted on 4.2: no evidence, no online way, and it must not stop."""
    ONLINE = "online"
    STUMBLES = "stumbles"
    """Moves online; its first attempt is aborted by the platform, its second one is not."""
    COPIED = "copied"
    """Has its disk in a file: copied while it is down, which its document allows."""
    CROSSES = "crosses"
    """Leaves the other processor family: offline, which its document allows."""
    SWAPS = "swaps"
    """One of two on full hosts that change places: one of them rests on a third host."""
    BLOCKED = "blocked"
    """Has a logical volume and must not stop: there is no way."""
    EXTRA = "extra"
    """Stays where it is."""
    UNMANAGED = "unmanaged"
    """Has no document: counted, never touched."""


@dataclass(frozen=True)
class DemoHost:
    """One host."""

    name: str
    version: str
    processor: Processor
    memory_gib: int
    about: str


@dataclass(frozen=True)
class DemoGuest:
    """One guest: where it is in the beginning, and where the change wants it."""

    name: str
    uuid: str
    part: Part
    home: str
    wanted: str
    """The same as `home` for those that stay."""
    memory_gib: int
    disk_gib: int
    storage: StorageKind = StorageKind.SAN
    running: bool = True
    shutdown_s: float = 20.0
    boot_s: float = 40.0
    busy_mib_s: float = 10.0

    @property
    def downtime_allowed(self) -> bool:
        """Whether its document lets it be stopped."""
        return self.part in (Part.COPIED, Part.CROSSES)


@dataclass(frozen=True)
class Cast:
    """The whole of it."""

    seed: int
    fleet: str
    hosts: tuple[DemoHost, ...]
    guests: tuple[DemoGuest, ...]

    def of(self, part: Part) -> tuple[DemoGuest, ...]:
        """Those that play this part."""
        return tuple(guest for guest in self.guests if guest.part is part)

    def one(self, part: Part) -> DemoGuest:
        """The one that plays it."""
        (guest,) = self.of(part)
        return guest

    def host(self, name: str) -> DemoHost:
        """The host of this name."""
        return next(host for host in self.hosts if host.name == name)


NAMES: Mapping[Part, tuple[str, ...]] = {
    Part.RETURNS: ("ledger", "billing", "payroll"),
    Part.STAYS: ("reports", "tickets", "stock"),
    Part.STUMBLES: ("mail", "search", "queue"),
    Part.ONLINE: ("web01", "web02", "web03", "proxy01", "cache01", "auth01"),
    Part.COPIED: ("wiki", "builds", "manuals"),
    Part.CROSSES: ("scanner", "timeclock", "label"),
    Part.SWAPS: ("shopdb", "userdb", "mapdb", "partdb"),
    Part.BLOCKED: ("till", "scada", "ward"),
    Part.UNMANAGED: ("scratch", "tryout", "loaner"),
    Part.EXTRA: (
        *("crm", "dns01", "dns02", "fax", "files", "hr", "intra", "lab", "ldap01", "ldap02", "logs", "maps"),
        *("ntp", "orders", "print", "shop01", "shop02", "survey"),
    ),
}
"""Names to draw from, so that a reader can guess what a guest is for."""


def cast(seed: int) -> Cast:
    """The cast of this seed."""
    draw = random.Random(seed)  # noqa: S311 - a story that its seed repeats, no secret
    names = draw.choice(HOST_NAMES)
    old, plain, roomy, left, right, new, other = _hosts(draw, names)
    names_left = {part: draw.sample(pool, len(pool)) for part, pool in NAMES.items()}

    def guest(part: Part, home: DemoHost, wanted: DemoHost | None = None, **more: object) -> DemoGuest:
        settings: dict[str, object] = {
            "memory_gib": draw.choice((2, 3, 4)),
            "disk_gib": draw.choice((8, 12, 16)),
            "shutdown_s": float(draw.randint(10, 25)),
            "boot_s": float(draw.randint(25, 45)),
            "busy_mib_s": float(draw.choice((0, 5, 10, 20))),
            **more,
        }
        goal = (wanted or home).name
        identity = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        return DemoGuest(names_left[part].pop(), identity, part, home.name, goal, **settings)  # type: ignore[arg-type]  # fields by name

    big = draw.choice((10, 11, 12))
    file = StorageKind.FILE
    guests = [
        guest(Part.RETURNS, old, memory_gib=4),
        guest(Part.STAYS, plain, old),
        guest(Part.STUMBLES, roomy, new, memory_gib=4),
        *(guest(Part.ONLINE, home, goal) for home, goal in ((plain, roomy), (roomy, plain), (plain, new))),
        guest(Part.COPIED, plain, roomy, storage=file, disk_gib=draw.choice((4, 5, 6))),
        guest(Part.CROSSES, other, plain),
        guest(Part.SWAPS, left, right, memory_gib=big),
        guest(Part.SWAPS, right, left, memory_gib=big),
        guest(Part.BLOCKED, roomy, new, storage=StorageKind.LOGICAL_VOLUME),
        guest(Part.UNMANAGED, new),
        *(guest(Part.EXTRA, full, memory_gib=28 - big - 4) for full in (left, right)),
        *(guest(Part.EXTRA, full, memory_gib=4) for full in (left, right)),
        *(guest(Part.EXTRA, home) for home in (old, old, plain, roomy, new, new, other)),
        guest(Part.EXTRA, old, running=False),
        guest(Part.EXTRA, new, running=False, storage=file),
    ]
    return Cast(seed, draw.choice(FLEET_NAMES), (old, plain, roomy, left, right, new, other), tuple(guests))


def _hosts(draw: random.Random, names: tuple[str, ...]) -> tuple[DemoHost, ...]:
    """Three versions, two processor families; the fourth and the fifth are full to the brim."""
    return (
        DemoHost(names[0], "4.1", PLAIN, draw.choice((48, 64)), "the oldest version here"),
        DemoHost(names[1], "4.2", PLAIN, draw.choice((48, 64)), "room to spare"),
        DemoHost(names[2], "4.2", NEWER, draw.choice((64, 80)), "room to spare"),
        DemoHost(names[3], "4.2", NEWER, 32, "full"),
        DemoHost(names[4], "4.2", NEWER, 32, "full"),
        DemoHost(names[5], "4.3", NEWER, draw.choice((96, 128)), "the newest version here"),
        DemoHost(names[6], "4.1", OLD, 32, "another processor family: nothing moves online from or to it"),
    )
