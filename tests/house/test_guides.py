"""The guides can be followed: what they tell people to paste is pasted here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "a-fleet-of-your-own.md"
GIT = {
    "GIT_AUTHOR_NAME": "Ada Example",
    "GIT_AUTHOR_EMAIL": "ada@example.invalid",
    "GIT_COMMITTER_NAME": "Ada Example",
    "GIT_COMMITTER_EMAIL": "ada@example.invalid",
}


@pytest.mark.slow
def test_a_fleet_of_your_own_comes_out_as_the_guide_says(tmp_path: Path) -> None:
    script = "set -e\n" + "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, **GIT, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert 0 == ran.returncode, ran.stdout + ran.stderr
    told = ran.stdout
    assert "All 2 declared guests as declared." in told
    assert "mail01: on vmhost-a, declared on vmhost-b\n    DowntimeForbidden:" in told
    assert "2 guests moved" in told
    assert "**Converged**: all 2 declared guests" in told
    assert told.endswith("Nothing was done; the fleet is as declared.\n")
