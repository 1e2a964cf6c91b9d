"""A world as JSON and back: the format of state files, which people write by hand as well.

Called by statefile. What has its default is left out, what is not known is refused with the place where it stands; the
values themselves say what there is (fleet, faults). Never reads or writes a file.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any

from reconciler.core.model import Method, RunState
from reconciler.core.names import is_name
from reconciler.core.records import MoveRecord
from reconciler.drivers.simulated.faults import Faults
from reconciler.drivers.simulated.fleet import LISTED_BY, Due, SimCopy, SimFleet, SimHost, SimJob, Volume
from reconciler.drivers.simulated.incidents import trouble
from reconciler.drivers.simulated.migration import JOB_ENDS, Rules
from reconciler.drivers.simulated.power import BOOTED, SHUT_DOWN
from reconciler.drivers.simulated.settings import MEMORY_SET
from reconciler.drivers.simulated.world import COMMAND_ARRIVES, World

STATE_VERSION = 1
MAY_BE_NEGATIVE = frozenset({"clock_skew_s", "generation"})
NOW_MAX_S = 32_503_680_000.0
"""The year 3000: room for a fleet to run on before no calendar has its time any more."""


class Malformed(ValueError):
    """Something in the file is not what it should be; says where."""


@dataclasses.dataclass(slots=True)
class ClockForm:
    """The clock in a state file: it showed `now_s` when the wall's showed `anchored_wall_s`, and runs `speed` times."""

    now_s: float = 0.0
    """Left out of the file: the wall's time then."""
    speed: float = 60.0
    anchored_wall_s: float | None = None
    """None: when the file was written."""


def to_json(world: World, clock: ClockForm) -> dict[str, object]:
    """The state file's content."""
    fleet = typing.cast("dict[str, object]", _encode(world.fleet))
    fleet.pop("now_s", None)  # the clock says it
    faults = _encode(world.faults)
    return {
        "version": STATE_VERSION,
        "clock": dataclasses.asdict(clock),
        **fleet,
        **({"faults": faults} if faults else {}),
    }


def from_json(raw: object, rules: Rules | None = None, written_s: float = 0.0) -> tuple[World, ClockForm]:
    """Read back what `to_json` made, or what a person wrote at this moment. Raises Malformed on anything else."""
    if not isinstance(raw, dict) or raw.get("version") != STATE_VERSION:
        raise Malformed(f"not a simulated fleet of version {STATE_VERSION}")
    rest = {key: value for key, value in raw.items() if key not in ("version", "clock", "faults", "$schema")}
    clock = typing.cast("ClockForm", _decode(ClockForm, _set(raw.get("clock", {}), written_s), "clock"))
    if clock.speed <= 0:
        raise Malformed("clock.speed: must be more than 0")
    if clock.now_s > NOW_MAX_S:
        raise Malformed("clock.now_s: after the year 2999")
    _number_what_is_due(rest, clock)
    fleet = typing.cast("SimFleet", _decode(SimFleet, rest, ""))
    faults = typing.cast("Faults", _decode(Faults, raw.get("faults", {}), "faults"))
    fleet.now_s = clock.now_s
    _complete(fleet)
    return World(fleet, rules=rules, faults=faults), clock


def _set(clock: object, written_s: float) -> object:
    """The clock with the time of day, where a person left out what it shows."""
    if not isinstance(clock, dict) or "now_s" in clock:
        return clock
    anchored_s = clock.get("anchored_wall_s")
    return {**clock, "now_s": written_s if anchored_s is None else anchored_s}


def _number_what_is_due(rest: dict[str, Any], clock: ClockForm) -> None:
    """What a person schedules has no number yet, and happens at once where it names no time."""
    due = rest.get("due")
    if not isinstance(due, list):
        return
    number = rest.get("number", 0) if isinstance(rest.get("number", 0), int) else 0
    entries: list[object] = []
    for entry in due:
        if isinstance(entry, dict) and "number" not in entry:
            number += 1
            entry = {"at_s": clock.now_s, **entry, "number": number}
        entries.append(entry)
    rest.update(due=entries, number=number)


# ------------------------------------------------------------------------------------------ a fleet that fits together


