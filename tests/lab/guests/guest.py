"""One guest: what it is made of, and what it said and wrote.

Made by the lab. Reads the console and the disk from outside, so it needs no host and no libvirtd to tell what a guest
did.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.lab.switch import Switch
from tests.lab.waiting import LIMIT_S, until

BLOCK, BLOCKS = 512, 1000
"""Where guest.c writes: so many blocks at the beginning of its disk, one after the other, round and round."""
TICK = re.compile(
    r"^tick (\d+) up=([\d.]+) boot=(\w+) total_kib=(\d+) free_kib=(\d+) disk=(\w+)\.\r?$", re.MULTILINE | re.ASCII
)
WRITTEN = re.compile(rb"tick (\d+) boot=(\w+)\n")
SHARED, LOCAL, NONE = "shared", "local", "none"
FOLDERS = {SHARED: "/srv/san/images", LOCAL: "/srv/local"}
"""Where disks lie, as hosts see it."""
DOMAIN = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory_mib}</memory>
  <currentMemory unit='MiB'>{memory_mib}</currentMemory>
  <vcpu>{vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='{machine}'>hvm</type>
    <kernel>/srv/boot/vmlinuz</kernel>
    <initrd>/srv/boot/initrd.gz</initrd>
    <cmdline>console=ttyS0 quiet loglevel=3 {words}</cmdline>
  </os>
  <features><acpi/></features>
  {cpu}
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    {devices}
    <serial type='file'><source path='/srv/san/consoles/{name}.log' append='on'/></serial>
    <controller type='usb' model='none'/>
    {balloon}
  </devices>
</domain>
"""
DISK = """\
<disk type='file' device='disk'>
      <driver name='qemu' type='{kind}' cache='none'/><source file='{path}'/><target dev='vda' bus='virtio'/>
    </disk>"""
BALLOON = "<memballoon model='virtio'><stats period='2'/></memballoon>"
INTERFACE = "<interface type='bridge'><source bridge='{bridge}'/><model type='virtio'/></interface>"


@dataclass(frozen=True)
class Tick:
    """A line of the console: one second of a guest's life."""

    counter: int
    uptime_s: float
    boot: str
    memory_total_kib: int
    memory_free_kib: int
    disk: str
    """What came of writing it to the disk before: ok, failed or none."""


@dataclass(frozen=True)
class Written:
    """The highest counter that a disk holds, and which boot wrote it."""

    counter: int
    boot: str


@dataclass(frozen=True)
class Guest:
    """What a guest was made as."""

    switch: Switch
    name: str
    memory_mib: int = 96
    vcpus: int = 1
    disk: str = SHARED
    disk_mib: int = 64
    disk_format: str = "qcow2"
    dirty_mib: int = 0
    machine: str = "pc"
    cpu: str = ""
    answers_shutdown: bool = True
    networks: tuple[str, ...] = ()
    balloon: str = BALLOON
    kernel_words: str = ""
    """More for its kernel's command line."""

    @property
    def uuid(self) -> str:
        """The same for the same name, in any lab."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"guest:{self.name}"))

    @property
    def disk_path(self) -> str:
        """Where its disk lies, as hosts see it; empty when it has none."""
        return f"{FOLDERS[self.disk]}/{self.name}.{self.disk_format}" if self.disk != NONE else ""

    def xml(self) -> str:
        """Its definition."""
        words = [f"dirty={self.dirty_mib}"] * bool(self.dirty_mib) + ["deaf"] * (not self.answers_shutdown)
        words += [self.kernel_words] * bool(self.kernel_words)
        devices = [DISK.format(kind=self.disk_format, path=self.disk_path)] * (self.disk != NONE)
        devices += [INTERFACE.format(bridge=bridge) for bridge in self.networks]
        return DOMAIN.format(
            name=self.name,
            uuid=self.uuid,
            memory_mib=self.memory_mib,
            vcpus=self.vcpus,
            machine=self.machine,
            cpu=self.cpu,
            words=" ".join(words),
            devices="\n    ".join(devices),
            balloon=self.balloon,
        )

    # ---------------------------------------------------------------------------------------------------- what it said

    def console(self) -> str:
        """All that it and its kernel said, in all its boots, on all hosts."""
        file = self.switch.folder / "san" / "consoles" / f"{self.name}.log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def ticks(self) -> list[Tick]:
        """Every second of its life so far. After a reboot it counts on from what its disk says."""
        return [
            Tick(int(counter), float(up), boot, int(total), int(free), disk)
            for counter, up, boot, total, free, disk in TICK.findall(self.console())
        ]

    def boot(self) -> str:
        """Which boot it is in; another one after a reboot, the same after a live migration."""
        ticks = self.ticks()
        assert ticks, f"{self.name} has not counted yet"
        return ticks[-1].boot

    def await_ticks(self, more: int = 2, limit_s: float = LIMIT_S) -> list[Tick]:
        """Wait until it has counted on by so many seconds, and return these."""
        before = len(self.ticks())
        until(f"{self.name} counts:\n{self.console()[-3000:]}", lambda: len(self.ticks()) >= before + more, limit_s)
        return self.ticks()[before:]

    # --------------------------------------------------------------------------------------------------- what it wrote

    def image(self, host: str = "") -> Path:
        """Its disk, as the outside reaches it; a local one on this host, which may be down."""
        file = f"{self.name}.{self.disk_format}"
        if self.disk == SHARED:
            return self.switch.folder / "san" / "images" / file
        assert self.disk == LOCAL, f"{self.name} has no disk"
        assert host, f"{self.name} has a disk on one host: name it"
        return self.switch.path(self.switch.folder / host / "local" / file)

    def on_disk(self, host: str = "") -> Written | None:
        """The highest counter that its disk holds (a local one: on this host), while it runs too."""
        return written(self.image(host), self.disk_format)


def written(image: Path, disk_format: str) -> Written | None:
    """The highest counter in a disk image, which may be in use; None when there is none."""
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch) / "raw"
        source = ["-U", "-f", disk_format, "-O", "raw", f"bs={BLOCK}", f"count={BLOCKS}"]
        command = ["qemu-img", "dd", *source, f"if={image}", f"of={raw}"]
        subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)
        content = raw.read_bytes()
    found = [
        Written(int(match[1]), match[2].decode("ascii"))
        for start in range(0, len(content), BLOCK)
        if (match := WRITTEN.match(content[start : start + BLOCK]))
    ]
    return max(found, key=lambda each: each.counter, default=None)
