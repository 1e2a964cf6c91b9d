"""Real hosts and guests for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drivers.libvirt.site import Site
from tests.lab.conftest import lab, running_lab
from tests.lab.lab import Lab

__all__ = ["lab", "running_lab", "site"]


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Site:
    """Hosts h1, h2 and h3 without guests, and an empty repository."""
    return Site.on(tmp_path, lab)
