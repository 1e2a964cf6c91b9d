"""A fleet of real hosts: one sshd each on its own loopback address, with stand-ins for the platform's commands.

Called by tests of the driver `hpvm` and of the whole program. The guests' physics is the simulated fleet's. Needs root,
namespaces and openssh-server: `require_hosts` skips, installs or fails by the rule of tests/ssh/packages.py.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.core.desired import Host
from reconciler.drivers.simulated.world import World
from reconciler.errors import Location
from tests.drivers.hosts.catalogue import Catalogue, Extra
from tests.drivers.hosts.machine import APART, VAR_OPT_MIB, Machine, Shared
from tests.drivers.hosts.server import Server
from tests.drivers.hosts.stand_ins.moving import ALIAS_SUFFIX
from tests.drivers.hosts.stand_ins.table import PLATFORM, SYSTEM, commands
from tests.drivers.hosts.variants import Variants
from tests.ssh.packages import missing
from tests.ssh.sshd import free_port, key_pair, public, require_sshd, worker

REAL = (
    *("mkdir", "rmdir", "mv", "rm", "cat", "ln", "tail", "sed", "grep", "ps", "kill", "sleep", "nohup", "uname", "id"),
    *("true", "tr", "cut", "ssh", "ssh-keygen", "printf", "test", "expr", "wc", "touch", "head", "sort", "env"),
)
"""What a host's /usr/bin has of the real one, under the same name."""
RENAMED = {"sh": "dash", "awk": "mawk", "sync": "true"}
LEGACY_CLIENT = """\
    KexAlgorithms +diffie-hellman-group14-sha1
    HostKeyAlgorithms +ssh-rsa
    PubkeyAcceptedAlgorithms ssh-rsa
    MACs +hmac-sha1
"""
HOST_DOCUMENT = """\
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {{name: {name}}}
spec: {{driver: hpvm, address: {address}, port: {port}, migrationAddress: {alias}}}
"""

_last_address = itertools.count()


def require_hosts() -> None:
    """Return when such fleets can be started here; skip, or fail on CI, when not."""
    require_sshd()
    if not _can_unshare():
        missing("hosts need process and name namespaces (`unshare --pid --uts`)")


@functools.cache
def _can_unshare() -> bool:
    return subprocess.run([*APART, "true"], check=False, capture_output=True).returncode == 0


