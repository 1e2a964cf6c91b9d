"""The JSON Schemas of the documents, read once, and whether a document satisfies its own.

Called for every document (by the fast validator) and for every one that fails (by the explaining one). Holds the only
knowledge of where the schemas are; never says what is wrong with a document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from jsonschema_rs import Draft202012Validator as FastValidator

from reconciler.documents.places import Path as PlacePath
from reconciler.documents.places import Value

if TYPE_CHECKING:
    from jsonschema import ValidationError

API_VERSION = "reconciler/v1alpha1"

Schema: TypeAlias = Mapping[str, Any]


class Kind(StrEnum):
    """The kinds of documents; each has `schemas/<kind>.schema.json`."""

    FLEET = "Fleet"
    HOST = "Host"
    GUEST = "Guest"
    PLACEMENT_RULE = "PlacementRule"


@dataclass(frozen=True, slots=True)
class Violation:
    """A value that breaks one keyword of its schema. `schema` is the part that holds the keyword."""

    keyword: str
    path: PlacePath
    value: Any
    schema: Schema
    about_key: bool
    """Whether `value` is a key of the mapping at `path`, and not what stands there."""


def schema_folder() -> Path:
    """Where the schemas are: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "schemas"
    return installed if installed.is_dir() else package.parent / "schemas"


@cache
def schema(kind: Kind) -> Schema:
    """The schema of one kind. Shared: do not change it."""
    text = (schema_folder() / f"{kind.lower()}.schema.json").read_text(encoding="utf-8")
    loaded: Schema = json.loads(text)
    return loaded


def satisfies(kind: Kind, value: Value) -> bool:
    """Whether the document is valid. jsonschema-rs decides: 20,000 documents take a tenth of a second."""
    return _fast(kind).is_valid(value)


def violations(kind: Kind, value: Value) -> Iterator[Violation]:
    """Every violation, as jsonschema finds it. 50 times slower, so only asked about documents that fail."""
    for error in _explaining(kind).iter_errors(value):
        about_key = "propertyNames" in error.absolute_schema_path
        yield Violation(str(error.validator), tuple(error.absolute_path), error.instance, error.schema, about_key)


@cache
def _fast(kind: Kind) -> FastValidator:
    return FastValidator(dict(schema(kind)))


@cache
def _explaining(kind: Kind) -> Any:
    # imported here: most commits have nothing to explain, and the import takes longer than reading a small fleet
    from jsonschema import Draft202012Validator, ValidationError, validators

    def pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
        """As JSON Schema defines it. jsonschema's own takes Python's `$`, which also matches before a newline."""
        if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")

    extend: Any = validators.extend  # it has no types
    return extend(Draft202012Validator, {"pattern": pattern})(schema(kind))
