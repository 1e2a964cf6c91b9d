"""What a lab needs of this machine: root, namespaces, packages, a kernel for the guests.

Called before anything of a lab starts. Installs and skips by the rule of tests/ssh/packages.py; starts no service.
"""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from pathlib import Path

from tests.lab.guests.image import Image, image
from tests.lab.hosts.cgroups import hierarchies
from tests.ssh.packages import missing, require_packages

PACKAGES = {
    "/usr/bin/qemu-system-x86_64": "qemu-system-x86",
    "/usr/bin/qemu-img": "qemu-utils",
    "/usr/sbin/libvirtd": "libvirt-daemon-system",
    "/usr/bin/virsh": "libvirt-clients",
    "/usr/bin/bindfs": "bindfs",
    "/usr/sbin/sshd": "openssh-server",
    "ssh": "openssh-client",
    "nc": "netcat-openbsd",
    "ip": "iproute2",
    "rsync": "rsync",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "gcc": "gcc",
}
"""By the program that shows whether it is there."""
OTHERS = ("libc6-dev",)
"""Packages that are only used through one of those above."""
APART = ("--mount", "--uts", "--net", "--pid", "--cgroup", "--fork", "--kill-child", "--mount-proc")
"""What makes a host, for `unshare`."""


def require_lab() -> Image:
    """Return what guests boot from, when a lab can be started here; skip, or fail on CI, when not."""
    if os.getuid() != 0:
        missing("the lab's hosts are started as root")
    if platform.machine() != "x86_64":
        missing("the lab's guests are x86_64")
    for program in PACKAGES:
        require_packages(*sorted({*PACKAGES.values(), *OTHERS}), program=program)
    if not _can_unshare():
        missing("the lab's hosts need namespaces of every kind (`unshare`)")
    if not hierarchies():
        missing("the lab's hosts need control groups with controllers")
    if not Path("/dev/fuse").exists():
        missing("the lab's shared storage needs /dev/fuse")
    return image()


@functools.cache
def _can_unshare() -> bool:
    return subprocess.run(["unshare", *APART, "true"], check=False, capture_output=True).returncode == 0
