"""YAML text to plain values and their places, one document after the other.

Called for each file by reading. Reads only what plain data needs: no aliases, tags, merge keys or repeated keys. Every
bound is checked while the parser's events arrive, so a hostile text costs no more than its limit. Never knows what a
document is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from reconciler.documents.codes import Code
from reconciler.documents.limits import READ_LIMITS, ReadLimits
from reconciler.documents.names import quoted
from reconciler.documents.places import MappingPlace, Mark, Path, Place, Places, SequencePlace, Value, location
from reconciler.errors import Location, Problem

Event: TypeAlias = Any
"""An event of the parser. PyYAML's stubs say that an event may have no place; all that a parser makes have one."""

# The pure parser reads the same and takes 9 times as long; it serves where PyYAML was built without libyaml.
PARSER: Callable[[str], Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_SUSPECT = frozenset(["", *"~nNtTfF+-.0123456789"])
_SUSPECT_HERE = _SUSPECT | {"<"}  # the merge key
"""How text begins that may mean something else. All other text is decided by this one look."""

_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_TAB_INDENTATION = re.compile(r"^ *(\t)[ \t]*[^\s]", re.MULTILINE)
_WRITE_OUT = "write the value out; for what many guests share there is spec.defaults in the Fleet document"
_INDICATORS = frozenset("@`%&*!|>,[]{}#?:-")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something in a document that we do not read, and where in the document it is."""

    path: Path
    problem: Problem


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document's plain value. With refusals the value is incomplete and good for telling whose document it is."""

    value: Value
    places: Places
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class YamlText:
    """The documents of a text up to its end or to the problem that ends it. Empty documents are left out."""

    documents: tuple[YamlDocument, ...]
    problem: Problem | None = None


def read_yaml(file: str, content: bytes, limits: ReadLimits = READ_LIMITS) -> YamlText:
    """All documents of a file's content. Never raises for what the content is."""
    if len(content) > limits.file_bytes:
        what = f"the file has {len(content)} bytes, and {limits.file_bytes} are read at most"
        return YamlText(
            (), Problem(Code.DOCUMENT_TOO_LARGE, Location(file), what, "split it: any number of files is read")
        )
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line, column = _line_and_column(content[: error.start].decode("utf-8", "replace"))
        what = f"byte 0x{content[error.start]:02x} is not UTF-8 text"
        return YamlText((), Problem(Code.NOT_UTF_8, Location(file, line, column), what, "save the file as UTF-8"))
    if problem := _unwanted_character(file, text):
        return YamlText((), problem)
    return _Reader(file, text, limits).read()


def _unwanted_character(file: str, text: str) -> Problem | None:
    """What the parser would refuse too, though without saying where, and tabs where indentation decides."""
    if (found := _NOT_YAML.search(text)) and (sign := found.group()):
        place = Location(file, *_line_and_column(text[: found.start()]))
        what = f"the character {ascii(sign)[1:-1]} does not belong into a text file"
        return Problem(Code.CONTROL_CHARACTER, place, what, "remove it")
    if "\t" in text and (found := _TAB_INDENTATION.search(text)):
        place = Location(file, *_line_and_column(text[: found.start(1)]))
        return Problem(Code.TAB_INDENTATION, place, "the line is indented with a tab", "indent with spaces only")
    return None


def _line_and_column(before: str) -> tuple[int, int]:
    lines = _LINE_BREAK.split(before)
    return len(lines), len(lines[-1]) + 1


class _Stop(Exception):
    """The rest of the text is not read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


@dataclass(slots=True)
class _Reader:
    """Walks the parser's events once. A refusal is noted and read over, a limit or a syntax error ends the text."""

    file: str
    text: str
    limits: ReadLimits
    _next: Callable[[], Event] = field(init=False)
    _nodes: int = 0
    _refusals: list[Refusal] = field(default_factory=list)

    def read(self) -> YamlText:
        documents: list[YamlDocument] = []
        try:
            self._next = PARSER(self.text).get_event
            self._read_all(documents)
        except _Stop as stop:
            return YamlText(tuple(documents), stop.problem)
        except yaml.YAMLError as error:
            return YamlText(tuple(documents), self._syntax_problem(error))
        except (ValueError, OverflowError):
            # the pure parser's own: "\UFFFFFFFF" names no character
            what = "an escape sequence in this file names no character"
            return YamlText(tuple(documents), Problem(Code.YAML_SYNTAX, Location(self.file), what))
        return YamlText(tuple(documents))

    def _read_all(self, documents: list[YamlDocument]) -> None:
        started = 0
        while (kind := type(event := self._next())) is not StreamEndEvent:
            if kind is not DocumentStartEvent:
                continue
            started += 1
            if started > self.limits.documents_per_file:
                what = f"the file has more than {self.limits.documents_per_file} documents"
                self._stop(Code.TOO_MANY_DOCUMENTS, event.start_mark, what, "split it: any number of files is read")
            self._nodes, self._refusals = 1, []
            value, place = self._node(self._next(), (), 0)
            if value is not None or self._refusals:
                documents.append(YamlDocument(value, Places(self.file, place), tuple(self._refusals)))

    def _node(self, event: Event, path: Path, depth: int) -> tuple[Value, Place]:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event, path), event.start_mark
        if kind is AliasEvent:
            what = f"the alias *{event.anchor} is not read"
            self._refuse(Code.ALIAS_REFUSED, path, event.start_mark, what, _WRITE_OUT)
            return None, event.start_mark
        if depth >= self.limits.depth:
            what = f"lists and mappings are more than {self.limits.depth} deep inside each other"
            self._stop(Code.DOCUMENT_TOO_COMPLEX, event.start_mark, what)
        if event.anchor is not None or event.tag is not None:
            self._refuse_marks(event, path)
        if kind is MappingStartEvent:
            return self._mapping(event.start_mark, path, depth + 1)
        return self._sequence(event.start_mark, path, depth + 1)

    def _mapping(self, start: Mark, path: Path, depth: int) -> tuple[Value, Place]:
        values: dict[str, Value] = {}
        entries: dict[str, tuple[Mark, Place]] = {}
        while type(key_event := self._next()) is not MappingEndEvent:
            self._count(2, key_event)
            key = key_event.value if _is_word(key_event) else self._key(key_event, path, depth)
            value_event = self._next()
            if _is_word(value_event):  # most of all there is: a call less for each is a fifth less for the whole
                value, place = value_event.value, value_event.start_mark
            else:
                value, place = self._node(value_event, (*path, key), depth)
            if key not in values:
                values[key] = value
                entries[key] = (key_event.start_mark, place)
            else:
                first = entries[key][0]
                what = f"{quoted(key)} is there twice, first in line {first.line + 1}"
                fix = "keep one of the two"
                if not path and key in ("apiVersion", "kind"):
                    fix += f", or is a line --- missing before line {key_event.start_mark.line + 1}?"
                self._refuse(Code.DUPLICATE_KEY, (*path, key), key_event.start_mark, what, fix)
        return values, MappingPlace(start, entries)

    def _sequence(self, start: Mark, path: Path, depth: int) -> tuple[Value, Place]:
        values: list[Value] = []
        items: list[Place] = []
        while type(event := self._next()) is not SequenceEndEvent:
            self._count(1, event)
            value, place = self._node(event, (*path, len(values)), depth)
            values.append(value)
            items.append(place)
        return values, SequencePlace(start, items)

    def _scalar(self, event: Event, path: Path) -> Value:
        text: str = event.value
        if event.anchor is not None or event.tag is not None:
            self._refuse_marks(event, path)
        if not event.implicit[0]:
            return text
        try:
            return resolve(text, self.limits.digits)
        except NumberOutOfRange:
            what = f"the number {quoted(text)} is larger or longer than any that is read here"
            self._refuse(Code.NUMBER_OUT_OF_RANGE, path, event.start_mark, what, "put it in quotes if it is text")
            return None

    def _key(self, event: Event, path: Path, depth: int) -> str:
        """The key as text; one that is not read gets a name that no field can have."""
        kind = type(event)
        if kind is ScalarEvent:
            value = self._scalar(event, path)
            if value == "<<" and event.implicit[0]:
                what = "the merge key << is not read"
                self._refuse(Code.MERGE_KEY_REFUSED, (*path, value), event.start_mark, what, _WRITE_OUT)
            if isinstance(value, str):
                return value
            what, unread = f"the key {quoted(event.value)} is not text", f"<{event.value}>"
        else:
            self._node(event, (*path, "?"), depth)
            what, unread = "the key is not text", "<?>"
        self._refuse(Code.KEY_NOT_TEXT, (*path, unread), event.start_mark, what, "put the key in quotes")
        return unread

    def _refuse_marks(self, event: Event, path: Path) -> None:
        if event.anchor is not None:
            what = f"the anchor &{event.anchor} is not read"
            self._refuse(Code.ALIAS_REFUSED, path, event.start_mark, what, "remove it; values are written out here")
        if event.tag is not None:
            what = f"the tag {quoted(event.tag)} is not read"
            self._refuse(Code.TAG_REFUSED, path, event.start_mark, what, "remove it")

    def _count(self, nodes: int, event: Event) -> None:
        self._nodes += nodes
        if self._nodes > self.limits.nodes_per_document:
            what = f"the document has more than {self.limits.nodes_per_document} keys and values"
            self._stop(Code.DOCUMENT_TOO_COMPLEX, event.start_mark, what, "write one document a guest or host")

    def _refuse(self, code: Code, path: Path, mark: Mark, what: str, hint: str = "") -> None:
        if len(self._refusals) < self.limits.problems_per_document:
            self._refusals.append(Refusal(path, Problem(code, location(self.file, mark), what, hint)))

    def _stop(self, code: Code, mark: Mark, what: str, hint: str = "") -> None:
        raise _Stop(Problem(code, location(self.file, mark), what, hint))

    def _syntax_problem(self, error: yaml.YAMLError) -> Problem:
        mark: Mark | None = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "no reason given"
        context = getattr(error, "context", None)
        what = " ".join(f"this is not YAML: {reason}{f' {context}' if context else ''}".split())
        what = "".join(sign if sign.isprintable() else "?" for sign in what)[:200]
        if mark is None:
            return Problem(Code.YAML_SYNTAX, Location(self.file), what)
        lines = _LINE_BREAK.split(self.text)
        if mark.line >= len(lines):
            # libyaml counts a line that is not there where the last one has no end
            place, sign = Location(self.file, len(lines), len(lines[-1]) + 1), ""
        else:
            place, sign = location(self.file, mark), lines[mark.line][mark.column : mark.column + 1]
        return Problem(Code.YAML_SYNTAX, place, what, self._syntax_hint(sign))

    @staticmethod
    def _syntax_hint(sign: str) -> str:
        """What helps most often, by the sign at which reading stopped."""
        if sign == "\t":
            return "use spaces instead of tabs"
        if sign in _INDICATORS:
            return f"put text that begins with {sign} or contains ': ' in quotes; look at the indentation above it, too"
        return "look at the indentation, quotes and brackets just above"


