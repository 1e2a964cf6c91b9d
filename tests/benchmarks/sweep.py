"""How much it costs to look at many hosts: `python -m tests.benchmarks.sweep [--hosts 50] [--rounds 5] [--json FILE]`.

Starts that many real SSH servers on loopback with the platform's stand-in commands. Every client runs the very same
program on every host, observe.sh; ours parses the answers besides. Cold: no connection is open yet. CPU is the
client's, user and system, its child processes included. Needs root and openssh-server; clush and ansible are measured
where they are installed (INSTALL=1 installs them).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from reconciler.core.desired import Host
from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts
from reconciler.drivers.hpvm.driver import HpvmDriver, observer
from reconciler.drivers.hpvm.settings import HpvmSettings
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from reconciler.errors import Location
from reconciler.loop.shell import CONNECTIONS_MAX
from reconciler.ssh.access import Access
from reconciler.ssh.connections import Connections
from tests.drivers.hosts.fleet import SshdFleet

GUESTS = 2
TOKEN = "@0123456789abcdef01234567"
FOLDERS = ("/var/opt/reconciler", "/var/opt/hpvm")
OPTIONS = "ControlMaster auto\n    ControlPersist 120\n    ControlPath {control}/%C\n"


@dataclass(frozen=True)
class Cost:
    """One sweep: seconds of the client's CPU, and of the wall's clock."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Figure:
    """Medians of one client in one state of its connections."""

    client: str
    state: str
    cpu_s: float
    wall_s: float
    rounds: int


