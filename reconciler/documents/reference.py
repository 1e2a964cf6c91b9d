"""The reference page and the editors' schema, both made of the schemas of the kinds.

Called by `python -m reconciler.documents.reference` in a checkout, and by the test that says when one of
the two is stale. Adds no knowledge: what a field means stands in its schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.documents.authoring.writing import scalar
from reconciler.documents.schemas import Kind, Schema, schema, schema_folder

LINE_CHARACTERS_MAX = 100

_HEAD = """\
# Documents

Made from `schemas/*.schema.json` by `python -m reconciler.documents.reference`; edit the schemas, not this page.

Desired state is YAML: any number of documents a file, any number of files and folders. Files end in `.yaml` or `.yml`;
hidden ones are left out. Text is UTF-8, and unquoted words mean what YAML 1.2 says: `no` is text, `012` is twelve,
dates are text. Aliases, anchors, tags, merge keys, repeated keys and unknown fields are refused.
[Problems](problems.md) lists everything that can be wrong, with its remedy.

For completion and checks in an editor with the YAML language server, begin a file with this line (mind the path):

```yaml
# yaml-language-server: $schema=../schemas/document.schema.json
```
"""


def reference_page() -> str:
    """docs/reference/documents.md as it has to be."""
    return "\n".join([_HEAD, *(line for kind in Kind for line in _kind_lines(kind))])


def editor_schema() -> str:
    """schemas/document.schema.json as it has to be: any one of the kinds, in one file without references to others."""
    kinds = {kind: {key: value for key, value in schema(kind).items() if key != "$schema"} for kind in sorted(Kind)}
    return as_json(
        {
            "$schema": schema(Kind.FLEET)["$schema"],
            "title": "A document of a fleet",
            "description": "Any one of the kinds, for editors. Made from the other schemas: edit those.",
            "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds],
            "$defs": kinds,
        }
    )


def as_json(value: Any) -> str:
    """JSON as our schemas are written: what is short stands on one line."""
    return _json(value, "") + "\n"


def _json(value: Any, indent: str) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list) or len(indent) + len(flat) <= LINE_CHARACTERS_MAX:
        return flat
    deeper = indent + "  "
    if isinstance(value, list):
        lines = [deeper + _json(item, deeper) for item in value]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    lines = [f"{deeper}{json.dumps(key, ensure_ascii=False)}: {_json(child, deeper)}" for key, child in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def _kind_lines(kind: Kind) -> Iterator[str]:
    yield from (
        f"## {kind}",
        "",
        schema(kind)["description"],
        "",
        "```yaml",
        *_yaml(schema(kind)["examples"][0], ""),
        "```",
        "",
    )
    yield from ("| field | what may stand there | default | meaning |", "| --- | --- | --- | --- |")
    for path, part, required in _fields(schema(kind), ()):
        cells = (f"`{'.'.join(path)}`", _allowed(part), "required" if required else _default(part), _meaning(part))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _fields(part: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema, bool]]:
    for name, child in part.get("properties", {}).items():
        yield (*path, name), child, name in part.get("required", ())
        yield from _fields(child, (*path, name))
        if "properties" in child.get("items", {}):
            yield from _fields(child["items"], (*path, f"{name}[]"))


def _allowed(part: Schema) -> str:
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return ", ".join(f"`{word}`" for word in part["enum"])
    if part["type"] == "integer":
        return f"a whole number from {part['minimum']} to {part['maximum']}"
    if part["type"] == "object":
        return "the fields below" if "properties" in part else "keys and values, both text"
    return str(part["title"])


def _default(part: Schema) -> str:
    return f"`{_spelt(part['default'])}`" if "default" in part else ""


def _meaning(part: Schema) -> str:
    if "const" in part or "enum" in part or part["type"] == "object":
        return str(part["description"])
    examples = " or ".join(f"`{_spelt(example)}`" for example in part["examples"])
    return f"{part['description']} For example {examples}."


def _spelt(value: Any) -> str:
    """A value as it stands in YAML, all of it on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_entry(child)}' for key, child in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_entry, value))}]"
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _entry(value: Any) -> str:
    return scalar(value) if isinstance(value, str) else _spelt(value)


def _yaml(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    """An example document, as people write it; our examples hold mappings, words, numbers and flat lists."""
    for key, child in value.items():
        if isinstance(child, Mapping):
            yield f"{indent}{key}:"
            yield from _yaml(child, indent + "  ")
        else:
            yield f"{indent}{key}: {child}"


def write(checkout: Path) -> None:
    """Makes both files anew."""
    (checkout / "docs" / "reference" / "documents.md").write_text(reference_page(), encoding="utf-8")
    (checkout / "schemas" / "document.schema.json").write_text(editor_schema(), encoding="utf-8")


if __name__ == "__main__":
    write(schema_folder().parent)
