"""What lies between the hosts of a lab: one network, one shared storage, and the controllers' way in.

Called by the lab. All of it is in namespaces of its own; the machine that runs the tests gets no interface, no route
and no mount. Ends only processes that it started.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.processes import children
from tests.lab.waiting import until

ADDRESS = "10.77.0.254"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}
END_TIMEOUT_S = 30.0
BURST = "64kb"
UNCACHED = "attr_timeout=0,entry_timeout=0,negative_timeout=0"
"""What tests do to the storage from outside is seen at once."""
BELIEVED = ("bindfs", "-f", "-o", f"subtype=glusterfs,{UNCACHED}", "--forward-odirect=512")
"""libvirt asks what kind of file system a disk lies on before it calls it shared: this one says that it is GlusterFS.
One mount for all hosts, so that they see each other's locks, as on a file system for clusters."""
SCRIPT = """\
mount --make-rprivate /
ip link set lo up
ip link add br0 type bridge
ip addr add {address}/24 dev br0
ip link set br0 up
{storage}
until mountpoint -q {san}; do sleep 0.02; done
echo ready
read -r _ || true
"""


@dataclass
class Switch:
    """Runs from `start` to `stop`."""

    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)
    relay: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def start(cls, folder: Path, *, believed_shared: bool = True) -> Switch:
        """Return when it is there. `believed_shared`: let libvirt believe that the shared storage is."""
        real, seen = folder / "san", folder / "san-of-hosts"
        real.mkdir()
        seen.mkdir()
        paths = shlex.join((str(real), str(seen)))
        storage = f"{shlex.join(BELIEVED)} {paths} &" if believed_shared else f"mount --bind {paths}"
        script = SCRIPT.format(address=ADDRESS, storage=storage, san=shlex.quote(str(seen)))
        apart = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
        with (folder / "switch.log").open("ab") as log:
            process = subprocess.Popen(
                [*apart, "/bin/bash", "-ec", script],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        switch = cls(folder, process)
        try:
            until(f"the switch is up: {folder / 'switch.log'}", switch._is_ready)
        except BaseException:
            switch.stop()
            raise
        return switch

    def _is_ready(self) -> bool:
        said = (self.folder / "switch.log").read_text(encoding="utf-8", errors="replace")
        assert self.process.poll() is None, said
        return "ready\n" in said

    def stop(self) -> None:
        """End the relay, the storage and the network. The hosts are down by then."""
        if self.relay is not None:
            end(self.relay)
        for first in children(self.process.pid):
            first.send(signal.SIGKILL)
        end(self.process)

    @property
    def first(self) -> int:
        """Its process 1, as the outside numbers it."""
        [first] = children(self.process.pid)
        return first.pid

    def path(self, inside: Path) -> Path:
        """How the outside reaches a path that only the switch and the hosts have something mounted at."""
        return Path(f"/proc/{self.first}/root{inside}")

    def enter(self, *kinds: str) -> list[str]:
        """The beginning of a command that shall run in its namespaces of these kinds: net, mnt."""
        names = {"net": "net", "mnt": "mount"}
        return ["nsenter", *(f"--{names[kind]}=/proc/{self.first}/ns/{kind}" for kind in kinds), "--"]

    def run(self, argv: Sequence[str], *kinds: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in its network, or the namespaces of these kinds."""
        command = [*self.enter(*(kinds or ("net",))), *argv]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
        assert not check or done.returncode == 0, f"{shlex.join(argv)}: {done.stderr or done.stdout}"
        return done

    # ------------------------------------------------------------------------------------------------------ the network

    def plug(self, host: str, first: int) -> None:
        """Connect a host, by its process 1, which waits for its eth0: the same card in all its lives, since a neighbour
        that remembers another would talk into the void for a while."""
        port = _port(host)
        card = ":".join(["02", *(f"{byte:02x}" for byte in hashlib.sha256(host.encode()).digest()[:5])])
        self.run(["ip", "link", "del", port], check=False)  # of its life before: the kernel takes its time
        self.run(
            ["ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", str(first), "address", card]
        )
        self.run(["ip", "link", "set", port, "master", "br0", "up"])

    def cut(self, host: str) -> None:
        """Nothing reaches it, and nothing leaves it."""
        self.run(["ip", "link", "set", _port(host), "down"])

    def mend(self, host: str) -> None:
        """Undo `cut`."""
        self.run(["ip", "link", "set", _port(host), "up"])

    def shape(self, host: str, mbit: int) -> None:
        """Send it no more than that, in Mbit/s."""
        limit = ["rate", f"{mbit}mbit", "burst", BURST, "latency", "100ms"]
        self.run(["tc", "qdisc", "replace", "dev", _port(host), "root", "tbf", *limit])

    def unshape(self, host: str) -> None:
        """Undo `shape`."""
        self.run(["tc", "qdisc", "del", "dev", _port(host), "root"], check=False)

    def listen(self, relayed: Mapping[str, str]) -> dict[str, int]:
        """Relay connections to the hosts: by their address here, the loopback address outside. Return the ports."""
        listening = {}
        for address, outside in relayed.items():
            listening[address] = socket.create_server((outside, 0), backlog=128)
        program = Path(__file__).parent / "relay.py"
        words = [f"{each.fileno()}={address}" for address, each in listening.items()]
        with (self.folder / "relay.log").open("ab") as log:
            self.relay = subprocess.Popen(
                [*self.enter("net"), sys.executable, "-I", "-S", str(program), *words],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                pass_fds=[each.fileno() for each in listening.values()],
                start_new_session=True,
            )
        ports = {address: int(each.getsockname()[1]) for address, each in listening.items()}
        for each in listening.values():
            each.close()
        return ports


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill one that we started and have not waited for: until then its id is nobody else's."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    process.wait(END_TIMEOUT_S)
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _port(host: str) -> str:
    """The switch's end of a host's cable."""
    return f"p-{host}"
