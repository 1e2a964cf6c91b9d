"""Real libvirt hosts, for the tests that want to see what observe.sh says of them."""

from __future__ import annotations

import pytest

from tests.lab.lab import Lab


@pytest.fixture
def lab(running_lab: Lab) -> Lab:
    """Its hosts up, whole and without guests."""
    running_lab.reset()
    return running_lab