@dataclass
class SshdFleet:
    """The hosts of one world. `start` it, and leave it as a context."""

    folder: Path
    server: Server
    machines: dict[str, Machine] = field(default_factory=dict)
    key_file: Path = Path()
    """The controller's private key."""

    @classmethod
    def start(
        cls,
        folder: Path,
        world: World,
        *,
        speed: float = 60.0,
        legacy_hosts: Iterable[str] = (),
        variants: Variants | None = None,
        extras: Mapping[str, Extra] | None = None,
        var_opt_mib: int = VAR_OPT_MIB,
    ) -> SshdFleet:
        """Start a host for each of the world's, and return when all of them take connections."""
        require_hosts()
        legacy = frozenset(legacy_hosts)
        catalogue = Catalogue(world, variants or Variants(), dict(extras or {}))
        fleet = cls(folder, Server(catalogue, commands(), speed))
        shared = fleet._share()
        fleet.key_file = key_pair(folder / "controller", "rsa" if legacy else "ed25519")
        for name in sorted(world.fleet.hosts):
            number = next(_last_address) % 250 + 1
            address = f"127.77.{worker() % 256}.{number}"
            port = free_port(address)
            machine = Machine(folder / name, name, address, port, shared, name in legacy, var_opt_mib)
            fleet.machines[name] = machine
            machine.folder.mkdir()
            fleet._make_host_key(machine)
            fleet.server.addresses[address] = name
        fleet._introduce()
        fleet.server.firsts = fleet._firsts
        try:
            fleet.server.listen(shared.server)
            for machine in fleet.machines.values():
                if world.fleet.hosts[machine.name].up:
                    machine.begin()
            for machine in fleet.machines.values():
                if machine.up:
                    machine.await_start()
        except BaseException:
            fleet.stop()
            raise
        return fleet

    def stop(self) -> None:
        """End every host and all that runs on it."""
        for machine in self.machines.values():
            if machine.up:
                machine.end()
        self.server.close()

    def __enter__(self) -> SshdFleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _firsts(self) -> list[int]:
        return [machine.first for machine in self.machines.values() if machine.up]

    # ------------------------------------------------------------------------------------------------ how it is made

    def _share(self) -> Shared:
        shared = Shared(*(self.folder / name for name in ("server", "commands", "opt", "names")))
        platform = shared.opt / "hpvm" / "bin"
        for folder in (shared.server, shared.commands, platform):
            folder.mkdir(parents=True)
        program = Path(__file__).parent / "inside" / "stand_in.pl"
        stand_in = shared.opt / "stand-in"  # a copy that may be run, wherever the source lies
        stand_in.write_bytes(program.read_bytes())
        stand_in.chmod(0o755)
        for command in PLATFORM:
            (platform / command.__name__).symlink_to("/opt/stand-in")
        for command in SYSTEM:
            (shared.commands / command.__name__).symlink_to("/opt/stand-in")
        for name in REAL:
            (shared.commands / name).symlink_to(f"/run/real/{name}")
        for name, real in RENAMED.items():
            (shared.commands / name).symlink_to(f"/run/real/{real}")
        return shared

    def _make_host_key(self, machine: Machine) -> None:
        machine.host_key.unlink(missing_ok=True)
        key_pair(machine.host_key, "rsa" if machine.legacy else "ed25519")

    def _introduce(self) -> None:
        """Let all hosts know each other: names, addresses, keys."""
        legacy = any(machine.legacy for machine in self.machines.values())
        own = key_pair(self.folder / "between_hosts", "rsa" if legacy else "ed25519")
        names = "127.0.0.1 localhost\n" + "".join(
            f"{machine.address} {machine.name} {machine.name}{ALIAS_SUFFIX}\n" for machine in self.machines.values()
        )
        (self.folder / "names").write_text(names, encoding="ascii")
        known, config = "", ""
        for machine in self.machines.values():
            alias, port = f"{machine.name}{ALIAS_SUFFIX}", machine.port
            places = (machine.name, alias, f"[{machine.name}]:{port}", f"[{alias}]:{port}")
            known += f"{','.join(places)} {public(machine.host_key)}\n"
            config += f"Host {machine.name} {alias}\n    Port {port}\n" + LEGACY_CLIENT * machine.legacy
        for machine in self.machines.values():
            folder = machine.home / ".ssh"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            files = {
                "authorized_keys": f"{public(self.key_file)}\n{public(own)}\n",
                "known_hosts": known,
                "config": f"{config}Host *\n    IdentityFile ~/.ssh/id_{own_kind(own)}\n",
                f"id_{own_kind(own)}": own.read_text(encoding="ascii"),
            }
            for name, text in files.items():
                (folder / name).write_text(text, encoding="ascii")
                (folder / name).chmod(0o600)
        lines = "".join(f"{machine.name} {public(machine.host_key)}\n" for machine in self.machines.values())
        self.known_hosts_file.write_text(lines, encoding="ascii")

    # ------------------------------------------------------------------------------------------ where things are

    @property
    def known_hosts_file(self) -> Path:
        """The controller's: host keys by the hosts' names."""
        return self.folder / "known_hosts"

    @property
    def legacy_hosts(self) -> list[str]:
        """Those that speak old algorithms only."""
        return [machine.name for machine in self.machines.values() if machine.legacy]

    @property
    def catalogue(self) -> Catalogue:
        """What the hosts call things, and how they differ: `catalogue.variants` may be replaced while they run."""
        return self.server.catalogue

    def address(self, host: str) -> str:
        """Where its sshd listens."""
        return self.machines[host].address

    def port(self, host: str) -> int:
        """On which port."""
        return self.machines[host].port

    def document(self, host: str) -> Host:
        """What a repository declares of it."""
        machine = self.machines[host]
        location = Location("hosts.yaml")
        alias = f"{host}{ALIAS_SUFFIX}"
        return Host(host, "hpvm", location, address=machine.address, port=machine.port, migration_address=alias)

    def host_documents_yaml(self) -> str:
        """All hosts' documents."""
        return "---\n".join(
            HOST_DOCUMENT.format(
                name=machine.name, address=machine.address, port=machine.port, alias=f"{machine.name}{ALIAS_SUFFIX}"
            )
            for machine in self.machines.values()
        )

    def settings_toml(self) -> str:
        """The tables of the settings file that concern these hosts."""
        legacy = ", ".join(f'"{name}"' for name in self.legacy_hosts)
        return f"""\
[ssh]
known_hosts_file = "{self.known_hosts_file}"
key_file = "{self.key_file}"
legacy = [{legacy}]

[network]
ssh_addresses = ["127.77.0.0/16"]
migration_addresses = ["*{ALIAS_SUFFIX}"]

[timing]
poll_s = 0.2

[drivers.hpvm]
"""

    def path(self, host: str, inside: str) -> Path:
        """How the test reads and writes a path of a running host."""
        return self.machines[host].path(inside)

    def processes(self, host: str) -> dict[int, str]:
        """What runs on it: command lines by the process ids of the outside. sshd's own are among them."""
        return self.machines[host].processes()

    # ------------------------------------------------------------------------------------------------ what happens

    @contextlib.contextmanager
    def change(self) -> Iterator[World]:
        """The world, with nobody else in it."""
        with self.server.locked() as world:
            yield world

    def wind(self, seconds: float) -> None:
        """Move all clocks on, physics' and hosts'; jobs that ended by that have written their status on return."""
        self.server.wind(seconds)

    def settle(self) -> None:
        """Wait for what `wind` waits for, without moving any clock."""
        self.server.settle()

    def crash(self, host: str) -> None:
        """Everything on it dies in this moment. What lies in /var/opt stays."""
        with self.server.locked() as world:
            self.machines[host].crash()
            world.crash_host(host)
            self.server.cut.discard(host)

    def boot(self, host: str) -> None:
        """Start it again; guests whose start type is `Auto` there start with it."""
        with self.server.locked() as world:
            world.boot_host(host)
        self.machines[host].begin()
        self.machines[host].await_start()

    def cut(self, host: str) -> None:
        """Nothing gets through to it: connections are refused, those there are break. What runs on it goes on."""
        self._out_of_reach(host)
        self.machines[host].stop_listening()

    def hang(self, host: str) -> None:
        """It takes connections and answers nothing; what was sent meanwhile arrives when it is healed."""
        self._out_of_reach(host)
        self.machines[host].hang()

    def heal(self, host: str) -> None:
        """It answers again."""
        self.machines[host].heal()
        with self.server.locked() as world:
            world.heal(host)
            self.server.cut.discard(host)

    def _out_of_reach(self, host: str) -> None:
        with self.server.locked() as world:
            world.partition(host)
            self.server.cut.add(host)

    def rekey(self, host: str) -> None:
        """Give it another host key, which nobody knows."""
        self._make_host_key(self.machines[host])
        self.machines[host].restart_server()

    def fill(self, host: str) -> None:
        """Leave no room in its /var/opt."""
        self.machines[host].fill()

    def empty(self, host: str) -> None:
        """Undo `fill`."""
        self.machines[host].empty()


def own_kind(key: Path) -> str:
    """`ed25519` or `rsa`, as key files are named."""
    return "rsa" if public(key).startswith("ssh-rsa") else "ed25519"
