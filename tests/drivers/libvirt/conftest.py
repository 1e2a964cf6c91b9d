"""Real hosts and guests for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.libvirt.site import Site
from tests.lab.lab import Lab
from tests.lab.shared import shared_lab


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shared_lab(tmp_path_factory) as lab:
        yield lab


@pytest.fixture
def site(running_lab: Lab, tmp_path: Path) -> Site:
    """Hosts h1, h2 and h3 without guests, and an empty repository."""
    running_lab.reset()
    return Site.on(tmp_path, running_lab)
