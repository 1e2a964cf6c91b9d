"""`reconciler import` on real libvirt hosts: what it writes is what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drivers.libvirt.site import Site

pytestmark = pytest.mark.slow


def arranged(site: Site) -> None:
    """Guests of every kind that an operator may have."""
    lab = site.lab
    lab.guest("web", "h1", autostart=True)
    lab.guest("db", "h1", disk="local")
    lab.guest("batch", "h2", running=False)
    lab.guest("spare", "h3", disk="local", running=False, autostart=True)
    brief = lab.guest("brief", "h2")
    lab["h2"].virsh("undefine", brief.uuid)  # it runs on, and its host forgets it when it stops
    odd = lab.guest("odd", "h3", disk="none", running=False)
    lab["h3"].virsh("domrename", odd.uuid, "odd one (old)")


def spec(folder: Path, path: str) -> str:
    return (folder / path).read_text(encoding="utf-8").partition("spec:\n")[2]


def test_what_was_imported_needs_no_plan(site: Site) -> None:
    arranged(site)
    lab, into = site.lab, site.folder / "repo"
    hosts = [f"{name}={lab.addresses[name]}:{lab.ports[name]}" for name in lab.machines]
    ran = site.call("import", *hosts, "--driver", "libvirt", "--fleet", "new", "--into", into)
    assert 6 == ran.code, f"{ran.out}\n{ran.err}"
    assert "documents cannot hold this name: odd one (old)" in " ".join(ran.out.split())
    assert ["batch", "brief", "db", "spare", "web"] == sorted(path.stem for path in (into / "guests").iterdir())
    assert f"  port: {lab.ports['h1']}\n" in spec(into, "hosts/h1.yaml")
    assert "  # migrationAddress: h1\n" in spec(into, "hosts/h1.yaml")
    assert "  host: h1\n" in spec(into, "guests/web.yaml")
    assert "  autostart: on" in spec(into, "guests/web.yaml")
    assert "  power: stopped" in spec(into, "guests/spare.yaml")
    for host in lab.machines:
        file = into / "hosts" / f"{host}.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("# migrationAddress", "migrationAddress"))
    site.git("add", "--all")
    site.git("commit", "--quiet", "--message=Describe the fleet as it is")
    for command in ("diff", "plan"):
        ran = site.call(command)
        assert 0 == ran.code, f"{ran.out}\n{ran.err}"
    assert [] == [line for host in lab.machines for line in site.book(host)]
