"""An observed fleet as a JSON document, and strictly back; with it the way in which any value of the core becomes JSON.

Called wherever a snapshot is printed, committed or read, and by render/ for plans and reports. Never holds volatile
figures (clocks, jobs, progress, expiries): an unchanged fleet gives the same bytes.
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

from reconciler.core.observed import HostFacts, Look, ObservedFleet, Unreachable
from reconciler.core.records import MoveRecord

API_VERSION = "reconciler/v1alpha1"

VOLATILE: Mapping[type, frozenset[str]] = {
    HostFacts: frozenset({"clock_s", "jobs"}),
    MoveRecord: frozenset({"stage_since_s", "expires_s"}),
}
"""Fields that change without any fact having changed. Never written; read back as their defaults."""

EXACT = 2**53
"""Below it every whole number is one float: 72.0 and 72 are the same figure and get the same bytes."""

Value = TypeVar("Value")
Json = dict[str, object]


# --- an observed fleet ---------------------------------------------------------------------------------------------


def fleet_to_json(fleet: ObservedFleet) -> Json:
    """The snapshot of a fleet, hosts by name."""
    return headed("ObservedFleet", {"hosts": [_look(fleet.hosts[name]) for name in sorted(fleet.hosts)]})


def fleet_from_json(raw: object) -> ObservedFleet:
    """Read back what `fleet_to_json` wrote. Raises ValueError, naming the path, for anything else."""
    entries = body(raw, "ObservedFleet", {"hosts"})["hosts"]
    if not isinstance(entries, list):
        raise _wrong("hosts", "a list", entries)
    hosts: dict[str, Look] = {}
    for number, entry in enumerate(entries):
        look = _read_look(entry, f"hosts[{number}]")
        if look.name in hosts:
            raise ValueError(f"hosts[{number}].name: this host is in the list before")
        hosts[look.name] = look
    return ObservedFleet(hosts)


def host_to_json(look: Look) -> Json:
    """The snapshot of one host, as it lies on the status branch."""
    return headed("ObservedHost", _look(look))


def host_from_json(raw: object) -> Look:
    """Read back what `host_to_json` wrote. Raises ValueError, naming the path, for anything else."""
    if not isinstance(raw, dict):
        raise _wrong("", "an object", raw)
    _check_header(raw, "ObservedHost")
    return _read_look({key: value for key, value in raw.items() if key not in HEADER}, "")


def _look(look: Look) -> Json:
    return {"reachable": isinstance(look, HostFacts), **plain_fields(look)}


def _read_look(raw: object, path: str) -> Look:
    if not isinstance(raw, dict):
        raise _wrong(path, "an object", raw)
    reachable = raw.get("reachable")
    if not isinstance(reachable, bool):
        raise _wrong(_at(path, "reachable"), "true or false", reachable)
    rest = {key: value for key, value in raw.items() if key != "reachable"}
    return typed(HostFacts, rest, path) if reachable else typed(Unreachable, rest, path)


# --- documents -----------------------------------------------------------------------------------------------------

HEADER = frozenset({"apiVersion", "kind"})


def headed(kind: str, content: Mapping[str, object]) -> Json:
    """A document of ours: what it is, then what it says."""
    return {"apiVersion": API_VERSION, "kind": kind, **content}


def body(raw: object, kind: str, keys: set[str]) -> Json:
    """What a document of this kind says. Raises ValueError where it is none, or has other keys than these."""
    if not isinstance(raw, dict):
        raise _wrong("", "an object", raw)
    _check_header(raw, kind)
    _check_keys({key for key in raw if key not in HEADER}, keys, "")
    return {key: value for key, value in raw.items() if key not in HEADER}


def canonical(document: Mapping[str, object]) -> bytes:
    """The one way a document is written: sorted keys, two spaces, ASCII only (so that it is safe on any terminal)."""
    return (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False) + "\n").encode("ascii")


def _check_header(raw: Json, kind: str) -> None:
    for key, wanted in (("apiVersion", API_VERSION), ("kind", kind)):
        if raw.get(key) != wanted:
            raise ValueError(f"{key}: expected {wanted}")


def _check_keys(there: set[str], wanted: set[str], path: str) -> None:
    """Neither too few nor too many: a word we do not know may matter, and a missing one has no safe default."""
    for key in sorted(wanted - there):
        raise ValueError(f"{_at(path, key)}: missing")
    for key in sorted(there - wanted):
        raise ValueError(f"{_at(path, ascii(key)[1:-1])}: unknown")


# --- values of the core --------------------------------------------------------------------------------------------


def plain(value: object) -> object:
    """Any value of the core as JSON holds it: enums by value, dataclasses by field, tuples as lists, 72.0 as 72."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < EXACT else value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if is_dataclass(value):
        return plain_fields(value)
    raise TypeError(f"{type(value).__name__} is no value of the core")


