"""One look's answers about guests as `Registration`s.

Called by facts. A guest whose identity, state, memory or number of processors cannot be read makes its host unreadable;
of everything else, what cannot be read is unknown, which only ever forbids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from reconciler.core.model import RunState, StepKind
from reconciler.core.names import is_name, printable
from reconciler.core.observed import UNUSABLE_NAME, Registration
from reconciler.core.records import MoveRecord
from reconciler.drivers.libvirt.looking.parse import domain as parse_domain
from reconciler.drivers.libvirt.looking.parse import figures, machine, states
from reconciler.drivers.libvirt.looking.parse.domain import Device, Domain
from reconciler.drivers.libvirt.looking.parse.figures import mib
from reconciler.drivers.libvirt.looking.parse.files import Header
from reconciler.drivers.libvirt.looking.reading import Reading
from reconciler.drivers.libvirt.looking.storage import Storage
from reconciler.ssh.looks.sections import Unreadable

BALLOON_FRESH_S = 60.0
"""How old a driver's word on its memory may be; of slower statistics, some periods old."""
BALLOON_PERIODS = 5
SAFE_CACHES = ("none", "directsync")


@dataclass(frozen=True)
class Known:
    """A guest of this host: what was said of it, put together."""

    domain: Domain
    state: states.State
    persistent: bool | None
    autostart: bool | None
    managed_save: bool | None
    migration: states.Migration | None
    """Under way, away from here. Of one that nobody can tell of, without figures."""
    arriving: bool
    """Whether it is the receiving side of a migration that is not over."""
    job: str
    """What libvirt does with it at this moment; `none`, or `unknown`."""
    stored: Domain | None
    """What a running guest boots with next; None where that cannot be read."""

    @property
    def name(self) -> str:
        """What it is called here: its uuid, where its own name is none that we use."""
        return self.domain.name if is_name(self.domain.name) else self.domain.uuid


def known(reading: Reading) -> Mapping[str, Known]:
    """All guests, by uuid. Raises Unreadable."""
    names = _names(reading)
    told = states.states(_answered(reading, "stats"))
    lists = {name: _list(reading, name) for name in ("persistent", "autostart", "managed-save")}
    found = {}
    for uuid, name in sorted(names.items()):
        domain = parse_domain.domain(_answered(reading, f"guest {uuid}"))
        if domain.uuid != uuid:
            raise Unreadable(f"dumpxml {uuid}: of another guest", domain.uuid)
        if name not in told:
            raise Unreadable(f"domstats: no state of guest {printable(name)}")
        migration, arriving = _moving(reading, uuid, told[name])
        running = told[name].run_state is not RunState.STOPPED
        found[uuid] = Known(
            domain=domain,
            state=told[name],
            persistent=_among(uuid, lists["persistent"]),
            autostart=_among(uuid, lists["autostart"]),
            managed_save=_among(uuid, lists["managed-save"]),
            migration=migration,
            arriving=arriving,
            job=states.job(reading.text(f"migration {uuid}")) if running else "none",
            stored=_stored(reading, uuid) if running else domain,
        )
    return found


def registrations(
    reading: Reading, guests: Mapping[str, Known], storage: Storage, records: tuple[MoveRecord, ...]
) -> tuple[Registration, ...]:
    """What the host knows of its guests, by uuid."""
    names = {uuid: entry.name for uuid, entry in guests.items()}
    users = storage.users(entry.domain for entry in guests.values())
    sharers = {identity: frozenset(names[uuid] for uuid in uuids) for identity, uuids in users.items()}
    arrivals = {
        record.guest_uuid
        for record in records
        if record.under_way and record.kind is StepKind.MIGRATE and record.target == reading.host
    }
    clock_s = float(reading.text("clock"))
    return tuple(_registration(reading, entry, storage, sharers, arrivals, clock_s) for entry in guests.values())


def _answered(reading: Reading, name: str) -> str:
    """What virsh said, which must have been asked. A section that virsh itself ended in has its exit status."""
    if reading.status(name) != 0:
        raise Unreadable(f"virsh did not say all: {name} is missing", reading.text(name))
    return reading.text(name)


def _moving(reading: Reading, uuid: str, state: states.State) -> tuple[states.Migration | None, bool]:
    """The migration away from here, and whether one arrives: the receiving side has no answer to `domjobinfo`, in the
    language of its daemon. Who else has none may be moving."""
    if state.run_state is RunState.STOPPED:
        return None, False
    text = reading.text(f"migration {uuid}")
    try:
        return states.migration(text), False
    except Unreadable:
        return (None, True) if state.may_arrive else (states.Migration(), False)


def _names(reading: Reading) -> Mapping[str, str]:
    """The guests that were here all the while. One that left meanwhile is here no longer; one that came was not asked
    about."""
    before = figures.guests(_answered(reading, "guests"))
    now = figures.guests(_answered(reading, "guests now"))
    for uuid in sorted(set(now) - set(before)):
        raise Unreadable(f"the guest {uuid} came while the host was looked at")
    return {uuid: name for uuid, name in before.items() if uuid in now}


def _stored(reading: Reading, uuid: str) -> Domain | None:
    read = partial(parse_domain.domain, reading.text(f"stored {uuid}"))
    return reading.or_else(f"stored definition of {uuid}", read, None)


