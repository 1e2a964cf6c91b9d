"""Stand-ins that only tell: hpvmstatus, hpvminfo, hpvmnet, machinfo, scsimgr, diskinfo, lvdisplay, bdf, date, ls.

Called by the fleet's server. Never changes the world.
"""

from __future__ import annotations

import time

from reconciler.core.model import StorageKind
from tests.drivers.hosts.catalogue import long_version, version_of
from tests.drivers.hosts.printing import machine, network, resources, status, storage, verbose
from tests.drivers.hosts.server import Call, RunTheRealOne
from tests.drivers.hosts.stand_ins.words import Usage, named, read

FAMILY_OF_11_23 = 31
"""A host with processors as old as these runs HP-UX 11.23."""
ROOT_DEVICE = "/dev/vg00/lvol8"


def hpvmstatus(call: Call) -> int:
    """All guests or one, in the form that the options ask for."""
    options = read(call.argv, flags="VdrMXsv", valued="Pp")
    if "v" in options.flags:
        call.out(_version(call))
        return 0
    with call.server.locked():
        one = bool(options.one("P") or options.one("p"))
        copy = named(call, options) if one else None
        if one and copy is None:
            return 1
        rows = [call.catalogue.guest(call.host, copy)] if copy is not None else call.catalogue.guests(call.host)
        version = version_of(call.host.version)
    if "V" in options.flags:
        call.out(verbose.verbose(rows, call.variants, one=one))
    elif "r" in options.flags:
        call.out(resources.resources_of(rows[0]) if one else resources.resources(rows))
    elif "d" in options.flags and one:
        call.out(status.devices(rows[0], version))
    elif one:
        call.out(status.details(rows[0]))
    else:
        call.out(status.summary(rows, version, wider=call.variants.extra_columns))
    return 0


def _version(call: Call) -> str:
    plain = call.host.version
    return call.variants.version_line.format(version=long_version(plain), plain=plain) + "\n"


def hpvminfo(call: Call) -> int:
    """Whether this is a host, and its version."""
    options = read(call.argv, flags="vVSM", valued="")
    call.out(_version(call) if "v" in options.flags else machine.HPVMINFO)
    return 0


def hpvmnet(call: Call) -> int:
    """All virtual switches, or one with its ports."""
    options = read(call.argv, flags="", valued="S")
    with call.server.locked():
        switches = call.catalogue.switches(call.host)
    name = options.one("S")
    if not name:
        call.out(network.hpvmnet(switches, call.variants.switch_states))
        return 0
    found = next((switch for switch in switches if switch.name == name), None)
    if found is None:
        call.err(f"hpvmnet: The vswitch '{name}' does not exist.\n")
        return 1
    call.out(network.hpvmnet_one(found, call.variants.switch_states))
    return 0


def machinfo(call: Call) -> int:
    """Processors and memory."""
    with call.server.locked():
        row = call.catalogue.machine(call.host)
    if row.family == FAMILY_OF_11_23:
        if call.argv:
            call.err(machine.INVALID_OPTION)
            return 1
        call.out(machine.machinfo_11_23(row))
    elif call.argv == ("-v",):
        call.out(machine.machinfo_verbose(row))
    elif not call.argv:
        call.out(machine.machinfo(row))
    else:
        raise Usage(f"illegal option -- {call.argv[0].lstrip('-')}")
    return 0


def scsimgr(call: Call) -> int:
    """The device files and WWIDs of all LUNs; other questions are not answered."""
    asked = tuple(call.argv)
    if asked[:3] != ("-p", "get_attr", "all_lun") or asked[3:] != ("-a", "device_file", "-a", "wwid"):
        call.err("scsimgr: ERROR: Invalid arguments\n")
        return 1
    with call.server.locked():
        call.out(storage.scsimgr(call.catalogue.luns(call.host)))
    return 0


def diskinfo(call: Call) -> int:
    """The size of one disk."""
    options = read(call.argv, flags="b", valued="")
    device = options.rest[0] if options.rest else ""
    with call.server.locked():
        sizes = {
            call.catalogue.path(call.host, disk): disk.size_mib
            for copy in call.host.copies.values()
            for disk in copy.disks
            if disk.kind in (StorageKind.SAN, StorageKind.LOCAL_DISK)
        }
    if device not in sizes or "b" not in options.flags:
        call.err(f"diskinfo: can't open {device}: No such device or address\n")
        return 1
    call.out(storage.diskinfo_b(sizes[device]))
    return 0


def lvdisplay(call: Call) -> int:
    """One logical volume, by its block path."""
    path = call.argv[-1] if call.argv else ""
    with call.server.locked():
        sizes = {
            disk.id: disk.size_mib
            for copy in call.host.copies.values()
            for disk in copy.disks
            if disk.kind is StorageKind.LOGICAL_VOLUME
        }
    if path not in sizes:
        call.err(f'lvdisplay: Cannot display logical volume "{path}".\n')
        return 1
    call.out(storage.lvdisplay(path, sizes[path]))
    return 0


def bdf(call: Call) -> int:
    """The one file system there is: all local volumes lie in it."""
    with call.server.locked():
        host = call.host
        size_kib, free_kib = host.disk_mib * 1024, host.disk_free_mib * 1024
    device = call.variants.file_system or ROOT_DEVICE
    call.out(storage.bdf([(device, size_kib, size_kib - free_kib, free_kib, "/var")]))
    return 0


def date(call: Call) -> int:
    """The host's own clock. HP-UX knows no `%s`."""
    form = next((word[1:] for word in call.argv if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    now = time.gmtime(call.server.clock_s(call.host_name))
    call.out(time.strftime(form.replace("%s", "s"), now) + "\n")
    return 0


def ls(call: Call) -> int:
    """The size of a guest's file; everything else is the host's own."""
    options = [word for word in call.argv if word.startswith("-")]
    if not any("l" in word for word in options):
        raise RunTheRealOne
    with call.server.locked():
        disks = call.catalogue.local_disks(call.host)
        files = {path: disk for path, disk in disks.items() if disk.kind is StorageKind.FILE}
    paths = [word for word in call.argv if not word.startswith("-")]
    if not paths or not all(path in files for path in paths):
        raise RunTheRealOne
    for path in paths:
        call.out(storage.ls_l(path, files[path].size_mib * 1024 * 1024))
    return 0
