"""The bench of tests/cli for the daemon's tests: a repository, three simulated hosts, settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A small fleet in which nothing differs."""
    return Bench(tmp_path).build()
