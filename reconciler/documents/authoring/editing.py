"""Change single values in the text of a document, and nothing else: every other byte of the file stays as it was.

Called for `propose`, with the content of a file at a commit. Values are replaced where the parser says they stand, so
that comments, order, quotes, indentation, line ends and the file's other documents are not so much as read again: a
round trip through a YAML library keeps comments, but makes indentation and spaces its own. What comes out is read back:
it must say what was wanted, and all else as before, or it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import yaml

from reconciler.core.quantities import MEMORY_PATTERN, PERCENT_PATTERN
from reconciler.documents.authoring.writing import scalar
from reconciler.documents.codes import Code
from reconciler.documents.names import quoted
from reconciler.documents.places import Value
from reconciler.documents.schemas import Kind
from reconciler.documents.yaml_text import PARSER, Event, read_yaml
from reconciler.errors import DesiredStateError, Location, Problem

BYTE_ORDER_MARK = "\ufeff"
MARKED = (yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent)


@dataclass(frozen=True)
class Edit:
    """What one document shall say: field of `spec`, in dots -> value, texts as documents spell them."""

    name: str
    location: Location
    values: Mapping[str, str | bool]
    kind: Kind = Kind.GUEST


def edited(content: bytes, edit: Edit) -> bytes:
    """The file's content with the values changed. Raises DesiredStateError where they cannot be changed like this."""
    before = read_yaml(edit.location.file, content)
    if before.problem is not None:
        raise DesiredStateError([before.problem])
    numbers = [number for number, entry in enumerate(before.documents) if _is_of(entry.value, edit)]
    if len(numbers) != 1:
        raise _refusal(
            edit, f"there are {len(numbers)} documents of {edit.kind.lower()} {quoted(edit.name)} in this file"
        )
    [number] = numbers
    text = content.decode("utf-8")
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    text = text.removeprefix(BYTE_ORDER_MARK)
    for field, value in edit.values.items():
        text = _changed(text, edit, field.split("."), value)
    after = (mark + text).encode("utf-8")
    wanted = [deepcopy(entry.value) for entry in before.documents]
    for field, value in edit.values.items():
        _set(wanted[number], ["spec", *field.split(".")], value)
    found = read_yaml(edit.location.file, after)
    if found.problem is not None or [entry.value for entry in found.documents] != wanted:
        raise _refusal(edit, "the document is written in a way that single values cannot be changed in")
    return after


def _is_of(value: Value, edit: Edit) -> bool:
    if not isinstance(value, dict) or value.get("kind") != edit.kind:
        return False
    metadata = value.get("metadata")
    return isinstance(metadata, dict) and metadata.get("name") == edit.name


def _set(value: Value, path: list[str], new: str | bool) -> None:
    for part in path[:-1]:
        if not isinstance(value, dict):
            return
        value = value.setdefault(part, {})
    if isinstance(value, dict):
        value[path[-1]] = new


def _changed(text: str, edit: Edit, path: list[str], value: str | bool) -> str:
    """The text with one value replaced, or written in where it was not there."""
    root = _document(text, edit)
    mapping = _child(root, "spec")
    for part in path[:-1]:
        below = _child(mapping, part)
        if below is None:
            return _added(text, edit, mapping, part, f"{{{path[-1]}: {_spelled(value)}}}")
        mapping = below
    node = _child(mapping, path[-1])
    if node is None:
        return _added(text, edit, mapping, path[-1], _spelled(value))
    if not isinstance(node, yaml.ScalarNode) or node.style in ("|", ">"):
        raise _refusal(edit, f"spec.{'.'.join(path)} is no value on one line")
    mark = node.style or ""
    start, end = node.start_mark.index, node.end_mark.index
    return f"{text[:start]}{f'{mark}{value}{mark}' if mark else _spelled(value)}{text[end:]}"


