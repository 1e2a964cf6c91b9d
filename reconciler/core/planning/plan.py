"""The values of a plan: what will be done, in which order, and what will not be done and why.

Made by the scheduler, proven by verify, run by execution/, shown by render/. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.compatibility import Verdict
from reconciler.core.desired import Commit, StopPolicy
from reconciler.core.desired.violations import Violation
from reconciler.core.model import Load, Method, Settings, StepKind


class Reason(StrEnum):
    """Why nothing is done about a guest that differs; each is explained in docs/reference/reasons.md."""

    # the guest itself
    MISSING = "Missing"
    OWNER_UNKNOWN = "OwnerUnknown"
    REPLACED = "Replaced"
    DUPLICATED = "Duplicated"
    NOT_RUNNABLE = "NotRunnable"
    QUARANTINED = "Quarantined"
    IN_TRANSITION = "InTransition"
    NAME_TAKEN = "NameTaken"
    # a host
    HOST_UNREACHABLE = "HostUnreachable"
    HOST_IDENTITY = "HostIdentity"
    HOST_NOT_DECLARED = "HostNotDeclared"
    # kept still on purpose
    GUEST_SUSPENDED = "GuestSuspended"
    HOST_SUSPENDED = "HostSuspended"
    HOST_IN_MAINTENANCE = "HostInMaintenance"
    OUTSIDE_WINDOW = "OutsideWindow"
    DRIFTED = "Drifted"
    FOUGHT = "Fought"
    # rules and the document
    PLATFORM_UNKNOWN = "PlatformUnknown"
    INCOMPATIBLE = "Incompatible"
    METHOD_FORBIDDEN = "MethodForbidden"
    DOWNTIME_FORBIDDEN = "DowntimeForbidden"
    STORAGE_COPY_FORBIDDEN = "StorageCopyForbidden"
    PLACEMENT_RULE_VIOLATED = "PlacementRuleViolated"
    # moves under way, and those that ended
    HELD_BY_OTHER = "HeldByOther"
    MOVE_UNDER_WAY = "MoveUnderWay"
    REFUSED_BY_PLATFORM = "RefusedByPlatform"
    BACKING_OFF = "BackingOff"
    ATTEMPTS_EXHAUSTED = "AttemptsExhausted"
    FAILED_BEFORE = "FailedBefore"
    # settings
    NOT_RUNNING = "NotRunning"
    MEMORY_NOT_DYNAMIC = "MemoryNotDynamic"
    MEMORY_OUT_OF_RANGE = "MemoryOutOfRange"
    CAP_NOT_SETTABLE = "CapNotSettable"
    AUTOSTART_UNKNOWN = "AutostartUnknown"
    # room and order
    TOO_FEW_CPUS = "TooFewCpus"
    NO_ROOM = "NoRoom"
    SLOTS_TAKEN = "SlotsTaken"
    NO_SAFE_ORDER = "NoSafeOrder"


WAITING = frozenset({Reason.MOVE_UNDER_WAY, Reason.SLOTS_TAKEN, Reason.BACKING_OFF})
"""Reasons that end by themselves. A closed window is not among them, as documents want it so; nor is another
controller at work, of which a person should know."""


@dataclass(frozen=True)
class Step:
    """One thing done to one guest. Times are seconds from the start of the run, as predicted."""

    id: str
    """Stable within its plan and readable, for example `03-web01`."""
    kind: StepKind
    guest: str
    uuid: str
    source: str
    target: str
    """The same host as `source` for all but a migration."""
    method: Method | None
    """None for all but a migration."""
    running: bool
    """Whether the guest runs when the step begins, as planned."""
    reason: str
    """Why this step, in this way, as a sentence."""
    intent: str
    """Digest of what the guest's document asks for."""
    facts: str
    """Digest of the platform facts that the step rests on."""
    known_as: str = ""
    """The name the hosts know the guest by, where that is not the document's."""
    after: tuple[str, ...] = ()
    """Ids of the steps that must be done before this one may begin."""
    start_s: float = 0.0
    duration_s: float = 0.0
    downtime_s: float = 0.0
    """How long the guest is down, of `duration_s`."""
    model_s: float = 0.0
    """What the model says it takes, before anything that was learned from earlier steps; 0: nobody noted it."""
    model_downtime_s: float = 0.0
    guest_class: str = ""
    """What kind of guest it is, for later predictions: method, memory up to the next power of two, disks copied or not.
    """
    load: Load = Load()
    """What it takes on the target once it runs there (nothing but disk room for a guest that stays stopped)."""
    frees: Load = Load()
    """What it leaves free on the source in the end. The plan counts on all of it but disks, which may stay."""
    hop: bool = False
    """Whether the target is a resting place on the way, not the declared host."""
    aside: bool = False
    """Whether that is to make room for others: the guest was where it is declared, and comes back."""
    one_way: str = ""
    """Why there is no lasting online way back; empty where there is."""
    stop: StopPolicy = StopPolicy()
    delete_source: bool = False
    via: str = ""
    """What the source calls the target on the migration network."""
    network: str = ""
    """That network's name; empty for the one without a name, and for all but a migration."""
    copies: tuple[str, ...] = ()
    """Devices whose contents are copied, as the platform spells them."""
    converge: bool = False
    """Whether the platform may slow the guest down so that it comes to its end."""
    vouched: bool = False
    """Whether it is the operator's settings, and not the platform, that call its disks shared."""
    settings: Settings = ()
    """What a set step sets, as (setting, value)."""
    settings_before: Settings = ()
    """The same settings as they were seen; an empty value where it is not known."""
    autostart: bool | None = None
    """Whether the source's host starts the guest at boot, where a move carries that along."""
    attempt: int = 1
    """Which attempt of its intent this is."""
    attempts_max: int = 3
    commands: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(host, argv) in order, as they would be sent; filled in where a driver is at hand."""

    @property
    def cautious_s(self) -> float:
        """What a permission rests on: what was learned never makes it shorter than the model has it (promise I10)."""
        return max(self.duration_s, self.model_s)

    @property
    def cautious_downtime_s(self) -> float:
        """The same for how long the guest is down."""
        return max(self.downtime_s, self.model_downtime_s)

    @property
    def end_s(self) -> float:
        """When it is predicted to be done."""
        return self.start_s + self.duration_s

    @property
    def stops_guest(self) -> bool:
        """Whether it takes a running guest down."""
        return self.kind is StepKind.STOP or (self.method is Method.OFFLINE and self.running)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts it touches."""
        return (self.source,) if self.source == self.target else (self.source, self.target)


