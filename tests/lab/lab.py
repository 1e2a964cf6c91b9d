"""Several real libvirt/QEMU hosts on this machine, and guests that count: all of it, and how controllers reach it.

Called by tests of the driver `libvirt` and by `python -m tests.lab`. Uses no code of ours but the values of
documents, touches no file outside the folder that it is given, and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.core.desired import Host
from reconciler.errors import Location
from tests.lab.guests.guest import LOCAL, NONE, SHARED, Guest
from tests.lab.guests.image import Image
from tests.lab.hosts.cgroups import Cgroup, lab_name, sweep
from tests.lab.hosts.machine import Machine, await_all_up
from tests.lab.inspection import Sighting, leftovers, look
from tests.lab.packages import require_lab
from tests.lab.switch import Switch
from tests.ssh.sshd import key_pair, public, worker

NETWORK = "10.77.0"
HOST_NAME_MAX = 13
HOST_DOCUMENT = """\
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {{name: {name}}}
spec: {{driver: libvirt, address: {address}, port: {port}, migrationAddress: {name}}}
"""

_numbers = itertools.count(1)


@dataclass
class Lab:
    """`start` it, and leave it as a context. `machines` are the hosts by name."""

    folder: Path
    switch: Switch
    machines: dict[str, Machine] = field(default_factory=dict)
    guests: dict[str, Guest] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    """Loopback addresses where controllers reach the hosts."""
    ports: dict[str, int] = field(default_factory=dict)
    """And the ports there."""

    @classmethod
    def start(
        cls,
        folder: Path,
        hosts: Sequence[str] = ("h1", "h2", "h3"),
        *,
        local_mib: int | None = None,
        believed_shared: bool = True,
    ) -> Lab:
        """Start hosts of these names, and return when all of them answer.

        `local_mib`: give each /srv/local a file system of its own, of that size. `believed_shared`: let libvirt believe
        that /srv/san is shared, so that it migrates without `--unsafe`.
        """
        image = require_lab()
        lab = cls(folder, Switch.start(folder, believed_shared=believed_shared))
        try:
            lab._make(hosts, image, local_mib)
            for machine in lab.machines.values():
                machine.begin()
            await_all_up(lab.machines.values())
        except BaseException:
            lab.stop()
            raise
        return lab

    def stop(self) -> None:
        """End every host, every guest, the network and the storage."""
        with contextlib.ExitStack() as ends:  # each of them, even when one fails
            ends.callback(self.switch.stop)
            for machine in self.machines.values():
                ends.callback(machine.remove)

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __getitem__(self, host: str) -> Machine:
        return self.machines[host]

    def _make(self, hosts: Sequence[str], image: Image, local_mib: int | None) -> None:
        sweep()
        assert all(len(host) <= HOST_NAME_MAX for host in hosts), "a host's name is part of an interface's"
        name = lab_name(next(_numbers))
        for below in ("images", "consoles"):
            (self.folder / "san" / below).mkdir()
        for number, host in enumerate(hosts, 1):
            folder, cgroup = self.folder / host, Cgroup(f"{name}/{host}")
            machine = Machine(folder, host, f"{NETWORK}.{number}", self.switch, image, cgroup, local_mib)
            self.machines[host] = machine
            machine.make()
            self.addresses[host] = f"127.77.{worker() % 256}.{number}"
        self._introduce()
        relayed = {machine.address: self.addresses[host] for host, machine in self.machines.items()}
        ports = self.switch.listen(relayed)
        self.ports = {host: ports[machine.address] for host, machine in self.machines.items()}

    def _introduce(self) -> None:
        """Let all hosts know each other, and the controller know them."""
        machines = self.machines.values()
        between = key_pair(self.folder / "between_hosts")
        names = "127.0.0.1 localhost\n" + "".join(f"{machine.address} {machine.name}\n" for machine in machines)
        known = "".join(f"{machine.name},{machine.address} {public(machine.host_key)}\n" for machine in machines)
        authorized = f"{public(key_pair(self.key_file))}\n{public(between)}\n"
        for machine in machines:
            machine.introduce(names, known, between, authorized)
        lines = "".join(f"{machine.name} {public(machine.host_key)}\n" for machine in machines)
        self.known_hosts_file.write_text(lines, encoding="ascii")

    # ---------------------------------------------------------------------------------------------- for controllers

    @property
    def known_hosts_file(self) -> Path:
        """The controller's: host keys by the hosts' names."""
        return self.folder / "known_hosts"

    @property
    def key_file(self) -> Path:
        """The controller's private key."""
        return self.folder / "controller"

    def document(self, host: str) -> Host:
        """What a repository declares of it."""
        address, port = self.addresses[host], self.ports[host]
        return Host(host, "libvirt", Location("hosts.yaml"), address=address, port=port, migration_address=host)

    def host_documents_yaml(self) -> str:
        """All hosts' documents."""
        return "---\n".join(
            HOST_DOCUMENT.format(name=host, address=self.addresses[host], port=self.ports[host])
            for host in self.machines
        )

    def settings_toml(self) -> str:
        """The tables of the settings file that concern these hosts."""
        names = ", ".join(f'"{host}"' for host in self.machines)
        return f"""\
[ssh]
known_hosts_file = "{self.known_hosts_file}"
key_file = "{self.key_file}"

[network]
ssh_addresses = ["127.77.0.0/16"]
migration_addresses = [{names}]

[drivers.libvirt]
copy_folder = "/srv/local"
"""

    def inside(self, argv: Sequence[str], check: bool = True) -> str:
        """What a command says that runs in the hosts' network, on this machine's files."""
        return self.switch.run(argv, check=check).stdout

    # --------------------------------------------------------------------------------------------------- its guests

    def guest(
        self,
        name: str,
        host: str,
        *,
        disk: str = SHARED,
        running: bool = True,
        autostart: bool = False,
        **made_as: Any,
    ) -> Guest:
        """Make a guest on a host: its disk, its definition. `made_as`: the other fields of `Guest`."""
        assert disk in (SHARED, LOCAL, NONE), f"no such disk: {disk}"
        return self.place(Guest(self.switch, name, disk=disk, **made_as), host, running=running, autostart=autostart)

    def place(self, guest: Guest, host: str, *, running: bool = True, autostart: bool = False) -> Guest:
        """Make this guest on a host."""
        name, machine = guest.name, self.machines[host]
        if guest.disk != NONE:
            make = ["qemu-img", "create", "-q", "-f", guest.disk_format, guest.disk_path, f"{guest.disk_mib}M"]
            machine.run(make)
        machine.run(["virsh", "-q", "define", "/dev/stdin"], input=guest.xml())
        if autostart:
            machine.virsh("autostart", name)
        if running:
            machine.virsh("start", name)
        self.guests[name] = guest
        return guest

    def whereabouts(self, name: str) -> dict[str, Sighting]:
        """What each host that is up says of a guest."""
        return {host: look(machine, name) for host, machine in self.machines.items() if machine.up}

    def leftovers(self) -> list[str]:
        """What should not be there: a guest's second definition or image, strange files, what runs on and on."""
        return leftovers(self.folder, self.switch, self.machines, self.guests)

    def reset(self) -> None:
        """Make it as it was when it started, for the next test: hosts up, reachable and whole, no guest."""
        for machine in self.machines.values():
            machine.recover()
        await_all_up(self.machines.values())
        for machine in self.machines.values():
            machine.forget_guests()
        for below in ("images", "consoles"):
            for file in (self.folder / "san" / below).iterdir():
                file.unlink()
        self.guests.clear()
