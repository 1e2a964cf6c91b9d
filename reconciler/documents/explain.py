"""Turn a violation of a schema into a problem that its author can act on: where, what, and what to write instead.

Called for documents that their schema refuses. The words come from the schema: a field's title says what is wanted, its
examples and allowed words become the hint. Never decides whether a document is valid.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from reconciler.documents.codes import Code
from reconciler.documents.names import quoted
from reconciler.documents.places import Path, Places, Value
from reconciler.documents.schemas import API_VERSION, Kind, Schema, Violation, schema, violations
from reconciler.errors import Location, Problem

_TYPE_WORDS = {"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number"}
_SHOWN_WORDS_MAX = 12


def explain(kind: Kind, value: Value, places: Places, problems_max: int) -> list[Problem]:
    """The problems of a document that its schema refuses, at least one, in the order of the file."""
    found: dict[Problem, None] = {}
    for problem in _all(kind, value, places):
        found.setdefault(problem)
        if len(found) == problems_max:
            break
    if not found:
        # the two validators disagree; the fast one decides, so the document is refused all the same
        what = f"the document does not match the {kind} schema, and no reason was found"
        return [Problem(Code.DOCUMENT_INVALID, places.value(), what, "please report this document")]
    return sorted(found, key=lambda problem: (problem.location, problem.code, problem.what))


def dotted(path: Iterable[str | int]) -> str:
    """A path as people write it: `spec.migration.stop`, `metadata.labels["example.org/app"]`."""
    text = ""
    for part in path:
        plain = isinstance(part, str) and part.isidentifier() and len(part) <= 64
        text += (f".{part}" if text else f"{part}") if plain else f"[{quoted(part) if isinstance(part, str) else part}]"
    return text or "the document"


def closest(word: str, words: Iterable[str]) -> list[str]:
    """The words, those most like `word` first, then by name."""
    names = sorted(words)
    near = _similar(word, names)
    return near + [name for name in names if name not in near]


def one_of(word: str, words: Iterable[str]) -> str:
    """`did you mean "running"? allowed: keep, running, stopped`."""
    names = sorted(words)
    shown = ", ".join(names[:_SHOWN_WORDS_MAX]) + (", …" if len(names) > _SHOWN_WORDS_MAX else "")
    return f"{did_you_mean(word, names)}allowed: {shown}"


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """`did you mean "running"? ` with a space to go on after; empty where no word is like it."""
    near = _similar(word, sorted(words))
    return f"did you mean {quoted(near[0])}? " if near else ""


def _similar(word: str, names: list[str]) -> list[str]:
    """Up to five of the names that may have been meant, the most similar first; capitals do not matter."""
    spelt = {name.lower(): name for name in names}
    return [spelt[near] for near in difflib.get_close_matches(word[:64].lower(), spelt, n=5)]


def described(value: Any) -> str:
    """A value in a message: text in quotes, everything else by what it is."""
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a mapping" if isinstance(value, dict) else "a list"


def _all(kind: Kind, value: Value, places: Places) -> Iterator[Problem]:
    for violation in violations(kind, value):
        yield from _EXPLAINERS.get(violation.keyword, _something)(kind, violation, places)


def _unknown_fields(kind: Kind, violation: Violation, places: Places) -> Iterator[Problem]:
    path = violation.path
    known: Mapping[str, Any] = violation.schema["properties"]
    for name in violation.value:
        if name not in known:
            what = f"{dotted(path)} has no field {quoted(name)}"
            hint = _moved(kind, name) or one_of(name, known)
            yield Problem(Code.UNKNOWN_FIELD, places.key(*path, name), what, hint)


def _moved(kind: Kind, name: str) -> str:
    """Where the field belongs, if the schema has it in exactly one other place."""
    elsewhere = [path for path in fields(schema(kind), ()) if path[-1] == name]
    return f"it belongs under {dotted(elsewhere[0][:-1])}" if len(elsewhere) == 1 else ""


def fields(part: Schema, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The path of every field of a schema."""
    for name, child in part.get("properties", {}).items():
        yield (*path, name)
        yield from fields(child, (*path, name))


def _missing_fields(_: Kind, violation: Violation, places: Places) -> Iterator[Problem]:
    path = violation.path
    for name in violation.schema["required"]:
        if name not in violation.value:
            example = json.dumps(violation.schema["properties"][name]["examples"][0], ensure_ascii=False)
            what = f"{dotted((*path, name))} is missing"
            yield Problem(
                Code.MISSING_FIELD, places.key(*path), what, f"add it, for example {name}: {_unquoted(example)}"
            )


def _wrong_type(_: Kind, violation: Violation, places: Places) -> Iterator[Problem]:
    path, value = violation.path, violation.value
    wanted = violation.schema.get("title") or _TYPE_WORDS[violation.schema[violation.keyword]]
    what = f"{dotted(path)} is {described(value)} and must be {wanted}"
    if isinstance(value, bool | int | float) and _LABELS & set(path):
        hint = "put it in quotes"
    else:
        hint = _example(violation.schema)
    yield Problem(Code.WRONG_TYPE, _place(path, value, places), what, hint)