class RemedyKind(StrEnum):
    """What would get a blocked guest going; each is explained in docs/reference/reasons.md."""

    HOP = "hop"
    """Guests that may rest on a third host on their way."""
    ASIDE = "step-aside"
    """Guests in their place that may be moved for others, online, and back."""
    DOWNTIME = "downtime"
    """Guests that may be stopped to be moved."""
    METHOD = "method"
    """Another method, or disks that may be copied."""
    ENTITLEMENT = "entitlement"
    """A smaller guarantee of CPU, within what documents call the least."""
    ELSEWHERE = "elsewhere"
    """Another declared host, for this guest or for others."""
    WAIT = "wait"
    """Nothing but time."""
    NONE = "none"
    """Nothing of all that helps, and the text proves it."""
    NOT_FOUND = "not-found"
    """Nothing of all that was found to help."""


@dataclass(frozen=True, order=True)
class Edit:
    """One changed field of a Guest document."""

    guest: str
    field: str
    """Its path below `spec`, for example `migration.stepAside`."""
    value: str


@dataclass(frozen=True)
class Remedy:
    """What would get guests going. It was tried: with these edits, and no other, they have a place in the plan, and
    nobody loses his. Where the kind is none or not-found, why there is no such thing."""

    kind: RemedyKind
    text: str
    frees: tuple[str, ...] = ()
    """The blocked guests that would go."""
    edits: tuple[Edit, ...] = ()
    """All of them are needed."""
    host: str = ""
    """Where room is short, if it is that."""
    lacks: Load = Load()
    """How much is short there."""
    downtime_s: float = 0.0
    """For how long guests would be down with it that are not without it."""


@dataclass(frozen=True)
class Blocked:
    """A guest that differs from its document and for which nothing is done. `reason` is one of `Reason`."""

    guest: str
    uuid: str
    wanted: str
    place: str
    """Where it is, or empty."""
    reason: str
    text: str
    fix: str = ""
    verdicts: tuple[Verdict, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    """Each by itself would do; the best one first."""

    @property
    def waits(self) -> bool:
        """Whether nothing but time is needed, as far as the plan knows."""
        return self.reason in WAITING


@dataclass(frozen=True)
class Brake:
    """Why the plan is shown but not run. `release` is what lets it run, where anything does."""

    reason: str
    text: str
    release: str = ""


@dataclass(frozen=True)
class Plan:
    """A whole schedule. `steps` are sorted by start, then id; the plan of a converged fleet has none."""

    fleet: str
    commit: Commit | None
    steps: tuple[Step, ...]
    blocked: tuple[Blocked, ...]
    makespan_s: float
    bound_s: float
    """No schedule can be shorter."""
    digest: str
    brakes: tuple[Brake, ...] = ()
    violations: tuple[Violation, ...] = ()
    """What is wrong with the declared end state, whether or not anybody has to move for it."""
    remedies: tuple[Remedy, ...] = ()
    """What would free the guests that no safe order was found for, all together."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do and nothing blocked."""
        return not self.steps and not self.blocked

    @property
    def moves(self) -> tuple[Step, ...]:
        """The migrations among the steps."""
        return tuple(step for step in self.steps if step.kind is StepKind.MIGRATE)

    @property
    def stops(self) -> tuple[Step, ...]:
        """The steps that take a running guest down."""
        return tuple(step for step in self.steps if step.stops_guest)
