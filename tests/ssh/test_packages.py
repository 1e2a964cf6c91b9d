"""What happens when a program that tests need is not there: asked for on a desk, installed or failed on CI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.ssh import packages

FAKE_APT = """#!/bin/sh
echo "$@" >> {log}
cat {policy} >> {log}
case "$*" in *install*) printf '#!/bin/sh\\n' > {bin}/odd-program; chmod +x {bin}/odd-program;; esac
"""


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the program, whose apt-get only writes down what it is told."""
    for name in ("CI", "INSTALL"):
        monkeypatch.delenv(name, raising=False)
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "POLICY", policy)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    apt = tmp_path / "apt-get"
    apt.write_text(FAKE_APT.format(log=tmp_path / "log", policy=policy, bin=tmp_path), encoding="ascii")
    apt.chmod(0o755)
    return tmp_path


def test_a_desk_skips_and_says_how_to_run_the_test(desk: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="INSTALL=1 make test"):
        packages.require_packages("odd", program="odd-program")
    assert not (desk / "log").exists()


@pytest.mark.parametrize(("variable", "before"), [("CI", None), ("INSTALL", "#!/bin/sh\nexit 0\n")])
def test_ci_and_whoever_asks_get_it_installed_without_a_service_starting(
    desk: Path, monkeypatch: pytest.MonkeyPatch, variable: str, before: str | None
) -> None:
    monkeypatch.setenv(variable, {"CI": "true", "INSTALL": "1"}[variable])
    packages._install.cache_clear()
    if before is not None:
        packages.POLICY.write_text(before, encoding="ascii")
    packages.require_packages("odd", program="odd-program")
    told = (desk / "log").read_text(encoding="ascii")
    assert "install --yes --no-install-recommends odd" in told
    assert 2 == told.count(packages.NO_SERVICE_STARTS), "the policy holds while packages are installed"
    assert before == (packages.POLICY.read_text(encoding="ascii") if packages.POLICY.exists() else None)


def test_ci_never_skips(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no namespaces"):
        packages.missing("no namespaces")
