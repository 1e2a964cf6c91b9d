"""docs/reference/outputs.md is what the schemas say."""

from __future__ import annotations

from reconciler.render.reference import outputs_page
from tests.render.rewrite import PAGE, schemas


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == outputs_page(schemas()), "python -m tests.render.rewrite"


def test_every_field_of_every_output_is_on_the_page() -> None:
    page = outputs_page(schemas())
    fields = {
        name
        for schema in schemas().values()
        for part in schema.get("$defs", {}).values()
        for name in part.get("properties", {})
    }
    assert [] == [name for name in sorted(fields) if f"`{name}`" not in page]
