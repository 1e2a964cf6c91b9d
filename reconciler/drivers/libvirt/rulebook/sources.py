"""The pages and programs that the rules of libvirt rest on.

Printed by the reference page; the sources that rules name begin with these words. Decides nothing.
"""

from __future__ import annotations

from reconciler.drivers.rules import Basis, Confidence

TITLES = {
    "libvirt: Guest migration": "https://libvirt.org/migration.html",
    "libvirt: Domain XML format": "https://libvirt.org/formatdomain.html",
    "libvirt: virsh(1)": "https://libvirt.org/manpages/virsh.html, as of 9.0",
    "libvirt 9.0, src/qemu/qemu_migration.c": "https://gitlab.com/libvirt/libvirt/-/blob/v9.0.0/src/qemu/qemu_migration.c",
    "QEMU: Backwards compatibility": "https://www.qemu.org/docs/master/devel/migration/compatibility.html",
    "QEMU: qemu-system-x86_64(1)": "https://www.qemu.org/docs/master/system/invocation.html, `-machine`",
    "QEMU: qemu-cpu-models(7)": "https://www.qemu.org/docs/master/system/qemu-cpu-models.html, as of 7.2",
}
"""What a source begins with, and where to look for it."""


def seen(what: str) -> Basis:
    """What was seen on hosts of the versions that this driver is tested with."""
    return Basis(f"seen: libvirt 9.0, QEMU 7.2: {what}", Confidence.OBSERVED)


def untried(what: str) -> Basis:
    """What may well work, and is not done because it was never tried here."""
    return Basis(what, Confidence.UNKNOWN)
