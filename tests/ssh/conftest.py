"""What the tests of ssh/ start from: real SSH servers, and a key that may sign in to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ssh.bench import Bench, bench_in, key_in
from tests.ssh.sshd import require_sshd


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_sshd()
    return key_in(tmp_path_factory.mktemp("key"))


@pytest.fixture
def bench(tmp_path: Path, key: Path) -> Iterator[Bench]:
    with bench_in(tmp_path, key) as made:
        yield made
