"""One lab for all tests of a test process: to start one takes seconds, to make it new again much less.

Called by fixtures, in this folder and wherever a test wants real hosts:

    @pytest.fixture(scope="session")
    def running_lab(tmp_path_factory):
        with shared_lab(tmp_path_factory) as lab:
            yield lab

A test that needs a lab of another kind starts its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.lab.lab import Lab


@dataclass
class _Use:
    """How many fixtures hold it; the last one ends it."""

    lab: Lab | None = None
    holders: int = 0


_use = _Use()


@contextlib.contextmanager
def shared_lab(places: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab of this process, started with the first call."""
    lab = _use.lab = _use.lab or Lab.start(places.mktemp("lab"))
    _use.holders += 1
    try:
        yield lab
    finally:
        _use.holders -= 1
        if not _use.holders:
            _use.lab = None
            lab.stop()