def _list(reading: Reading, name: str) -> frozenset[str] | None:
    def read() -> frozenset[str] | None:
        return figures.uuids(_answered(reading, name), what=f"list {name}")

    return reading.or_else(name, read, None)


def _among(uuid: str, found: frozenset[str] | None) -> bool | None:
    return None if found is None else uuid in found


def _registration(
    reading: Reading,
    entry: Known,
    storage: Storage,
    sharers: Mapping[str, frozenset[str]],
    arrivals: set[str],
    clock_s: float,
) -> Registration:
    domain, state = entry.domain, entry.state
    disks = tuple(
        storage.disk(device, sharers[storage.identity(device.path)] - {entry.name})
        for device in domain.devices
        if device.path and not device.drive
    )
    running = state.run_state is RunState.RUNNING
    settable = running and _balloon_answers(domain, state, clock_s)
    attributes = _attributes(reading, entry, storage)
    if not is_name(domain.name):
        attributes[UNUSABLE_NAME] = printable(domain.name)
    return Registration(
        uuid=domain.uuid,
        name=entry.name,
        state=state.run_state,
        runnable=not (entry.arriving and entry.persistent is False),
        memory_mib=max(domain.memory_mib, mib(state.maximum_kib, 1)),
        memory_current_mib=mib(state.current_kib, 1) if running else 0,
        memory_min_mib=1 if settable else 0,
        memory_step_mib=1 if settable else 0,
        vcpus=domain.vcpus,
        cpu_entitlement_percent=domain.entitlement_percent(machine.weight_of_one_cpu(reading.text("cgroups"))),
        cpu_cap_percent=domain.cap_percent,
        disks=disks,
        networks=domain.networks,
        autostart=entry.autostart,
        left_over=state.went_by_migration or (state.failed and domain.uuid in arrivals),
        attributes=attributes,
    )


def _balloon_answers(domain: Domain, state: states.State, clock_s: float) -> bool:
    """Whether a driver in the guest lets its memory be set: `setmem` reports success also where there is none. Its
    statistics are the one sign of it, and they go on only while it lives."""
    patience_s = max(BALLOON_FRESH_S, BALLOON_PERIODS * domain.balloon_period_s)
    return domain.balloon and state.told_s > 0 and abs(clock_s - state.told_s) <= patience_s


def _attributes(reading: Reading, entry: Known, storage: Storage) -> dict[str, str]:
    """What the platform's rules need beyond the rest. A key that is left out is unknown to them."""
    domain = entry.domain
    disks = tuple(device for device in domain.devices if not device.drive)
    told: dict[str, str | None] = {
        "machine": domain.machine or None,
        "virt_type": domain.virt_type or None,
        "arch": domain.arch or None,
        "cpu_mode": domain.cpu.mode,
        "cpu_model": domain.cpu.model,
        "cpu_features": domain.cpu.spelt,
        **_stored_attributes(entry),
        "job": entry.job,
        "persistent": _yes_no(entry.persistent),
        "managed_save": _yes_no(entry.managed_save),
        "snapshots": _count(reading, f"snapshots {domain.uuid}"),
        "checkpoints": _count(reading, f"checkpoints {domain.uuid}"),
        "nvram": domain.nvram,
        "tpm": domain.tpm,
        "refused_devices": ",".join(domain.refused) or "none",
        "backing": _images(disks, storage, lambda device, header: device.backed or header.backed),
        "internal_snapshots": _images(disks, storage, lambda _, header: header.snapshots > 0),
        "shareable": _targets(disks, lambda device: device.shareable),
        "unclear_disks": _targets(disks, lambda device: not storage.certain(device.path)),
        "local_media": _targets(
            domain.devices, lambda device: device.drive and device.path != "" and not storage.store(device.path)
        ),
        "read_only": _targets(disks, lambda device: device.read_only),
        "cache": _targets(disks, lambda device: device.cache not in SAFE_CACHES),
    }
    return {key: printable(value) for key, value in told.items() if value is not None}


def _stored_attributes(entry: Known) -> Mapping[str, str | None]:
    """Of a guest that runs: what it boots with next."""
    stored = entry.stored
    if stored is None or stored is entry.domain:
        return {}
    return {
        "stored_machine": stored.machine or None,
        "stored_cpu_mode": stored.cpu.mode,
        "stored_cpu_model": stored.cpu.model,
        "stored_cpu_features": stored.cpu.spelt,
    }


def _targets(devices: tuple[Device, ...], which: Callable[[Device], bool]) -> str:
    return ",".join(sorted(device.target for device in devices if which(device)))


def _images(disks: tuple[Device, ...], storage: Storage, which: Callable[[Device, Header], bool]) -> str | None:
    """Of disks whose image says so; None where that of one is not known. A raw disk has nothing to say."""
    found = []
    for device in disks:
        header = Header(qcow2=False) if device.format == "raw" else storage.headers.get(device.path)
        if header is None or header.qcow2 != (device.format == "qcow2"):
            return None
        if which(device, header):
            found.append(device.target)
    return ",".join(sorted(found))


def _yes_no(word: bool | None) -> str | None:
    return None if word is None else "yes" if word else "no"


def _count(reading: Reading, name: str) -> str | None:
    """How many a list has; None where it could not be had: virsh prints its error in the place of it."""
    lines = [line for line in reading.text(name).split("\n") if line.strip()]
    if reading.status(name) != 0 or any(line.startswith("error:") for line in lines):
        return None
    return str(len(lines))