def _document(text: str, edit: Edit) -> yaml.Node:
    """The document as the parser sees it. One that shares values within itself is refused: what looks like one
    value there may be another's, too."""
    try:
        for root in yaml.compose_all(text, Loader=PARSER):  # type: ignore[arg-type]  # a loader, as its own type has it
            if isinstance(root, yaml.MappingNode) and _is_of(_plain(root), edit):
                shared = _shared(text, root)
                if shared:
                    hint = "write the values out; the change can be made then"
                    raise _refusal(edit, f"the document holds {shared}", hint)
                return root
    except yaml.YAMLError as error:
        what = f"the file is not all YAML: {getattr(error, 'problem', None) or 'no reason given'}"
        raise _refusal(edit, what) from error
    raise _refusal(edit, "the document cannot be found again")


def _plain(root: yaml.MappingNode) -> Value:
    """As much of the document as tells whose it is."""
    found: dict[str, Value] = {}
    kind, metadata = _child(root, "kind"), _child(root, "metadata")
    name = _child(metadata, "name")
    if isinstance(kind, yaml.ScalarNode) and isinstance(name, yaml.ScalarNode):
        found = {"kind": kind.value, "metadata": {"name": name.value}}
    return found


def _shared(text: str, root: yaml.Node) -> str:
    """The first anchor or merge key of the document, in words; empty where there is none."""
    parser = PARSER(text)
    while parser.check_event():
        event: Event = parser.get_event()
        if not isinstance(event, MARKED):
            continue
        place: Any = event.start_mark
        if not root.start_mark.index <= place.index < root.end_mark.index:
            continue
        if event.anchor is not None:
            return f"the anchor &{event.anchor}"
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
            return "the merge key <<"
    return ""


def _child(node: yaml.Node | None, key: str) -> Any:
    """The value of a key; None where there is no such key."""
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if isinstance(name, yaml.ScalarNode) and name.value == key), None)


def _added(text: str, edit: Edit, mapping: yaml.Node | None, key: str, value: str) -> str:
    """The text with a new entry behind the last one of the mapping that ends on a line of its own."""
    if not isinstance(mapping, yaml.MappingNode):
        raise _refusal(edit, f"there is no place for {key}")
    if mapping.flow_style:
        if not mapping.value:
            start = mapping.start_mark.index + 1
            return f"{text[:start]}{key}: {value}{text[start:]}"
        end = mapping.value[-1][1].end_mark.index
        return f"{text[:end]}, {key}: {value}{text[end:]}"
    for name, before in reversed(mapping.value):
        if not _ends_itself(before):
            continue
        end = before.end_mark.index
        line_end = next((at for at in range(end, len(text)) if text[at] in "\r\n"), len(text))
        rest = text[line_end : line_end + 2]
        new_line = "\r\n" if rest == "\r\n" or (not rest and "\r\n" in text) else "\n"
        indentation = " " * name.start_mark.column
        return f"{text[:line_end]}{new_line}{indentation}{key}: {value}{text[line_end:]}"
    raise _refusal(edit, f"there is no place for {key}")


def _spelled(value: str | bool) -> str:
    """A size or a share as it is; a name in quotes where some reader could take it for something else."""
    if isinstance(value, bool):
        return str(value).lower()
    quantity = re.fullmatch(MEMORY_PATTERN[1:-1], value) or re.fullmatch(PERCENT_PATTERN[1:-1], value)
    return value if quantity else scalar(value)


def _ends_itself(node: yaml.Node) -> bool:
    """Whether the parser knows where it ends: other values end where the next begins."""
    if isinstance(node, yaml.ScalarNode):
        return node.style not in ("|", ">") and node.end_mark.index > node.start_mark.index
    return bool(isinstance(node, yaml.CollectionNode) and node.flow_style)


def _refusal(
    edit: Edit, what: str, hint: str = "change the document by hand, as the proposal says"
) -> DesiredStateError:
    return DesiredStateError([Problem(Code.EDIT_REFUSED, edit.location, what, hint)])
