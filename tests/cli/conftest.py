"""The bench that tests of the command line run on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A fleet in which every guest is where it is declared to be."""
    return Bench(tmp_path).build()