def main() -> None:
    """Measure all clients, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    parser.add_argument("--client", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client is not None:
        _ours(json.loads(options.client.read_text()), options.rounds)
        return
    with tempfile.TemporaryDirectory(prefix="sweep-") as name, _fleet(Path(name), options.hosts) as fleet:
        figures = list(_measured(Path(name), fleet, options.rounds))
    print(table(figures, options.hosts))
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")


# ----------------------------------------------------------------------------------------------------------- the hosts


@contextmanager
def _fleet(folder: Path, hosts: int) -> Iterator[SshdFleet]:
    world = World.of((SimHost(f"h{n:03}", networks=("prod",)) for n in range(hosts)), rules=refusal)
    attributes = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}
    for number, host in enumerate(sorted(world.fleet.hosts)):
        for guest in range(GUESTS):
            uuid = f"00000000-0000-4000-8000-{number:06}{guest:06}"
            disk = Disk(f"600143801259b8ae00009{number:05}{guest:06}", StorageKind.SAN, 10240)
            world.fleet.hosts[host].presented += (disk.id,)
            there = SimGuest(uuid, f"g{number:03}-{guest}", networks=("prod",), attributes=attributes)
            world.place(there, host, (disk,), RunState.RUNNING)
    (folder / "hosts").mkdir()
    with SshdFleet.start(folder / "hosts", world) as fleet:
        yield fleet


# --------------------------------------------------------------------------------------------------------- the clients


def _measured(folder: Path, fleet: SshdFleet, rounds: int) -> Iterator[Figure]:
    names = sorted(fleet.machines)
    described = {
        "known_hosts": str(fleet.known_hosts_file),
        "key": str(fleet.key_file),
        "hosts": {name: [fleet.address(name), fleet.port(name)] for name in names},
    }
    (folder / "fleet.json").write_text(json.dumps(described))
    command = [sys.executable, "-m", "tests.benchmarks.sweep", "--rounds", str(rounds), "--client"]
    said = subprocess.run([*command, str(folder / "fleet.json")], check=True, capture_output=True, text=True)
    for state, costs in json.loads(said.stdout).items():
        yield _figure("reconciler", state, [Cost(*cost) for cost in costs])
    config, control = _ssh_config(folder, fleet)
    remote = shlex.join(("sh", "-c", observer(), "reconciler", TOKEN, *FOLDERS))
    for client, sweep in _others(folder, config, names, remote).items():
        cold = []
        for _ in range(rounds):
            _hang_up(config, names, control)
            cold.append(_cost(sweep))
        yield _figure(client, "cold", cold)
        yield _figure(client, "warm", [_cost(sweep) for _ in range(rounds)])
        _hang_up(config, names, control)


def _figure(client: str, state: str, costs: list[Cost]) -> Figure:
    cpu_s, wall_s = (
        statistics.median(values) for values in zip(*((cost.cpu_s, cost.wall_s) for cost in costs), strict=True)
    )
    return Figure(client, state, round(cpu_s, 3), round(wall_s, 3), len(costs))


def _cost(sweep: Callable[[], None]) -> Cost:
    """What one sweep takes of us and of our children."""
    before, began = _cpu_s(), time.monotonic()
    sweep()
    return Cost(_cpu_s() - before, time.monotonic() - began)


def _cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _ours(described: Mapping[str, object], rounds: int) -> None:
    """The driver's own look at all hosts, in a process of its own: the fleet's server must not be counted."""
    hosts = described["hosts"]
    if not isinstance(hosts, dict):
        raise TypeError("no hosts")
    documents = [
        Host(name, "hpvm", Location("hosts.yaml"), address=address, port=port)
        for name, (address, port) in hosts.items()
    ]
    access = Access(Path(str(described["known_hosts"])), Path(str(described["key"])), connections_max=CONNECTIONS_MAX)
    costs: dict[str, list[tuple[float, float]]] = {"cold": [], "warm": []}
    with ThreadPoolExecutor(CONNECTIONS_MAX) as pool:

        def sweep(driver: HpvmDriver) -> None:
            looks = list(pool.map(driver.look, documents))
            unread = [look for look in looks if not isinstance(look, HostFacts)]
            if unread:
                raise SystemExit(f"not read: {unread[0]}")

        for _ in range(rounds):
            driver = HpvmDriver(Connections(access), HpvmSettings())
            costs["cold"].append(_pair(_cost(lambda: sweep(driver))))  # noqa: B023 - called before the next round
            costs["warm"].append(_pair(_cost(lambda: sweep(driver))))  # noqa: B023 - called before the next round
            driver.close()
    print(json.dumps(costs))


def _pair(cost: Cost) -> tuple[float, float]:
    return cost.cpu_s, cost.wall_s


def _ssh_config(folder: Path, fleet: SshdFleet) -> tuple[Path, Path]:
    """What the other clients need to reach the hosts as strictly as we do, over connections that stay open."""
    control = Path(tempfile.mkdtemp(prefix="cm-", dir="/tmp"))  # a socket's path must be short
    lines = [
        f"Host {name}\n    HostName {fleet.address(name)}\n    Port {fleet.port(name)}\n    HostKeyAlias {name}\n"
        for name in sorted(fleet.machines)
    ]
    common = (
        f"Host *\n    User root\n    IdentityFile {fleet.key_file}\n    IdentitiesOnly yes\n    BatchMode yes\n"
        f"    UserKnownHostsFile {fleet.known_hosts_file}\n    StrictHostKeyChecking yes\n    LogLevel ERROR\n"
        f"    {OPTIONS.format(control=control)}"
    )
    path = folder / "ssh_config"
    path.write_text("".join(lines) + common)
    return path, control


def _others(folder: Path, config: Path, names: list[str], remote: str) -> Mapping[str, Callable[[], None]]:
    """The other clients that are there, by name."""
    clients: dict[str, Callable[[], None]] = {}

    def openssh() -> None:
        with ThreadPoolExecutor(CONNECTIONS_MAX) as pool:
            list(pool.map(lambda name: _quiet(["ssh", "-F", str(config), name, remote]), names))

    clients["OpenSSH, ControlMaster"] = openssh
    if _installed("clush", "clustershell"):
        fanout = ["clush", "-f", str(CONNECTIONS_MAX), "-o", f"-F {config}", "-w", ",".join(names)]
        clients["clush"] = lambda: _quiet([*fanout, remote])
    if _installed("ansible", "ansible-core"):
        inventory = folder / "inventory"
        inventory.write_text("\n".join(names) + "\n")
        settings = {"ANSIBLE_SSH_ARGS": f"-F {config}", "ANSIBLE_PIPELINING": "1", "ANSIBLE_LOCAL_TEMP": str(folder)}
        call = ["ansible", "all", "-i", str(inventory), "-f", str(CONNECTIONS_MAX), "-m", "raw", "-a", remote]
        clients["ansible raw"] = lambda: _quiet(call, settings)
    return clients


def _installed(name: str, package: str) -> bool:
    if shutil.which(name) is None and os.environ.get("INSTALL") == "1":
        _quiet(["apt-get", "install", "--yes", "--no-install-recommends", package])
    return shutil.which(name) is not None


def _quiet(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command[0]}: {(done.stderr or done.stdout)[-400:]}")


def _hang_up(config: Path, names: list[str], control: Path) -> None:
    for name in names:
        if any(control.iterdir()):
            subprocess.run(["ssh", "-F", str(config), "-O", "exit", name], check=False, capture_output=True)


# ----------------------------------------------------------------------------------------------------------- the table


def table(figures: list[Figure], hosts: int) -> str:
    """Each client's figures, and how they stand to ours in the same state."""
    ours = {figure.state: figure for figure in figures if figure.client == "reconciler"}
    lines = [
        f"Looking at {hosts} hosts, {GUESTS} guests each. Medians of {figures[0].rounds}; seconds a sweep.",
        "",
        "| client | connections | CPU | wall | CPU, times ours |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {figure.client} | {figure.state} | {figure.cpu_s:.3f} | {figure.wall_s:.2f} "
        f"| {figure.cpu_s / ours[figure.state].cpu_s:.1f} |"
        for figure in figures
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
