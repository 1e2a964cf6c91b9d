"""What the documents of one commit declare. Made by documents/, read by everything else; checks nothing itself.

placement   what its placement rules say of guests and hosts, indexed
violations  what the declared end state breaks of them, and what would mend it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.core.model import Method
from reconciler.errors import Location, Problem


class Mode(StrEnum):
    """Whether the fleet is only reported on, or changed."""

    REPORT = "report"
    APPLY = "apply"


class Drift(StrEnum):
    """What is done about a guest that was in order and is not any more, although its document is the same."""

    REPORT = "report"
    CORRECT = "correct"


class PowerWish(StrEnum):
    """What the document wants of a guest's power."""

    KEEP = "keep"
    RUNNING = "running"
    STOPPED = "stopped"


class Autostart(StrEnum):
    """What the document wants of the guest's autostart."""

    KEEP = "keep"
    """Carried along by a move."""
    ON = "on"
    OFF = "off"


class Downtime(StrEnum):
    """Whether a running guest may be stopped to be moved."""

    FORBIDDEN = "forbidden"
    ALLOWED = "allowed"


class AfterDeadline(StrEnum):
    """What happens to a guest that ignores a graceful stop."""

    FAIL = "fail"
    HARD = "hard"
    WAIT = "wait"
    """A person shuts it down from inside; the move goes on then."""


class StorageCopy(StrEnum):
    """Whether disks that only one host can see may be copied."""

    OFFLINE = "offline"
    ONLINE = "online"
    """While the guest runs where the platform can, else while it is down."""
    NEVER = "never"


class Cleanup(StrEnum):
    """What becomes of the source's disks after a proven copy."""

    KEEP = "keep"
    DELETE = "delete"


class Enforcement(StrEnum):
    """What becomes of guests that are declared against a rule."""

    REQUIRED = "required"
    """They are not moved there."""
    PREFERRED = "preferred"
    """They are, and reports say so."""


class RuleKind(StrEnum):
    """What a placement rule wants of its guests."""

    APART = "antiAffinity"
    TOGETHER = "affinity"
    HOSTS = "hostAffinity"
    """Hosts of a certain kind, whatever the other guests do."""


class Operator(StrEnum):
    """How a host's label stands to values."""

    IN = "In"
    NOT_IN = "NotIn"


@dataclass(frozen=True)
class Suspension:
    """Why nothing is to begin, until when (seconds since the epoch; None: until somebody ends it), and who says so
    (empty: the document)."""

    reason: str
    until_s: float | None = None
    by: str = ""


WINDOW_SHARE, WINDOW_MARGIN_S = 1.25, 30.0
"""What must be left of a window for what is predicted to take so long: so much of it, and so many seconds more.
Predictions are no promises."""


@dataclass(frozen=True)
class Window:
    """A span of time that comes back on certain days (0 is Monday): from `start_min` minutes after midnight, by the
    clocks of the zone, for so long. With `deny`, nothing may begin in it; else it is open for guests that name it."""

    name: str
    start_min: int
    duration_s: int
    zone: str
    days: frozenset[int] = frozenset(range(7))
    deny: bool = False


@dataclass(frozen=True)
class StopPolicy:
    """How a guest is stopped: gracefully for so many seconds, and then."""

    graceful_s: int = 300
    then: AfterDeadline = AfterDeadline.FAIL


@dataclass(frozen=True)
class MigrationPolicy:
    """What a guest's document allows to be done to it."""

    method: Method | None = None
    """None: whatever costs least downtime."""
    downtime: Downtime = Downtime.FORBIDDEN
    stop: StopPolicy = StopPolicy()
    storage_copy: StorageCopy = StorageCopy.OFFLINE
    cleanup: Cleanup = Cleanup.KEEP
    hop: bool = True
    """Whether it may rest on a third host on the way."""
    attempts: int = 3
    """How often one intent is tried before the guest is Stalled."""
    auto_converge: bool = False
    """Whether the platform may slow it down so that an online migration comes to its end."""
    windows: tuple[str, ...] = ()
    """Inside which it may be stopped while it runs. Empty: at any time."""
    open_s: float | None = None
    """How long it may be stopped from now on; None: for ever; never from a document. 0: not now."""
    step_aside: bool = False
    """Whether it may be moved, online, and moved back to make room for others."""
    opens: str = ""
    """When that ends, or begins, in words; never from a document."""


