"""Whether a plain value satisfies one of the published schemas, and in words an operator can act on why it does not.

Called by loop/ for the settings file, whose tables and keys the words speak of. Knows no line numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, time
from typing import Any

from reconciler.documents.explain import described, dotted, fields, one_of
from reconciler.documents.names import quoted
from reconciler.documents.places import Path
from reconciler.documents.schemas import Schema, schema_folder

TYPES = {
    "object": "a table",
    "array": "a list",
    "string": "text in quotes",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
BOUNDS = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}


def schema_problems(name: str, value: object) -> tuple[str, ...]:
    """Every violation of `schemas/<name>` with its place, in order; empty where the value is valid."""
    from jsonschema import Draft202012Validator  # slow to import, and most commands never need it

    schema = json.loads((schema_folder() / name).read_text(encoding="utf-8"))
    validator: Any = Draft202012Validator(schema)
    found = sorted(validator.iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path])
    return tuple(text for error in found for text in _told(schema, error))


def _told(whole: Schema, error: Any) -> Iterator[str]:
    """What is wrong, and what to write instead."""
    path, value = tuple(error.absolute_path), error.instance
    part, keyword, wanted = error.schema, error.validator, error.validator_value
    place = dotted(path) if path else "the file"
    said = f"{place} is {_shown(value)}"
    if keyword == "additionalProperties":
        yield from (_unknown(whole, path, name, value[name], part) for name in value if name not in part["properties"])
    elif keyword == "required":
        missing = (name for name in wanted if name not in value)
        yield from (_missing(dotted((*path, name)), name, part["properties"][name]) for name in missing)
    elif keyword == "type":
        yield f"{said} and must be {TYPES.get(wanted, wanted)}{_example(part)}"
    elif keyword == "enum":
        yield f"{said}: {one_of(value if isinstance(value, str) else '', wanted)}"
    elif keyword == "pattern":
        yield f"{said}, which cannot be read{_example(part)}"
    elif keyword in BOUNDS:
        yield f"{said} and must be {BOUNDS[keyword]} {wanted}"
    elif keyword in ("minLength", "minItems", "minProperties"):
        yield f"{place} is empty{_example(part)}"
    else:
        yield f"{place}: {error.message}"


def _unknown(whole: Schema, path: Path, name: str, value: object, part: Schema) -> str:
    """A table or a key that is not known there."""
    elsewhere = [found[:-1] for found in fields(whole, ()) if found[-1] == name]
    if len(elsewhere) == 1:
        hint = f"it belongs in [{dotted(elsewhere[0])}]" if elsewhere[0] else "it belongs before the first table"
    else:
        hint = one_of(name, part["properties"])
    if isinstance(value, dict):
        return f"[{dotted((*path, name))}] is no table here: {hint}"
    return f"{f'[{dotted(path)}]' if path else 'the file'} has no key {quoted(name)}: {hint}"


def _missing(place: str, name: str, part: Schema) -> str:
    if part.get("type") == "object":
        return f"the table [{place}] is missing"
    example = part.get("examples", ())
    return f"{place} is missing" + (f": add it, for example {name} = {json.dumps(example[0])}" if example else "")


def _shown(value: object) -> str:
    """A value as TOML's users know it."""
    if isinstance(value, date | time):
        return f"the time {value.isoformat()}"
    return "a table" if isinstance(value, dict) else described(value)


def _example(part: Schema) -> str:
    example = part.get("examples", ())
    return f": write for example {json.dumps(example[0], ensure_ascii=False)}" if example else ""
