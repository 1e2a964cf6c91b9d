"""One host: namespaces that look like a machine of its own, with libvirtd, sshd, guests, an identity, a disk.

Called by the lab. Knows nothing of which guest belongs where. Ends only processes that it started.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.guests.image import Image
from tests.lab.hosts.capabilities import without_cpu_feature, without_cpu_model, without_machine
from tests.lab.hosts.cgroups import Cgroup, hierarchies
from tests.lab.packages import APART
from tests.lab.processes import Process, children, command_line
from tests.lab.switch import END_TIMEOUT_S, ENVIRONMENT, Switch
from tests.lab.waiting import LIMIT_S, until
from tests.ssh.sshd import SHADOW, key_pair, public

RUN_TIMEOUT_S = 120.0
EXPECTED = ("libvirtd ", "/usr/sbin/sshd ", "sshd: ", "/usr/bin/qemu-system-x86_64 ")
"""How the command lines begin of what a host runs when nothing is under way."""
CAPABILITIES = "cache/qemu/capabilities"
"""What libvirtd found out about QEMU, and believes until a binary changes."""
POOL = """\
<pool type='dir'>
  <name>local</name>
  <uuid>{uuid}</uuid>
  <source/>
  <target><path>/srv/local</path></target>
</pool>
"""
LIBVIRTD = """\
host_uuid = "{uuid}"
unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_level = 3
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""
# Everything as root and without the security drivers, which would want daemons that no lab has. The keepalives decide
# how fast a migration notices that the other end is gone.
QEMU = """\
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
namespaces = []
stdio_handler = "file"
keepalive_interval = 2
keepalive_count = 3
"""
SSHD = """\
Port 22
HostKey /etc/ssh/host_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
StrictModes no
MaxSessions 100
MaxStartups 200
PrintMotd no
PrintLastLog no
PidFile /run/sshd.pid
Subsystem sftp internal-sftp
"""
SSH = "Host *\n    BatchMode yes\n    StrictHostKeyChecking yes\n"
LIBVIRTD_RUNS = 'pid=$(cat /run/libvirtd.pid) && [ "$(cat /proc/$pid/comm)" = libvirtd ]'
JOIN = 'while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"'


