"""Random values to render, with hostile text in every string.

Used by all tests of this folder. The random values are built from the types, so a field added to the core is tried too.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

from hypothesis import strategies as st

from reconciler.core.observed import HostFacts, Look, ObservedFleet, Unreachable
from reconciler.core.planning.plan import Plan
from reconciler.core.reports.report import GuestStatus, Report, StepRun

Value = TypeVar("Value")

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details></summary><!--",
    "a|b||c",
    "`code` ``` ~~~ $x$",
    "[click](javascript:alert(1)) ![i](https://evil.invalid/x)",
    "@everyone #1 https://evil.invalid www.evil.invalid",
    "# heading\n\n---\n| a |\n|---|",
    "1. one\n- two\n+ three",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "\ud800 lone",
    "\U000e0041tag",
    "naïve e\u0301\u0301",
    "日本語の名前" * 9,
    "word " * 60,
    "x" * 300,
    "\r\n\t\x00\x7f\x9b",
    "&lt;b&gt; &#64;",
    "",
)

STRINGS = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=30), st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True)
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Anything a document or a host may say. A function: failing tests then print its name, not all it could be."""
    return draw(STRINGS)


text = texts()
NUMBERS = st.integers(0, 10**7)
SECONDS = st.floats(0, 10**7).map(lambda seconds: round(seconds, 3))


def values(kind: type[Value]) -> st.SearchStrategy[Value]:
    """Any value of a dataclass of the core, whether it makes sense or not."""
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: _of(hints[field.name]) for field in fields(typing.cast(Any, kind))})


def _of(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(st.none() if argument is types.NoneType else _of(argument) for argument in arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(_of(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(_of(argument) for argument in arguments))
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(_of(arguments[0]), _of(arguments[1]), max_size=2)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if is_dataclass(hint):
        return values(typing.cast(type[Any], hint))
    simple: dict[Any, st.SearchStrategy[Any]] = {str: text, bool: st.booleans(), int: NUMBERS, float: SECONDS}
    return simple[hint]


def looks() -> st.SearchStrategy[Look]:
    """A host that was read, or not."""
    return st.one_of(values(HostFacts), values(Unreachable))


@st.composite
def observed_fleets(draw: st.DrawFn) -> ObservedFleet:
    """Hosts under their own names."""
    found = draw(st.lists(looks(), max_size=3, unique_by=lambda look: look.name))
    return ObservedFleet({look.name: look for look in found})


def plans() -> st.SearchStrategy[Plan]:
    """Plans whose steps have ids of their own."""
    return values(Plan).filter(lambda plan: len({step.id for step in plan.steps}) == len(plan.steps))


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Passes; each guest has its three conditions."""
    hints = typing.get_type_hints(Report)
    conditions = st.tuples(*[_of(typing.get_args(typing.get_type_hints(GuestStatus)["conditions"])[0])] * 3)
    guest = st.builds(GuestStatus, diff=_of(typing.get_type_hints(GuestStatus)["diff"]), conditions=conditions)
    special: dict[str, st.SearchStrategy[Any]] = {
        "observed": observed_fleets(),
        "guests": st.lists(guest, max_size=3).map(tuple),
        "plans": st.lists(plans(), max_size=2).map(tuple),
        "steps": st.lists(values(StepRun), max_size=3).map(tuple),
    }
    return Report(**{name: draw(special[name] if name in special else _of(hint)) for name, hint in hints.items()})
