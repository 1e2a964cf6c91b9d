"""The lab as tests want it: shared by all of a process, and as good as new for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab
from tests.lab.shared import shared_lab


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shared_lab(tmp_path_factory) as lab:
        yield lab


@pytest.fixture
def lab(running_lab: Lab) -> Lab:
    """Its hosts up, whole and without guests."""
    running_lab.reset()
    return running_lab
