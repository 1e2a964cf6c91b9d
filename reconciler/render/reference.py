"""docs/reference/outputs.md, made of the schemas of the outputs.

Called by `python -m tests.render.rewrite` in a checkout, and by the test that says when the page is stale. Adds no
knowledge: what a field means stands in its schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

HEAD = """\
# Outputs

Made from `schemas/output/*.schema.json` by `python -m tests.render.rewrite`; edit the schemas, not this page.

Every command that prints `-o json`, and every JSON file of the status branch, is one of these documents. Each begins
with `apiVersion` and `kind`; a field that is listed is always there, and there are no others. Durations are in seconds
(`_s`), memory in MiB (`_mib`), moments are UTC such as `2026-11-23T20:15:04Z`. Keys are sorted and all text is ASCII,
so the same content is the same bytes, and nothing in it can steer a terminal."""


def outputs_page(schemas: Mapping[str, Schema]) -> str:
    """The page. `schemas` is file name -> schema."""
    lines = [HEAD, ""]
    parts: dict[str, Schema] = {}
    for file, schema in sorted(schemas.items(), key=lambda item: item[1]["title"]):
        parts |= schema.get("$defs", {})
        lines += [f"## {schema['title']}", "", schema["description"], "", f"Schema: `schemas/output/{file}`", ""]
        if "properties" in schema:
            lines += [*_table(schema), ""]
        else:
            names = [_part_name(entry["$ref"]) for entry in schema["oneOf"]]
            lines += [f"One of: {', '.join(_link(name) for name in names)}", ""]
    lines += ["## Parts", "", "What the documents above are made of.", ""]
    for name, part in sorted(parts.items()):
        lines += [f"### {name}", "", part["description"], "", *_table(part), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(schema: Schema) -> list[str]:
    rows = [
        f"| `{path}` | {_type(part)} | {part['description'].replace('|', chr(92) + '|')} |"
        for path, part in _fields(schema, "")
    ]
    return ["| field | type | meaning |", "| --- | --- | --- |", *rows]


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every field, those of objects that have no name of their own included."""
    for name, part in schema["properties"].items():
        yield f"{path}{name}", part
        inner = part.get("items", part)
        if "properties" in inner:
            dots = "[]." if "items" in part else "."
            yield from _fields(inner, f"{path}{name}{dots}")


def _type(part: Schema) -> str:
    if "$ref" in part:
        return _link(_part_name(part["$ref"]))
    if "const" in part:
        return f"`{str(part['const']).lower() if isinstance(part['const'], bool) else part['const']}`"
    if "enum" in part:
        return ", ".join("null" if word is None else f"`{word}`" for word in part["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in part:
            return " or ".join(_type(entry) for entry in part[choice])
    kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
    if kinds == ["array"]:
        return f"list of {_type(part['items'])}"
    return " or ".join(kinds)


def _part_name(reference: str) -> str:
    return reference.removeprefix("#/$defs/")


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"