@dataclass(frozen=True)
class Guest:
    """A Guest document. `uuid` is its identity where given; all else goes by name."""

    name: str
    host: str
    location: Location
    uuid: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    power: PowerWish = PowerWish.KEEP
    migration: MigrationPolicy = MigrationPolicy()
    autostart: Autostart = Autostart.KEEP
    memory_mib: int | None = None
    """What it shall have now, within what its platform can change while it runs. None: as it is."""
    memory_min_mib: int | None = None
    """The least that it is ever set to. None: whatever its platform allows."""
    cpu_entitlement_percent: int | None = None
    """What each of its vCPUs shall be guaranteed. None: as it is."""
    cpu_entitlement_min_percent: int | None = None
    """The least guarantee that parking may leave it. None: parking leaves it as it is."""
    cpu_cap_percent: int | None = None
    """What each of its vCPUs may take of a CPU at most. None: as it is."""
    suspend: Suspension | None = None
    drifted: str = ""
    """What has become of it without its document having changed; never from a document."""
    fought: str = ""
    """Since when somebody undoes what is corrected, and how often; never from a document."""


@dataclass(frozen=True)
class Host:
    """A Host document. Caps can only lower what the host says of itself."""

    name: str
    driver: str
    location: Location
    address: str = ""
    """Where its ssh server listens: a name or an IP address. Empty: the host's own name."""
    port: int = 22
    migration_address: str = ""
    """What the other hosts call it on the migration network without a name. Empty: its address."""
    labels: Mapping[str, str] = field(default_factory=dict)
    memory_cap_mib: int | None = None
    cpus_cap: int | None = None
    reserve_memory_mib: int = 0
    suspend: Suspension | None = None
    maintenance: Suspension | None = None
    """Why nothing may come to it."""
    vcpus_per_cpu_percent: int | None = None
    """How many virtual CPUs running guests may have together, of the CPUs that they may use. None: no limit."""
    migration_addresses: Mapping[str, str] = field(default_factory=dict)
    """Name of a migration network -> what the other hosts call it there."""
    memory_overcommit_percent: int = 100
    """How much of the memory for guests may be given away. More than 100 holds only where settings allow it."""
    schedulable: bool = True
    """Whether we may choose it for a guest; people may declare guests there in any case."""

    @property
    def dialled(self) -> str:
        """What to connect to."""
        return self.address or self.name

    @property
    def reached_as(self) -> str:
        """What another host calls it when it sends a guest there."""
        return self.migration_address or self.dialled


HOST_KEY = "host"
"""The topology key that is no label: each host is a domain by itself."""


@dataclass(frozen=True)
class Requirement:
    """What a host's label must or must not be. A host without the label is in no list of values."""

    key: str
    operator: Operator
    values: tuple[str, ...]

    def __str__(self) -> str:
        words = "is" if self.operator is Operator.IN else "is not"
        return f"{self.key} {words} {' or '.join(self.values)}"

    def met_by(self, host: Host) -> bool:
        """Whether the host is as it shall be."""
        value = host.name if self.key == HOST_KEY else host.labels.get(self.key)
        return (value in self.values) is (self.operator is Operator.IN)


