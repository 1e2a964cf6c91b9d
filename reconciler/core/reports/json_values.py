"""Any value of the core as JSON, and strictly back; and what all JSON documents of ours have in common.

Called by snapshot, and by render/ and cli/ for plans, reports and whatever else is printed. Knows types, not meanings:
what is not exactly as it was written is refused with its path, and never shown.
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

from reconciler.core.observed import HostFacts
from reconciler.core.records import MoveRecord

API_VERSION = "reconciler/v1alpha1"

VOLATILE: Mapping[type, frozenset[str]] = {
    HostFacts: frozenset({"clock_s", "jobs"}),
    MoveRecord: frozenset({"stage_since_s", "expires_s", "begun_s"}),
}
"""Fields that change, or differ, without any fact having changed. Never written; read back as their defaults."""

EXACT = 2**53
"""Below it every whole number is one float: 72.0 and 72 are the same figure and get the same bytes."""

Value = TypeVar("Value")
Json = dict[str, object]


# --- documents -----------------------------------------------------------------------------------------------------

HEADER = frozenset({"apiVersion", "kind"})


def headed(kind: str, content: Mapping[str, object]) -> Json:
    """A document of ours: what it is, then what it says."""
    return {"apiVersion": API_VERSION, "kind": kind, **content}


def body(raw: object, kind: str, keys: set[str]) -> Json:
    """What a document of this kind says. Raises ValueError where it is none, or has other keys than these."""
    found = unheaded(raw, kind)
    _check_keys(set(found), keys, "")
    return found


def unheaded(raw: object, kind: str) -> Json:
    """What a document of this kind says, whatever its keys are. Raises ValueError where it is none."""
    if not isinstance(raw, dict):
        raise wrong("", "an object", raw)
    for key, wanted in (("apiVersion", API_VERSION), ("kind", kind)):
        if raw.get(key) != wanted:
            raise ValueError(f"{key}: expected {wanted}")
    return {key: value for key, value in raw.items() if key not in HEADER}


def parsed(text: bytes) -> object:
    """The JSON in a file of ours. Raises ValueError for what is none, also where it is nested without end."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep to be read") from error


def canonical(document: Mapping[str, object]) -> bytes:
    """The one way a document is written: sorted keys, two spaces, ASCII only (so that it is safe on any terminal)."""
    return (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False) + "\n").encode("ascii")


def _check_keys(there: set[str], wanted: set[str], path: str) -> None:
    """Neither too few nor too many: a word we do not know may matter, and a missing one has no safe default."""
    for key in sorted(wanted - there):
        raise ValueError(f"{at(path, key)}: missing")
    for key in sorted(there - wanted):
        raise ValueError(f"{at(path, ascii(key)[1:-1])}: unknown")


# --- values of the core --------------------------------------------------------------------------------------------


def plain(value: object) -> object:
    """Any value of the core as JSON holds it: enums by value, dataclasses by field, tuples as lists, 72.0 as 72."""
    kind = type(value)
    if kind is str or kind is bool or kind is int:  # most of what there is
        return value
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
        raise wrong(path, "an object", raw)
    readers = _fields(kind)
    _check_keys(set(raw), set(readers), path)
    return kind(**{name: read(raw[name], at(path, name)) for name, read in readers.items()})


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
        raise wrong(path, "a string", raw)
    return raw


def _flag(raw: object, path: str) -> object:
    if not isinstance(raw, bool):
        raise wrong(path, "true or false", raw)
    return raw


def _whole(raw: object, path: str) -> object:
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise wrong(path, "a whole number", raw)
    return raw


def _number(raw: object, path: str) -> object:
    if not isinstance(raw, int | float) or isinstance(raw, bool):
        raise wrong(path, "a number", raw)
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
            raise wrong(path, "a list", raw)
        return tuple(read(item, f"{path}[{number}]") for number, item in enumerate(raw))

    return of


def _row(reads: list[Read]) -> Read:
    def of(raw: object, path: str) -> object:
        if not isinstance(raw, list) or len(raw) != len(reads):
            raise wrong(path, f"a list of {len(reads)}", raw)
        pairs = enumerate(zip(reads, raw, strict=True))
        return tuple(read(item, f"{path}[{number}]") for number, (read, item) in pairs)

    return of


def _mapping(read: Read) -> Read:
    def of(raw: object, path: str) -> object:
        if not isinstance(raw, dict):
            raise wrong(path, "an object", raw)
        return {_text(key, path): read(item, at(path, ascii(key)[1:-1])) for key, item in raw.items()}

    return of


def _word(kind: type[Enum]) -> Read:
    def of(raw: object, path: str) -> object:
        try:
            return kind(_text(raw, path))
        except ValueError as error:
            words = ", ".join(str(word.value) for word in kind)
            raise ValueError(f"{path}: expected one of {words}") from error

    return of


def at(path: str, key: str) -> str:
    """The path of a key below this path."""
    return f"{path}.{key}" if path else key


JSON_NAMES = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "nothing"}


def wrong(path: str, wanted: str, raw: object) -> ValueError:
    """The error for a value that is something else. Never shows it: it may be long, or hostile."""
    found = JSON_NAMES.get(type(raw), "a number")
    return ValueError(f"{path or 'the document'}: expected {wanted}, found {found}")
