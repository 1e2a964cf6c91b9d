"""Repositories that several test files of git/ start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git.repositories import make_repository


@pytest.fixture(params=["bare", "work tree", "bare sha256"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An empty repository of each kind."""
    object_format = "sha256" if "sha256" in request.param else "sha1"
    return make_repository(tmp_path / "fleet", bare="bare" in request.param, object_format=object_format)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """An empty bare repository, where the kind makes no difference."""
    return make_repository(tmp_path / "bare")