@dataclass(frozen=True)
class PlacementRule:
    """A PlacementRule document: which guests, and what it wants of them. It binds where they are in the end; guests
    that must be apart are so at every moment."""

    name: str
    kind: RuleKind
    location: Location
    labels: Mapping[str, str] = field(default_factory=dict)
    """It is about guests that have all of these, where there are any,"""
    names: tuple[str, ...] = ()
    """and about these."""
    topology_key: str = HOST_KEY
    """The host label whose values are the domains; `HOST_KEY`: the hosts themselves."""
    most: int = 1
    """How many of guests that shall be apart one domain may have."""
    requirements: tuple[Requirement, ...] = ()
    """What hosts must be, all of it, where the rule is about hosts."""
    enforcement: Enforcement = Enforcement.REQUIRED
    reason: str = ""

    @property
    def required(self) -> bool:
        """Whether guests that are declared against it are kept from moving there."""
        return self.enforcement is Enforcement.REQUIRED

    def domain(self, host: Host) -> str | None:
        """The domain that the host is in; None where it has no such label."""
        return host.name if self.topology_key == HOST_KEY else host.labels.get(self.topology_key)


@dataclass(frozen=True)
class Network:
    """A migration network with a name: how many moves may be under way on it, and what it carries."""

    name: str
    concurrent: int = 4
    bandwidth_mib_s: float | None = None
    """None: as much as its hosts say."""


@dataclass(frozen=True)
class Limits:
    """How much may happen at once, and in one pass. The stricter of these and the settings' ceilings holds."""

    concurrent: int = 4
    """Migrations under way in the fleet."""
    concurrent_in: int = 1
    """Migrations arriving at one host."""
    concurrent_out: int = 1
    """Migrations leaving one host."""
    concurrent_host: int = 1
    """Migrations that touch one host, in and out together."""
    moves_per_pass: int = 20
    stops_per_pass: int = 5
    downtime_per_pass_s: int | None = None
    """Predicted for all guests of one pass together; None: no limit of its own."""


@dataclass(frozen=True)
class Retry:
    """How a move that ended harmlessly is tried again: first pause, factor and longest pause, in seconds."""

    backoff_s: int = 300
    factor: int = 3
    backoff_max_s: int = 3600

    def pause_s(self, attempts_so_far: int) -> int:
        """The pause after so many attempts (1 or more)."""
        return int(min(self.backoff_max_s, self.backoff_s * self.factor ** (attempts_so_far - 1)))


@dataclass(frozen=True)
class Fleet:
    """The Fleet document: what holds for all hosts and guests of this path."""

    name: str
    location: Location
    mode: Mode = Mode.REPORT
    limits: Limits = Limits()
    retry: Retry = Retry()
    drift: Drift = Drift.REPORT
    drift_downtime: Downtime = Downtime.FORBIDDEN
    suspend: Suspension | None = None
    windows: tuple[Window, ...] = ()
    networks: tuple[Network, ...] = ()
    """Migration networks, the preferred one first; what has an address on none of them goes over the one without a
    name."""
    paces: Mapping[str, float] = field(default_factory=dict)
    """How many times as long as the model says steps took lately, by link and class (planning/ways/learned); never from
    a document."""
    quiet: str = ""
    """Why nothing may begin now, by a window that denies; never from a document."""
    quiet_in_s: float | None = None
    """In how long such a window begins; never from a document."""


@dataclass(frozen=True)
class Commit:
    """The commit the documents were read at: full id, author as git formats it, first line, and `Reconciler-Allow`
    values.
    """

    id: str
    author: str = ""
    subject: str = ""
    allow: Mapping[str, int] = field(default_factory=dict)
    """From the trailer `Reconciler-Allow: moves=120 stops=4`."""


@dataclass(frozen=True)
class DesiredFleet:
    """Everything one commit declares. A guest in `quarantined` has a document that cannot be read:
    it is reported and not touched, and what it declares is not known."""

    fleet: Fleet
    hosts: Mapping[str, Host]
    guests: Mapping[str, Guest]
    quarantined: Mapping[str, Problem] = field(default_factory=dict)
    quarantined_labels: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    """What rules go on holding them by; None where that cannot be read either."""
    commit: Commit | None = None
    rules: Mapping[str, PlacementRule] = field(default_factory=dict)
