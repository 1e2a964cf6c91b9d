"""Debian packages that tests need: used where they are, installed on CI, asked for elsewhere.

Called by tests that start real programs. Never skips on CI: a test that cannot run there is a failure.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

INSTALL_TIMEOUT_S = 240
POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program before it starts a service that was just installed."""
NO_SERVICE_STARTS = "#!/bin/sh\nexit 101\n"


def on_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def may_install() -> bool:
    """Whether this machine is ours to change: it is on CI, or somebody said so."""
    return on_ci() or os.environ.get("INSTALL") == "1"


def require_packages(*packages: str, program: str) -> None:
    """Return when the program is there; install the packages if we may; else skip, and say how to run the test."""
    if found(program):
        return
    if may_install():
        _install(packages, program)
    else:
        missing(f"{program} is not installed ({', '.join(packages)})")


def missing(what: str) -> None:
    """Something that the test needs is not there: a failure on CI, a skipped test elsewhere."""
    if on_ci():
        pytest.fail(what, pytrace=False)
    pytest.skip(f"{what}: INSTALL=1 make test, as root")


def found(program: str) -> bool:
    return shutil.which(program) is not None


@functools.cache  # one try a process: what failed once fails again, and takes minutes
def _install(packages: tuple[str, ...], program: str) -> None:
    lock = Path(tempfile.gettempdir()) / f"reconciler-tests-{os.getuid()}-install.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # one test process installs, the others find it done
        if found(program):
            return
        with _no_service_starts():
            apt("update")
            apt("install", "--yes", "--no-install-recommends", *packages)
    if not found(program):
        pytest.fail(f"{', '.join(packages)} installed, but there is no {program}", pytrace=False)


def apt(*arguments: str, folder: Path | None = None) -> None:
    """Run apt-get, in a folder when it shall leave something there; fail the test when it does."""
    command = ["apt-get", "--quiet", "--quiet", "-o", "DPkg::Lock::Timeout=120", *arguments]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=quiet, capture_output=True, text=True, check=False, timeout=INSTALL_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.fail(f"{' '.join(command)}: {error}", pytrace=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}", pytrace=False)


@contextlib.contextmanager
def _no_service_starts() -> Iterator[None]:
    before = POLICY.read_bytes() if POLICY.exists() else None
    mode = POLICY.stat().st_mode if before is not None else 0o755
    try:
        POLICY.write_text(NO_SERVICE_STARTS, encoding="ascii")
        POLICY.chmod(0o755)
        yield
    except PermissionError as error:
        pytest.fail(f"only root can install packages: {error}", pytrace=False)
    finally:
        if before is None:
            with contextlib.suppress(OSError):
                POLICY.unlink()
        else:
            POLICY.write_bytes(before)
            POLICY.chmod(mode)