@dataclass
class Machine:
    """A host. `folder` is its own, and what stays when the power is cut."""

    folder: Path
    name: str
    address: str
    """In the network of the lab."""
    switch: Switch
    image: Image
    cgroup: Cgroup
    local_mib: int | None = None
    """The size of /srv/local when it is a file system of its own."""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _as_probed: Path | None = None

    @property
    def up(self) -> bool:
        """Whether its power is on."""
        return self._process is not None

    @property
    def host_key(self) -> Path:
        """Its private host key."""
        return self.folder / "ssh" / "host_key"

    @property
    def first(self) -> Process:
        """Its process 1, as the outside numbers it."""
        assert self._process is not None, f"{self.name} is down"
        [first] = children(self._process.pid)
        return first

    # ------------------------------------------------------------------------------------------------ how it is made

    def make(self) -> None:
        """Write its disk: settings, keys, identity."""
        names = ("etc/storage/autostart", "etc/qemu", "var/images", "log", "cache", "ssh", "root/.ssh", "local")
        for name in names:
            (self.folder / name).mkdir(parents=True)
        identity = uuid.uuid5(uuid.NAMESPACE_URL, f"lab:{self.folder}")
        files = {
            "etc/libvirtd.conf": LIBVIRTD.format(uuid=identity),
            "etc/qemu.conf": QEMU,
            "etc/libvirt.conf": "",
            "etc/storage/local.xml": POOL.format(uuid=uuid.uuid5(identity, "local")),
            "ssh/sshd_config": SSHD,
            "hostname": f"{self.name}\n",
            "machine-id": f"{identity.hex}\n",
            "shadow": SHADOW,
        }
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="ascii")
        (self.folder / "etc/storage/autostart/local.xml").symlink_to("/etc/libvirt/storage/local.xml")
        (self.folder / "root/.ssh").chmod(0o700)
        key_pair(self.host_key)
        self.cgroup.make()
        if self.local_mib is not None:  # mounted at the switch, so that it outlives the host's power
            mount = ["mount", "-t", "tmpfs", "-o", f"size={self.local_mib}m,mode=755", "local"]
            self.switch.run([*mount, str(self.folder / "local")], "mnt")

    def introduce(self, names: str, known_hosts: str, key: Path, authorized: str) -> None:
        """Tell it who else there is. `names`: /etc/hosts; `key`: what its root signs in with elsewhere."""
        (self.folder / "hosts").write_text(names, encoding="ascii")
        files = {
            "authorized_keys": authorized,
            "known_hosts": known_hosts,
            "config": SSH,
            "id_ed25519": key.read_text(encoding="ascii"),
            "id_ed25519.pub": f"{public(key)}\n",
        }
        for name, text in files.items():
            (self.folder / "root/.ssh" / name).write_text(text, encoding="ascii")
            (self.folder / "root/.ssh" / name).chmod(0o600)

    # -------------------------------------------------------------------------------------------------------- its power

    def begin(self) -> None:
        """Switch it on, without waiting; `await_up` does."""
        assert self._process is None, f"{self.name} runs already"
        san = self.switch.folder / "san-of-hosts"
        mounts = "\n".join(hierarchy.line for hierarchy in hierarchies())
        script = str(Path(__file__).parent / "host.sh")
        words = [self.name, self.address, str(self.folder), str(san), str(self.image.folder), mounts]
        # The group it unshares in becomes the root of what it sees.
        tops = [str(folder / "cgroup.procs") for folder in self.cgroup.folders]
        command = [*_join(tops), *self.switch.enter("mnt"), "unshare", *APART, "/bin/bash", script, *words]
        with (self.folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=ENVIRONMENT, start_new_session=True
            )
        until(f"{self.name} begins: {self.folder / 'console.log'}", self._has_begun)
        self._leave_root_group()
        self.switch.plug(self.name, self.first.pid)

    def _has_begun(self) -> bool:
        assert self._process is not None, f"{self.name} is down"
        assert self._process.poll() is None, self.log()
        return bool(children(self._process.pid))

    def _leave_root_group(self) -> None:
        """Where the root of its groups hands out controllers (version 2), nothing may run in it."""
        assert self._process is not None, f"{self.name} is down"
        for hierarchy, joined in zip(hierarchies(), self.cgroup.joined, strict=True):
            if hierarchy.unified:
                for pid in (self._process.pid, self.first.pid):
                    Path(joined).write_text(str(pid), encoding="ascii")

    def await_up(self) -> None:
        """Return when its libvirtd and its sshd answer."""
        until(f"{self.name} is up: {self.folder / 'console.log'}", self._answers)

    def _answers(self) -> bool:
        assert self._process is not None, f"{self.name} is down"
        assert self._process.poll() is None, self.log()
        return (
            self.run(["test", "-e", "/run/sshd.pid"], check=False).returncode == 0
            and self.run(["virsh", "-q", "version; pool-info local"], check=False).returncode == 0
        )

    def crash(self) -> None:
        """Cut its power: everything on it dies at once. Its disk stays."""
        process, self._process = self._process, None
        assert process is not None, f"{self.name} is down"
        for first in children(process.pid):
            first.send(signal.SIGKILL)  # with process 1 go all others, and then `unshare`, which buries it
        try:
            process.wait(END_TIMEOUT_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(END_TIMEOUT_S)
            assert process.stdin is not None
            process.stdin.close()
        self.cgroup.clear()

    def boot(self) -> None:
        """Switch it on, and return when it answers."""
        self.begin()
        self.await_up()

    def remove(self) -> None:
        """End it for good."""
        if self.up:
            self.crash()
        self.cgroup.remove()

    def recover(self) -> None:
        """Undo all troubles below, and switch it on if it is off; `await_up` does the rest."""
        if not self.up:
            self.begin()
        else:
            self.mend()
            self.unshape()
            if self._runs_libvirtd():
                self.unstall_libvirtd()
            else:
                self.start_libvirtd()
            if self.run(["ip", "link", "show", "br0"], check=False).returncode:
                self.run(["ip", "link", "add", "br0", "type", "bridge"])
                self.run(["ip", "link", "set", "br0", "up"])
        self.limit_memory(None)
        if (self.folder / "meminfo").exists():
            self.pretend_memory(None)
        self.make_new()

    def forget_guests(self) -> None:
        """End and undefine all guests, and empty /srv/local. What clings on ends with the power."""
        self._undefine_all()
        if self.strangers() or self.virsh("list", "--all", "--uuid").split():
            self.crash()
            self.boot()
            self._undefine_all()
            assert not self.virsh("list", "--all", "--uuid").split(), f"{self.name} keeps guests"
        self.run(["find", "/srv/local", "-mindepth", "1", "-delete"])

    def _undefine_all(self) -> None:
        for guest in self.virsh("list", "--all", "--uuid").split():  # names may have blanks
            self.virsh("destroy", guest, check=False)
            self.virsh("undefine", guest, "--managed-save", "--nvram", "--snapshots-metadata", check=False)

    # ------------------------------------------------------------------------------------------------------ its insides

    def run(
        self, argv: Sequence[str], input: str | None = None, check: bool = True, timeout: float = RUN_TIMEOUT_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on it, as its root; what takes longer than `timeout` seconds is killed there."""
        command = [*self.command(), "timeout", "-s", "KILL", str(timeout), *argv]
        done = subprocess.run(
            command, input=input, check=False, capture_output=True, text=True, env=ENVIRONMENT, timeout=timeout + 30
        )
        said = f"{self.name}: {shlex.join(argv)}: ended with {done.returncode}: {done.stderr or done.stdout}"
        assert not check or done.returncode == 0, said
        return done

    def command(self) -> list[str]:
        """The beginning of a command that shall run on it, in its namespaces and its control groups."""
        kinds = ("--mount", "--uts", "--net", "--pid", "--cgroup", "--wdns=/")
        return [*_join(self.cgroup.joined), "nsenter", f"--target={self.first.pid}", *kinds, "--"]

    def virsh(self, *words: str, check: bool = True) -> str:
        """What virsh says there, its complaints included."""
        done = self.run(["virsh", "-q", *words], check=check)
        return done.stdout + done.stderr

    def path(self, inside: str) -> Path:
        """How the outside reaches a path of the running host."""
        return Path(f"/proc/{self.first.pid}/root{inside}")

    def processes(self) -> dict[int, str]:
        """Command lines of all that runs on it, by the ids of the outside."""
        mine = {first.pid for first in (self.first,)} | {self._process.pid if self._process else 0}
        lines = {pid: command_line(pid) for pid in self.cgroup.processes() if pid not in mine}
        return {pid: line for pid, line in lines.items() if line}

    def strangers(self) -> list[str]:
        """Command lines of what runs on it beside services, sessions and guests."""
        return [line for line in self.processes().values() if not line.startswith(EXPECTED)]

    def log(self) -> str:
        """What its process 1 said."""
        return (self.folder / "console.log").read_text(encoding="utf-8", errors="replace")

    # ----------------------------------------------------------------------------------------------------- its troubles

    def cut(self) -> None:
        """Pull its cable: nothing reaches it, and nothing leaves it. What runs on it goes on."""
        self.switch.cut(self.name)

    def mend(self) -> None:
        """Undo `cut`."""
        self.switch.mend(self.name)

    def shape(self, mbit: int) -> None:
        """Let it receive and send no more than that, in Mbit/s."""
        self.switch.shape(self.name, mbit)
        limit = ["rate", f"{mbit}mbit", "burst", "64kb", "latency", "100ms"]
        self.run(["tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", *limit])

    def unshape(self) -> None:
        """Undo `shape`."""
        self.switch.unshape(self.name)
        self.run(["tc", "qdisc", "del", "dev", "eth0", "root"], check=False)

    def kill_libvirtd(self) -> None:
        """End libvirtd without a word; its guests go on."""
        self._signal_libvirtd("KILL")
        until(f"libvirtd of {self.name} ends", lambda: not self._runs_libvirtd())

    def start_libvirtd(self) -> None:
        """Start libvirtd where it has ended, and return when it answers."""
        assert self._process is not None, f"{self.name} is down"
        assert self._process.stdin is not None
        self._process.stdin.write(b"libvirtd\n")
        self._process.stdin.flush()
        until(f"libvirtd of {self.name} answers", self._answers)

    def stall_libvirtd(self) -> None:
        """Let libvirtd take connections and answer nothing."""
        self._signal_libvirtd("STOP")

    def unstall_libvirtd(self) -> None:
        """Undo `stall_libvirtd`."""
        self._signal_libvirtd("CONT")

    def _signal_libvirtd(self, signal_name: str) -> None:
        self.run(["sh", "-c", f"{LIBVIRTD_RUNS} && kill -s {signal_name} $pid"])

    def _runs_libvirtd(self) -> bool:
        return self.run(["sh", "-c", LIBVIRTD_RUNS], check=False).returncode == 0

    def make_older(
        self, machines: Collection[str] = (), cpu_models: Collection[str] = (), cpu_features: Collection[str] = ()
    ) -> None:
        """Let libvirtd believe that its QEMU lacks these machine types, processor models and processor features."""
        self.kill_libvirtd()
        if self._as_probed is None:
            self._as_probed = self.folder / "as-probed"
            shutil.copytree(self.folder / CAPABILITIES, self._as_probed)
        for file in (self.folder / CAPABILITIES).glob("*.xml"):
            text = file.read_text(encoding="utf-8")
            for name in machines:
                text = without_machine(text, name)
            for name in cpu_models:
                text = without_cpu_model(text, name)
            for name in cpu_features:
                text = without_cpu_feature(text, name)
            file.write_text(text, encoding="utf-8")
        self.start_libvirtd()

    def make_new(self) -> None:
        """Undo `make_older`."""
        if self._as_probed is not None:
            self.kill_libvirtd()
            shutil.copytree(self._as_probed, self.folder / CAPABILITIES, dirs_exist_ok=True)
            shutil.rmtree(self._as_probed)
            self._as_probed = None
            self.start_libvirtd()

    def pretend_memory(self, mib: int | None, free_mib: int | None = None) -> None:
        """Let it say that it has so much memory, across boots too; None: what it really has.

        `nodememstats` and `free` follow; `nodeinfo` does not. What is free does not change by itself.
        """
        pretended = self.folder / "meminfo"
        self.run(["umount", "/proc/meminfo"], check=False)
        pretended.unlink(missing_ok=True)
        if mib is None:
            return
        free = mib - 256 if free_mib is None else free_mib
        kib = {"MemTotal": mib << 10, "MemFree": free << 10, "MemAvailable": free << 10, "Buffers": 0, "Cached": 0}
        pretended.write_text(
            "".join(f"{key + ':':<15} {value:>8} kB\n" for key, value in kib.items()), encoding="ascii"
        )
        self.run(["mount", "--bind", str(pretended), "/proc/meminfo"])

    def limit_memory(self, mib: int | None) -> None:
        """Let all that runs on it have no more than that: the kernel kills what asks for more. None: no limit."""
        self.cgroup.limit_memory(mib)


def _join(files: Sequence[str]) -> list[str]:
    """The beginning of a command that shall run in these control groups."""
    return ["/bin/sh", "-ec", JOIN, "join", *files, "--"]


def await_all_up(machines: Collection[Machine], limit_s: float = LIMIT_S) -> None:
    """Return when all of them answer: they come up side by side."""
    until("all hosts are up", lambda: all(machine._answers() for machine in machines), limit_s=limit_s)