def _complete(fleet: SimFleet) -> None:
    """Check what one field alone cannot tell, and fill in what follows from the rest."""
    names = {guest.name: guest.uuid for guest in fleet.guests.values()}
    for word in (*fleet.hosts, *fleet.guests, *names):
        if not is_name(word):
            raise Malformed(f"not a name: {word!r}")
    for host in fleet.hosts.values():
        for copy in host.copies.values():
            _complete_copy(fleet, host, copy)
    for host in fleet.hosts.values():
        for record in host.records.values():
            _check_record(host, record)
        fleet.live_jobs.extend(job for job in host.jobs if not job.ended)
        for job in host.jobs:
            _check_job(fleet, host, job)
    fleet.live_jobs.sort(key=lambda job: (job.started_s, job.source, job.uuid))
    fleet.due = sorted(due._replace(uuid=names.get(due.uuid, due.uuid)) for due in fleet.due)
    for due in fleet.due:
        _check_due(fleet, due)


def _check_record(host: SimHost, record: MoveRecord) -> None:
    """What becomes part of commands about the record's move must be fit for it."""
    for word in (record.id, record.guest_uuid, record.guest_name, record.source, record.target):
        if not is_name(word):
            raise Malformed(f"hosts.{host.name}: a move record with what is not a name: {word!r}")


def _check_job(fleet: SimFleet, host: SimHost, job: SimJob) -> None:
    ends = job.source == host.name and job.target in fleet.hosts and job.uuid in host.copies
    arriving = job.method is Method.OFFLINE or (
        job.target in fleet.hosts and job.uuid in fleet.hosts[job.target].copies
    )
    if not job.ended and not (ends and arriving):
        raise Malformed(f"hosts.{host.name}: its job {job.record_id} has no guest or no target")


def _check_due(fleet: SimFleet, due: Due) -> None:
    if due.what == COMMAND_ARRIVES:
        wrong = "" if due.number in fleet.delayed else f"no command of number {due.number} is delayed"
    elif due.what in (JOB_ENDS, SHUT_DOWN, BOOTED, MEMORY_SET):
        wrong = (
            ""
            if due.host in fleet.hosts and (due.what != MEMORY_SET or due.uuid in fleet.guests)
            else f"{due.what} needs a host that exists, not {due.host!r}"
        )
    else:
        wrong = trouble(fleet, due.what, due.host, due.uuid)
    if wrong:
        raise Malformed(f"due: {wrong}")


def _complete_copy(fleet: SimFleet, host: SimHost, copy: SimCopy) -> None:
    guest = fleet.guests.get(copy.uuid)
    if guest is None:
        raise Malformed(f"hosts.{host.name}: holds a copy of {copy.uuid}, which is not among the guests")
    if copy.autostart is None:
        copy.autostart = guest.attributes.get("autostart") == "on"
    for disk in copy.disks:
        if disk.kind.shared:
            fleet.luns.setdefault(disk.id, 0)
        else:
            host.volumes.setdefault(disk.id, Volume(copy.uuid, disk.size_mib))
    if copy.state is RunState.RUNNING and not copy.boot_marker:
        guest.boots += 1
        copy.boot_marker = f"boot-{guest.boots}"
    if copy.running and not copy.arriving:
        copy.booted_on = copy.booted_on or host.version


# ---------------------------------------------------------------------------------------------- any value, by its type