def _is_word(event: Event) -> bool:
    """Whether it is a plain piece of text that means itself."""
    return (
        type(event) is ScalarEvent
        and event.implicit[0]
        and event.value[:1] not in _SUSPECT_HERE
        and event.anchor is None
        and event.tag is None
    )


class NumberOutOfRange(ValueError):
    """A number with more digits than we keep exactly, or none at all such as `.inf`."""


def resolve(text: str, digits_max: int) -> bool | int | float | str | None:
    """What an unquoted word means by YAML 1.2's core schema: `no` is text, `012` is twelve, dates are text. Raises
    NumberOutOfRange before an endless number costs anything."""
    if text[:1] not in _SUSPECT:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(_bounded(text, digits_max))
    if _BASED.fullmatch(text):
        return int(_bounded(text, digits_max), 0)
    if _FLOAT.fullmatch(text):
        # 1e999 is short and infinite; what is left of it cannot be told from what was written
        if abs(number := float(_bounded(text, 2 * digits_max))) > 10**digits_max:
            raise NumberOutOfRange(text)
        return number
    if _NOT_FINITE.fullmatch(text):
        raise NumberOutOfRange(text)
    return text


def _bounded(text: str, characters_max: int) -> str:
    if len(text) > characters_max:
        raise NumberOutOfRange(text)
    return text
