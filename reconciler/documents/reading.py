"""One file to its documents, each judged by itself: whose it is, and what is wrong with it.

Called for every file by loading, which keeps the result of a file that did not change. Knows no other file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.core.names import is_name
from reconciler.documents.codes import Code
from reconciler.documents.declare import value_problems
from reconciler.documents.explain import described, explain, one_of
from reconciler.documents.limits import READ_LIMITS, ReadLimits
from reconciler.documents.places import Places, Value
from reconciler.documents.schemas import Kind, satisfies
from reconciler.documents.yaml_text import YamlDocument, read_yaml
from reconciler.errors import Location, Problem

_HIDING = frozenset([Code.DUPLICATE_KEY, Code.ALIAS_REFUSED, Code.NUMBER_OUT_OF_RANGE])
"""What leaves open which value is meant. Where it concerns the kind or the name, the document is nobody's."""
_UNSURE = _HIDING | {Code.MERGE_KEY_REFUSED}
_METADATA = frozenset(["name", "labels"])
_IDENTITY = frozenset([(), ("kind",), ("metadata",), ("metadata", "name")])


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `kind` and `name` are None where they cannot be read for sure; `value` is what core's values are
    made of, and holds what its schema promises only where there are no problems."""

    value: dict[str, Any]
    places: Places
    kind: Kind | None = None
    name: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def location(self) -> Location:
        """Where it begins."""
        return self.places.value()

    @property
    def labels(self) -> dict[str, str] | None:
        """Its labels; None where they cannot be read for sure, whatever else is wrong."""
        metadata = self.value.get("metadata")
        if not isinstance(metadata, dict) or metadata.keys() - _METADATA:
            return None
        labels = metadata.get("labels", {})
        readable = isinstance(labels, dict) and all(isinstance(text, str) for pair in labels.items() for text in pair)
        unsure = any(problem.code in _UNSURE for problem in self.problems)
        return labels if readable and not unsure else None


@dataclass(frozen=True, slots=True)
class File:
    """The documents of one file, and the problem that kept the rest of it from being read."""

    documents: tuple[Document, ...]
    problem: Problem | None = None


def read_file(path: str, content: bytes, limits: ReadLimits = READ_LIMITS) -> File:
    """Everything one file declares and everything that is wrong with it by itself. Never raises for its content."""
    text = read_yaml(path, content, limits)
    return File(tuple(_judged(document, limits) for document in text.documents), text.problem)


def _judged(document: YamlDocument, limits: ReadLimits) -> Document:
    value, places = document.value, document.places
    if not isinstance(value, dict):
        what = f"a document is a mapping with apiVersion, kind, metadata and spec; this one is {described(value)}"
        refused = [refusal.problem for refusal in document.refusals]
        return Document({}, places, problems=(*refused, Problem(Code.NOT_A_DOCUMENT, places.value(), what)))
    hidden = any(refusal.path in _IDENTITY and refusal.problem.code in _HIDING for refusal in document.refusals)
    kind, name = (None, None) if hidden else (_kind(value), _name(value))
    if document.refusals:
        # explained no further: the values that were not read would be called missing
        return Document(value, places, kind, name, tuple(refusal.problem for refusal in document.refusals))
    if kind is None:
        return Document(value, places, None, name, tuple(_kind_problems(value, places)))
    if not satisfies(kind, value):
        return Document(value, places, kind, name, tuple(explain(kind, value, places, limits.problems_per_document)))
    return Document(value, places, kind, name, tuple(value_problems(value, places)))


def _kind(value: dict[str, Value]) -> Kind | None:
    kind = value.get("kind")
    return Kind(kind) if isinstance(kind, str) and kind in _KINDS else None


def _name(value: dict[str, Value]) -> str | None:
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) and is_name(name) else None


def _kind_problems(value: dict[str, Value], places: Places) -> Iterator[Problem]:
    kind = value.get("kind")
    hint = one_of(kind if isinstance(kind, str) else "", _KINDS)
    if kind is None:
        yield Problem(Code.UNKNOWN_KIND, places.key("kind"), "the document does not say its kind", hint)
    else:
        yield Problem(
            Code.UNKNOWN_KIND, places.value("kind"), f"kind is {described(kind)}, and there is none such", hint
        )


_KINDS = frozenset(map(str, Kind))