def _encode(value: Any) -> object:
    """A value as JSON can hold it, without what has its default."""
    if isinstance(value, MoveRecord):
        return value.to_json()
    if isinstance(value, Enum) or value is None or isinstance(value, bool | int | float | str):
        return value.value if isinstance(value, Enum) else value
    kind: Any = type(value)
    if dataclasses.is_dataclass(value) or hasattr(value, "_fields"):
        return {
            entry.name: _encode_field(entry, getattr(value, entry.name))
            for entry in _form(kind)
            if getattr(value, entry.name) != entry.default
        }
    if isinstance(value, Mapping):
        return {str(key): _encode(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_encode(item) for item in value]
    raise TypeError(f"cannot be saved: {type(value).__name__}")


def _encode_field(entry: Entry, value: object) -> object:
    if entry.listed_by and isinstance(value, Mapping):
        return [_encode(value[key]) for key in sorted(value)]
    return _encode(value)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One field of a value, as the file holds it. `default` is MISSING where the file must name it."""

    name: str
    kind: Any
    default: object
    listed_by: str = ""

    @property
    def required(self) -> bool:
        """Whether the file must name it."""
        return self.default is dataclasses.MISSING


@cache
def _form(cls: Any) -> tuple[Entry, ...]:
    """The saved fields of a dataclass or a NamedTuple."""
    hints = typing.get_type_hints(cls)
    if not dataclasses.is_dataclass(cls):
        return tuple(
            Entry(name, kind, cls._field_defaults.get(name, dataclasses.MISSING)) for name, kind in hints.items()
        )
    entries = []
    for field in dataclasses.fields(cls):
        if field.metadata.get("saved", True):
            factory = field.default_factory
            default = field.default if factory is dataclasses.MISSING else factory()
            entries.append(Entry(field.name, hints[field.name], default, field.metadata.get(LISTED_BY, "")))
    return tuple(entries)


def _decode(kind: Any, raw: object, place: str) -> object:
    """A value of this type out of JSON. Raises Malformed with the place of what does not fit."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        inner = next(argument for argument in arguments if argument is not types.NoneType)
        return None if raw is None else _decode(inner, raw, place)
    if origin in (list, tuple):
        return _decode_items(origin, arguments, raw, place)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(raw, dict):
            raise Malformed(f"{place}: not an object")
        key_kind, value_kind = arguments
        return {_key(key_kind, key, place): _decode(value_kind, value, f"{place}.{key}") for key, value in raw.items()}
    if kind is MoveRecord:
        try:
            return MoveRecord.from_json(raw)
        except ValueError as error:
            raise Malformed(f"{place}: {error}") from error
    if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
        return _decode_fields(kind, raw, place)
    if issubclass(kind, Enum):
        return _decode_word(kind, raw, place)
    if kind is float and isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw):
        return float(raw)
    if type(raw) is not kind or kind is float:
        raise Malformed(f"{place}: expected {kind.__name__}, found {type(raw).__name__}")
    return raw


def _key(kind: Any, key: str, place: str) -> object:
    if kind is int:
        if not key.isdecimal():
            raise Malformed(f"{place}: {key!r} is not a number")
        return int(key)
    return _decode(kind, key, place)


def _decode_word(kind: type[Enum], raw: object, place: str) -> object:
    try:
        return kind(raw)
    except ValueError as error:
        words = ", ".join(str(word.value) for word in kind)
        raise Malformed(f"{place}: {raw!r} is not one of: {words}") from error


def _decode_items(origin: Any, arguments: tuple[Any, ...], raw: object, place: str) -> object:
    if not isinstance(raw, list):
        raise Malformed(f"{place}: not a list")
    if origin is list or arguments[1:] == (...,):
        return origin(_decode(arguments[0], item, f"{place}[{index}]") for index, item in enumerate(raw))
    if len(raw) != len(arguments):
        raise Malformed(f"{place}: expected {len(arguments)} items, found {len(raw)}")
    return tuple(
        _decode(kind, item, f"{place}[{index}]") for index, (kind, item) in enumerate(zip(arguments, raw, strict=True))
    )


def _decode_fields(kind: Any, raw: object, place: str) -> object:
    if not isinstance(raw, dict):
        raise Malformed(f"{place or 'the file'}: not an object")
    entries = {entry.name: entry for entry in _form(kind)}
    unknown = sorted(set(raw) - set(entries))
    missing = [name for name, entry in entries.items() if entry.required and name not in raw]
    if unknown or missing:
        what = f"unknown: {', '.join(unknown)}" if unknown else f"missing: {', '.join(missing)}"
        raise Malformed(f"{place or 'the file'}: {what}")
    prefix = f"{place}." if place else ""
    values: dict[str, object] = {}
    for name, item in raw.items():
        entry = entries[name]
        here = f"{prefix}{name}"
        values[name] = _decode_listed(entry, item, here) if entry.listed_by else _decode(entry.kind, item, here)
        value = values[name]
        if isinstance(value, int | float) and value < 0 and name not in MAY_BE_NEGATIVE:
            raise Malformed(f"{here}: less than 0")
    return kind(**values)


def _decode_listed(entry: Entry, raw: object, place: str) -> dict[str, object]:
    if not isinstance(raw, list):
        raise Malformed(f"{place}: not a list")
    found: dict[str, object] = {}
    for index, item in enumerate(raw):
        value = _decode(typing.get_args(entry.kind)[1], item, f"{place}[{index}]")
        key = getattr(value, entry.listed_by)
        if key in found:
            raise Malformed(f"{place}[{index}]: {key} is there twice")
        found[key] = value
    return found
