"""What the lab's guests boot from: Debian's cloud kernel, and an initrd that holds a program which counts.

Called by `require_lab`. Kept below the temporary folder, by version and by what it is made of, so that a machine makes
it once; test processes that want it at the same time wait for one of them. Installs nothing: the kernel is only
unpacked.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.ssh.packages import apt, may_install, missing

KERNEL = "linux-image-cloud-amd64"
"""Depends on the newest kernel of its kind."""
MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"),
    *("virtio_balloon", "evdev", "button"),
)
"""In the order in which they need each other."""
SOURCES = Path(__file__).parent


@dataclass(frozen=True)
class Image:
    """A folder with `vmlinuz` and `initrd.gz`."""

    folder: Path


@functools.cache
def image() -> Image:
    """The newest one, made when it is not there yet."""
    place = Path(tempfile.gettempdir()) / f"reconciler-lab-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    assert place.stat().st_uid == os.getuid(), f"{place} is somebody else's"
    with (place / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        kernel = _kernel(place)
        made = place / f"image-{kernel.name}-{_fingerprint()}"
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=place) as scratch:
                _make(kernel, Path(scratch))
                ready = Path(scratch) / "image"
                ready.rename(made)
    return Image(made)


def _fingerprint() -> str:
    """Of all that goes into the initrd but the kernel's modules."""
    parts = [*((SOURCES / name).read_bytes() for name in ("guest.c", "init")), " ".join(MODULES).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


# ----------------------------------------------------------------------------------------------------------- the kernel


def _kernel(place: Path) -> Path:
    """A folder with a kernel and its modules, named after its version. What is there is good enough."""
    kept = sorted(folder for folder in place.glob("kernel-*") if (folder / "vmlinuz").exists())
    return kept[-1] if kept else _download(place)


def _download(place: Path) -> Path:
    if not may_install():
        missing(f"no kernel for the lab's guests ({KERNEL}) has been downloaded")
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        package = _newest_kernel()
        apt("download", package, folder=Path(scratch))
        [archive] = Path(scratch).glob("*.deb")
        unpacked = Path(scratch) / "unpacked"
        subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True, capture_output=True)
        kernel = Path(scratch) / "kernel"
        kernel.mkdir()
        [vmlinuz] = (unpacked / "boot").glob("vmlinuz-*")
        shutil.move(vmlinuz, kernel / "vmlinuz")
        for module in MODULES:
            [file] = unpacked.rglob(f"{module}.ko")
            shutil.move(file, kernel / file.name)
        return kernel.rename(place / f"kernel-{package.removeprefix('linux-image-')}")


def _newest_kernel() -> str:
    """The package that `KERNEL` stands for."""
    for _ in range(2):
        said = subprocess.run(["apt-cache", "depends", KERNEL], check=False, capture_output=True, text=True).stdout
        for line in said.splitlines():
            kind, _, package = line.strip().partition(": ")
            if kind == "Depends" and package.startswith("linux-image-"):
                return package
        apt("update")
    raise AssertionError(f"apt knows no package {KERNEL}")


# ----------------------------------------------------------------------------------------------------------- the initrd


def _make(kernel: Path, scratch: Path) -> None:
    """`scratch`/image, from the kernel and our sources."""
    root, made = scratch / "root", scratch / "image"
    for folder in ("bin", "dev", "modules", "proc", "sys"):
        (root / folder).mkdir(parents=True)
    made.mkdir()
    busybox = Path(shutil.which("busybox") or "/bin/busybox")
    assert b"/ld-linux" not in busybox.read_bytes()[:8192], "the guests need busybox-static, this busybox is not static"
    shutil.copy(busybox, root / "bin" / "busybox")
    program = ["gcc", "-O2", "-static", "-o", str(root / "bin" / "guest"), str(SOURCES / "guest.c")]
    subprocess.run(program, check=True, capture_output=True)
    shutil.copy(SOURCES / "init", root / "init")
    (root / "init").chmod(0o755)
    for module in MODULES:
        shutil.copy(kernel / f"{module}.ko", root / "modules")
    (root / "modules" / "order").write_text("".join(f"{module}\n" for module in MODULES), encoding="ascii")
    pack = "find . | cpio --quiet -o -H newc | gzip -9"
    with (made / "initrd.gz").open("wb") as initrd:
        subprocess.run(["/bin/sh", "-ec", pack], cwd=root, check=True, stdout=initrd, stderr=subprocess.PIPE)
    shutil.copy(kernel / "vmlinuz", made)
