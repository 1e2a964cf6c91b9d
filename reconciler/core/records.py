"""The move record: a small file on both hosts of a move, for as long as the move is under way.

It is the lock on the guest and on the host's slot, the reason why a stopped guest must be started again, the attempt
count and the owner of partial copies. Drivers write and read it, execution/ decides by it. Times are the host's clock.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TypeVar

from reconciler.core.model import Load, Method, RunState, Setting, Settings, StepKind

RECORD_VERSION = 1
Value = TypeVar("Value")


class Stage(StrEnum):
    """How far a move has come. Written *before* the command that the stage is named after is sent."""

    CLAIMED = "claimed"
    """Both hosts are ours; nothing was done to the guest."""
    STOPPING = "stopping"
    """The guest was, or was about to be, asked to stop."""
    MIGRATING = "migrating"
    """The platform's migration was, or was about to be, started on the source."""
    SETTING = "setting"
    """Settings of the guest were, or were about to be, changed where it is."""
    STARTING = "starting"
    """Stopped by this move, proven to be at the target, it was about to be started there."""
    RESTORING = "restoring"
    """Stopped by this move, which failed; it was about to be started again on the source."""
    CLEANING = "cleaning"
    """Proven at the target; the source's copies of its disks were about to be deleted."""
    PARKED = "parked"
    """Not under way: remembers the attempts, or a refusal, for this intent. Holds no slot."""

    @property
    def under_way(self) -> bool:
        """Whether the record holds its guest and a slot on its hosts."""
        return self is not Stage.PARKED


class Parked(StrEnum):
    """Why a record is parked."""

    ABORTED = "aborted"
    """It ended harmlessly; another attempt may follow."""
    REFUSED = "refused"
    """The platform said no; nothing is tried until the facts or the intent change."""
    FAILED = "failed"
    """It ended badly, or its attempts are used up; a person must look, or change the document."""


@dataclass(frozen=True)
class MoveRecord:
    """What lies on a host about one move (or one start or stop, where source and target are the same host)."""

    id: str
    guest_uuid: str
    guest_name: str
    kind: StepKind
    source: str
    target: str
    method: Method
    was: RunState
    """Whether the guest ran when we claimed it."""
    intent: str
    """Digest of what is wanted (guest, place, policy): attempts are counted per intent."""
    facts: str
    """Digest of the platform facts the decision was made on: a refusal holds until they change."""
    controller: str
    stage: Stage = Stage.CLAIMED
    attempt: int = 1
    load: Load = Load()
    """What the guest takes on the target once it runs there, and the disk room its copies take."""
    graceful_s: int = 300
    hard_stop: bool = False
    """Whether the document allows a hard stop after the deadline."""
    wait: bool = False
    """Whether the move waits after the deadline until a person has shut the guest down."""
    stopped_by_us: bool = False
    """Whether this very move asked the guest to stop: what allows, and obliges, us to start it again."""
    delete_source: bool = False
    """Whether the source's disks are deleted after a proven copy."""
    hop: bool = False
    """Whether the guest only rests at the target on its way to another host."""
    starts: int = 0
    """How often a start was sent."""
    stage_since_s: float = 0.0
    expires_s: float = 0.0
    parked: Parked | None = None
    """Where parked: why."""
    not_before_s: float = 0.0
    """Where parked after an abort: no new attempt before this."""
    via: str = ""
    """What the source calls the target on the migration network."""
    network: str | None = None
    """That network's name; empty for the one without a name. None: written before there were names, it counts on all.
    """
    settings: Settings = ()
    """What is set of the guest where it is, as (setting, value); the one that is told next comes first."""
    autostart: bool | None = None
    """Whether the source's host starts the guest at boot, where a move carries that along. None: nothing is carried."""
    copies: tuple[str, ...] = ()
    """Devices whose contents are copied, as the platform spells them."""
    converge: bool = False
    """Whether the platform may slow the guest down so that an online migration comes to its end."""
    vouched: bool = False
    """Whether it is the operator's settings, and not the platform, that call its disks shared."""
    begun_s: float = 0.0
    """When it was begun, by the clock of the controller that began it: for reports only. 0: nobody noted it."""
    note: str = ""
    """Why a failed move is being undone, or why the record is parked."""

    def to_json(self) -> dict[str, object]:
        """As it is written on a host."""
        return {"version": RECORD_VERSION, **asdict(self)}

    @staticmethod
    def from_json(raw: object) -> MoveRecord:
        """Read back what `to_json` wrote. Raises ValueError on anything else: the caller treats the host as
        unreadable.
        """
        if not isinstance(raw, dict) or raw.get("version") != RECORD_VERSION:
            raise ValueError(f"not a move record of version {RECORD_VERSION}")
        found = {key: value for key, value in raw.items() if key != "version"}
        try:
            found["load"] = _checked(Load, Load(**found["load"]))
            for name, kind in (("kind", StepKind), ("method", Method), ("was", RunState), ("stage", Stage)):
                found[name] = kind(found[name])
            found["parked"] = Parked(found["parked"]) if found["parked"] else None
            found["copies"] = _words(found.get("copies", []))
            found["settings"] = _settings(found.get("settings", []))
            if found.get("network") is not None and not isinstance(found["network"], str):
                raise TypeError("network is no str")
            if found.get("autostart") is not None and not isinstance(found["autostart"], bool):
                raise TypeError("autostart is no bool")
            return _checked(MoveRecord, MoveRecord(**found))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a move record: {error}") from error

    @property
    def under_way(self) -> bool:
        """Whether it holds its guest and a slot on its hosts."""
        return self.stage.under_way

    def touches(self, host: str) -> bool:
        """Whether this host is one of the move's two ends."""
        return host in (self.source, self.target)


def _words(raw: object) -> tuple[str, ...]:
    """A list of strings as JSON has it. Raises TypeError for anything else."""
    if not isinstance(raw, list) or not all(isinstance(word, str) for word in raw):
        raise TypeError("not a list of strings")
    return tuple(raw)


VALUES = {
    Setting.MEMORY: re.compile(r"[1-9][0-9]{0,8}"),
    Setting.ENTITLEMENT: re.compile(r"[1-9][0-9]{0,2}"),
    Setting.CAP: re.compile(r"[1-9][0-9]{0,2}"),
    Setting.AUTOSTART: re.compile(r"on|off"),
}
"""What the value of a setting may look like: it becomes part of commands."""


def _settings(raw: object) -> Settings:
    """A list of [setting, value] as JSON has it. Raises ValueError or TypeError for anything else."""
    if not isinstance(raw, list):
        raise TypeError("settings is no list")
    found = []
    for pair in raw:
        name, value = _words(pair)
        if not VALUES[Setting(name)].fullmatch(value):
            raise ValueError(f"{name} cannot be set to such a value")
        found.append((name, value))
    return tuple(found)


SCALARS: Mapping[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
"""Annotation of a field -> what JSON may hold there."""


def _checked(kind: type[Value], value: Value) -> Value:
    """The value, once its plain fields hold what they are declared to. Raises TypeError for one that does not."""
    for field in fields(kind):  # type: ignore[arg-type]  # both kinds are dataclasses
        found, allowed = getattr(value, field.name), SCALARS.get(str(field.type), (object,))
        if type(found) not in allowed and allowed != (object,):
            raise TypeError(f"{field.name} is no {field.type}")
        if isinstance(found, float) and not math.isfinite(found):
            raise TypeError(f"{field.name} is not finite")
    return value
