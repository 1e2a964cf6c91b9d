"""Whether a plain value satisfies one of the published schemas.

Called by loop/ for the settings file. Never says more than where and what; knows no line numbers.
"""

from __future__ import annotations

import json

from reconciler.documents.schemas import schema_folder


def schema_problems(name: str, value: object) -> tuple[str, ...]:
    """Every violation of `schemas/<name>`, as `place: what`, in order; empty where the value is valid."""
    from jsonschema import Draft202012Validator  # slow to import, and most commands never need it

    validator = Draft202012Validator(json.loads((schema_folder() / name).read_text(encoding="utf-8")))
    found = sorted(validator.iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path])
    return tuple(f"{'.'.join(str(part) for part in error.absolute_path) or 'top'}: {error.message}" for error in found)
