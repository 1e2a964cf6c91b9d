"""What of a guest its host, or a migration, cannot do without: devices that libvirt refuses to migrate, and such as we
do not handle. Called by domain.

Words are for people. What libvirt 9.0 refuses: qemuMigrationSrcIsAllowed in src/qemu/qemu_migration.c.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.drivers.libvirt.looking.parse.trees import Element, attribute

QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"
PRESENT: Mapping[str, str] = {
    "devices/hostdev": "host device",
    "devices/filesystem": "shared folder",
    "devices/shmem": "shared memory device",
    "devices/interface[@type='hostdev']": "host network device",
    "devices/interface[@type='vhostuser']": "vhost-user network",
    "devices/interface[@type='vdpa']": "vDPA network",
    "devices/memory[@model='nvdimm']": "NVDIMM",
    "devices/memory[@model='virtio-pmem']": "persistent memory",
    "devices/memory[@model='sgx-epc']": "SGX memory",
    "devices/disk[@type='nvme']": "host NVMe disk",
    "devices/disk[@type='vhostuser']": "vhost-user disk",
    "devices/disk[@type='vhostvdpa']": "vDPA disk",
    "devices/disk[@type='dir']": "folder as disk",
    "devices/disk/mirror": "disk copy under way",
    "devices/serial[@type='dev']": "host serial port",
    "devices/parallel[@type='dev']": "host parallel port",
    "devices/smartcard[@mode='host']": "host smartcard",
    "devices/lease": "lock lease",
    "devices/graphics/gl[@enable='yes']": "3D acceleration",
    "devices/video/model/acceleration[@accel3d='yes']": "3D acceleration",
    "launchSecurity": "encrypted memory",
    f"{QEMU}commandline": "QEMU arguments of its own",
    f"{QEMU}override": "QEMU properties of its own",
}
"""What is in a definition -> what it is called."""


def refused(domain: Element) -> tuple[str, ...]:
    """What of that the guest has, sorted."""
    found = {word for path, word in PRESENT.items() if domain.find(path) is not None}
    invariant = domain.find("cpu/feature[@name='invtsc']")
    if invariant is not None and invariant.get("policy") in ("require", "force"):
        if not attribute(domain, "clock/timer[@name='tsc']", "frequency"):
            found.add("invariant TSC without a frequency")
    return tuple(sorted(found))


def tpm(domain: Element) -> str:
    """`none`, or the kind of its TPM. One that we do not know is told by its own word."""
    if domain.find("devices/tpm") is None:
        return "none"
    return attribute(domain, "devices/tpm/backend", "type") or "unknown"
