"""Where in its file every value of a document stands.

Built while YAML is read, asked only when something is wrong; until then it holds the parser's own marks and costs
nothing. Knows neither kinds nor schemas.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from reconciler.errors import Location

Path: TypeAlias = tuple[str | int, ...]
Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"


class Mark(Protocol):
    """A place as both of PyYAML's parsers give it; line and column are counted from 0."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


@dataclass(slots=True)
class MappingPlace:
    """Where a mapping begins, and for each key where it and its value stand."""

    mark: Mark
    entries: dict[str, tuple[Mark, Place]]


@dataclass(slots=True)
class SequencePlace:
    """Where a sequence begins, and its items."""

    mark: Mark
    items: list[Place]


Place: TypeAlias = Mark | MappingPlace | SequencePlace


def location(file: str, mark: Mark) -> Location:
    """The mark as people count: from 1."""
    return Location(file, mark.line + 1, mark.column + 1)


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one document. A path that is not there leads to the nearest one above it that is."""

    file: str
    root: Place

    def value(self, *path: str | int) -> Location:
        """Where the value at this path begins."""
        return location(self.file, _mark(self._walk(path)[1]))

    def key(self, *path: str | int) -> Location:
        """Where the key stands that leads to the value at this path; an item of a sequence has none, but its place."""
        key, place = self._walk(path)
        return location(self.file, key or _mark(place))

    def all(self) -> dict[Path, Location]:
        """Every node of the document with the place of its value."""
        return {path: location(self.file, _mark(place)) for path, place in _nodes((), self.root)}

    def _walk(self, path: Path) -> tuple[Mark | None, Place]:
        key: Mark | None = None
        place = self.root
        for part in path:
            if isinstance(place, MappingPlace) and part in place.entries:
                key, place = place.entries[str(part)]
            elif isinstance(place, SequencePlace) and isinstance(part, int) and part < len(place.items):
                key, place = None, place.items[part]
            else:
                break
        return key, place


def _mark(place: Place) -> Mark:
    return place.mark if isinstance(place, MappingPlace | SequencePlace) else place


def _nodes(path: Path, place: Place) -> Iterator[tuple[Path, Place]]:
    yield path, place
    if isinstance(place, MappingPlace):
        for key, (_, child) in place.entries.items():
            yield from _nodes((*path, key), child)
    elif isinstance(place, SequencePlace):
        for index, child in enumerate(place.items):
            yield from _nodes((*path, index), child)