def plain_fields(value: object) -> Json:
    """A dataclass of the core as an object, without its volatile fields."""
    return {name: plain(getattr(value, name)) for name in _fields(type(value))}


def typed(kind: type[Value], raw: object, path: str) -> Value:
    """Read back what `plain` made of this dataclass. Raises ValueError, naming the path, for anything else."""
    if not isinstance(raw, dict):
        raise _wrong(path, "an object", raw)
    readers = _fields(kind)
    _check_keys(set(raw), set(readers), path)
    return kind(**{name: read(raw[name], _at(path, name)) for name, read in readers.items()})


Read = Callable[[object, str], object]


def _read_fields(kind: type[Any]) -> Mapping[str, Read]:
    """Field name -> how it is read, in the order of the dataclass."""
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is no value of the core")
    hints = typing.get_type_hints(kind)
    volatile = VOLATILE.get(kind, frozenset())
    for field in fields(kind):
        if field.name in volatile and field.default is MISSING and field.default_factory is MISSING:
            raise TypeError(f"{kind.__name__}.{field.name} is volatile and has no default")
    return {field.name: _reader(hints[field.name]) for field in fields(kind) if field.name not in volatile}


# Worked out once a class. Classes can be hashed; mypy takes `__hash__` for that of their instances.
_fields: Callable[[type[Any]], Mapping[str, Read]] = cache(_read_fields)  # type: ignore[assignment]  # see above


def _reader(hint: object) -> Read:
    """How a value of this type is read."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (one,) = [argument for argument in arguments if argument is not types.NoneType]
        return _optional(_reader(one))
    if origin is tuple and arguments[-1] is Ellipsis:
        return _list(_reader(arguments[0]))
    if origin is tuple:
        return _row([_reader(argument) for argument in arguments])
    if origin is not None and issubclass(cast(type, origin), Mapping):
        return _mapping(_reader(arguments[1]))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _word(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return lambda raw, path: typed(hint, raw, path)
    return SCALARS[hint]


def _text(raw: object, path: str) -> object:
    if not isinstance(raw, str):
        raise _wrong(path, "a string", raw)
    return raw


def _flag(raw: object, path: str) -> object:
    if not isinstance(raw, bool):
        raise _wrong(path, "true or false", raw)
    return raw


def _whole(raw: object, path: str) -> object:
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise _wrong(path, "a whole number", raw)
    return raw


def _number(raw: object, path: str) -> object:
    if not isinstance(raw, int | float) or isinstance(raw, bool):
        raise _wrong(path, "a number", raw)
    try:
        number = float(raw)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{path}: expected a number that is not infinite")
    return number


SCALARS: Mapping[object, Read] = {str: _text, bool: _flag, int: _whole, float: _number}


def _optional(read: Read) -> Read:
    return lambda raw, path: None if raw is None else read(raw, path)


def _list(read: Read) -> Read:
    def of(raw: object, path: str) -> object:
        if not isinstance(raw, list):
            raise _wrong(path, "a list", raw)
        return tuple(read(item, f"{path}[{number}]") for number, item in enumerate(raw))

    return of


def _row(reads: list[Read]) -> Read:
    def of(raw: object, path: str) -> object:
        if not isinstance(raw, list) or len(raw) != len(reads):
            raise _wrong(path, f"a list of {len(reads)}", raw)
        pairs = enumerate(zip(reads, raw, strict=True))
        return tuple(read(item, f"{path}[{number}]") for number, (read, item) in pairs)

    return of


def _mapping(read: Read) -> Read:
    def of(raw: object, path: str) -> object:
        if not isinstance(raw, dict):
            raise _wrong(path, "an object", raw)
        return {_text(key, path): read(item, _at(path, ascii(key)[1:-1])) for key, item in raw.items()}

    return of


def _word(kind: type[Enum]) -> Read:
    def of(raw: object, path: str) -> object:
        try:
            return kind(_text(raw, path))
        except ValueError as error:
            words = ", ".join(str(word.value) for word in kind)
            raise ValueError(f"{path}: expected one of {words}") from error

    return of


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


JSON_NAMES = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "nothing"}


def _wrong(path: str, wanted: str, raw: object) -> ValueError:
    """Never shows the value: it may be long, or hostile."""
    found = JSON_NAMES.get(type(raw), "a number")
    return ValueError(f"{path or 'the document'}: expected {wanted}, found {found}")