def _unknown_word(_: Kind, violation: Violation, places: Places) -> Iterator[Problem]:
    path, value = violation.path, violation.value
    allowed = [str(word) for word in violation.schema[violation.keyword]]
    code = Code.UNKNOWN_DRIVER if path == ("spec", "driver") else Code.UNKNOWN_WORD
    what = f"{dotted(path)} is {described(value)}, which is none of the allowed words"
    word = value if isinstance(value, str) else ""
    yield Problem(code, _place(path, value, places), what, one_of(_yes_or_no(value, allowed) or word, allowed))


def _yes_or_no(value: Value, allowed: list[str]) -> str:
    """The word that somebody meant who wrote `downtime: yes`, if there is one."""
    said = str(value).lower() if isinstance(value, str | bool) else ""
    meant = next((meant for words, meant in _YES_AND_NO if said in words), ())
    return next((word for word in meant if word in allowed), "")


def _wrong_constant(_: Kind, violation: Violation, places: Places) -> Iterator[Problem]:
    path, value = violation.path, violation.value
    what = f"{dotted(path)} is {described(value)}, which this version does not read"
    yield Problem(Code.UNKNOWN_API_VERSION, _place(path, value, places), what, f"write {API_VERSION}")


def _malformed(_: Kind, violation: Violation, places: Places) -> Iterator[Problem]:
    path, value = violation.path, violation.value
    wanted = violation.schema.get("title", "another value")
    if violation.about_key:
        what = f"{quoted(value)} in {dotted(path)} is not {wanted}"
        code, hint = _about_key(path)
        yield Problem(code, places.key(*path, value), what, hint)
        return
    if path in _NAME_PATHS:
        code = Code.BAD_NAME
    else:
        code = Code.BAD_LABEL if _LABELS & set(path) else Code.MALFORMED_VALUE
    yield Problem(code, places.value(*path), f"{dotted(path)} is {quoted(value)} and must be {wanted}",
                  _example(violation.schema))  # fmt: skip


def _out_of_range(_: Kind, violation: Violation, places: Places) -> Iterator[Problem]:
    path, limits = violation.path, violation.schema
    what = f"{dotted(path)} is {violation.value} and must be from {limits['minimum']} to {limits['maximum']}"
    yield Problem(Code.VALUE_OUT_OF_RANGE, places.value(*path), what, _example(limits))


def _too_many(_: Kind, violation: Violation, places: Places) -> Iterator[Problem]:
    path = violation.path
    what = f"{dotted(path)} has {len(violation.value)} entries, and {violation.schema[violation.keyword]} are allowed"
    labels, addresses = bool(_LABELS & set(path)), "migrationAddresses" in path
    code = _about_key(path)[0] if labels or addresses else Code.VALUE_OUT_OF_RANGE
    yield Problem(code, places.key(*path), what, "remove some")


def _about_key(path: Path) -> tuple[Code, str]:
    """The code and the hint for what is wrong with the keys of a mapping."""
    if _LABELS & set(path):
        return Code.BAD_LABEL, "write it like app or example.org/app"
    return Code.BAD_NAME, "write it like fast or rack-2"


def _something(kind: Kind, violation: Violation, places: Places) -> Iterator[Problem]:
    path = violation.path
    what = f"{dotted(path)} does not match the {kind} schema (keyword {violation.keyword})"
    yield Problem(Code.DOCUMENT_INVALID, places.value(*path), what, _example(violation.schema))


def _place(path: Path, value: Value, places: Places) -> Location:
    """A value that is not there has no place worth showing; its key has one."""
    return places.key(*path) if value is None else places.value(*path)


def _example(part: Schema) -> str:
    examples = part.get("examples", ())
    if not examples:
        return ""
    return "for example " + " or ".join(_unquoted(json.dumps(example, ensure_ascii=False)) for example in examples[:2])


def _unquoted(json_text: str) -> str:
    """JSON as people write it in YAML, for the plain values and small mappings that examples are."""
    return json_text.replace('"', "") if json_text not in ('""',) else json_text


_NAME_PATHS = (("metadata", "name"), ("spec", "host"))
_YES_AND_NO = ((("yes", "true", "on"), ("allowed", "on")), (("no", "false", "off"), ("forbidden", "off")))
"""What people write -> what it can stand for."""
_LABELS = frozenset({"labels", "matchLabels", "hostAffinity"})
"""Fields that hold labels."""

_EXPLAINERS: Mapping[str, Callable[[Kind, Violation, Places], Iterator[Problem]]] = {
    "additionalProperties": _unknown_fields,
    "const": _wrong_constant,
    "enum": _unknown_word,
    "maximum": _out_of_range,
    "maxItems": _too_many,
    "maxLength": _malformed,
    "maxProperties": _too_many,
    "minimum": _out_of_range,
    "minLength": _malformed,
    "pattern": _malformed,
    "required": _missing_fields,
    "type": _wrong_type,
}
