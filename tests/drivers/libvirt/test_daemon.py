"""The daemon on real hosts: from a commit that is pushed to the commit that reports."""

from __future__ import annotations

import pytest

from tests.daemon.running import daemon
from tests.drivers.libvirt.site import Site, assert_whole

pytestmark = pytest.mark.slow


def test_a_pushed_commit_moves_a_guest_and_is_answered_by_a_report(site: Site) -> None:
    web = site.lab.guest("web", "h1")
    web.await_ticks(2)
    boot = web.boot()
    site.commit(web="h1")
    with daemon(site.settings) as running:
        site.commit(web="h2")
        commit = site.git("rev-parse", "HEAD").strip()
        running.hears("step-ended")
        running.hears("published")
        running.stop()
    assert_whole(site, web, "h2")
    web.await_ticks(1)
    assert boot == web.boot()
    report = site.git("log", "-1", "--format=%B", "reconciler/status/lab")
    assert "lab: converged, 1 guest moved" in report
    assert f"Observed-Commit: {commit}" in report
