"""`python -m tests.render.rewrite`: write docs/reference/outputs.md anew from the schemas. Then read the diff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reconciler.render.reference import outputs_page

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "outputs.md"
SCHEMAS = ROOT / "schemas" / "output"


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> schema."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(SCHEMAS.glob("*.schema.json"))}


if __name__ == "__main__":
    PAGE.write_text(outputs_page(schemas()), encoding="utf-8")
