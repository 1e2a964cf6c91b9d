"""One look's answers as `HostFacts`: what a host is and which guests it knows.

Called by the driver and by check. Pure. Identity, guests and move records must be read beyond doubt, else the host
counts as not read; of everything else, what cannot be read is unknown, which only ever forbids, and is noted.

What CPUs stand for takes answers beyond the look: `wanted` says which are missing, expand.sh asks for them, `expanded`
reads them. They hold as long as the host's `versions` do; an empty answer means that the host could not tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from reconciler.core.model import Processor
from reconciler.core.names import printable
from reconciler.core.observed import HostFacts, Job, LeftDisk
from reconciler.core.records import MoveRecord
from reconciler.drivers.libvirt.looking.foreign import foreign_records
from reconciler.drivers.libvirt.looking.parse import files, machine, offers
from reconciler.drivers.libvirt.looking.parse.trees import Element, tree, value
from reconciler.drivers.libvirt.looking.reading import Reading
from reconciler.drivers.libvirt.looking.registrations import Known, known, registrations
from reconciler.drivers.libvirt.looking.storage import storage
from reconciler.drivers.libvirt.rulebook.book import PLATFORM
from reconciler.ssh.looks.sections import NOTHING, Section, Unreadable, numbered
from reconciler.ssh.looks.told import job_told, record_told

END = "end"
"""The section that observe.sh prints last."""
OVERHEAD_PERCENT = 5
"""What QEMU takes beside a guest's memory. For one of 8 GiB that is about 200 MiB for itself, its devices and video
memory, and 2 % for page tables and the rest. Small guests take a larger part: one of 96 MiB was seen to take 100 MiB
more. A percentage cannot say that; the host's reserve has to make up for many of them."""
VIRT_TYPES = ("kvm", "qemu")
OCCUPIED_MAX = 2000

OF_FILES = frozenset(("resolved", "files", "headers", "devices", "folders", "occupied", "room", "vouched"))
"""Sections that a file system can hold up whose server is away: what they would say is unknown then."""

Expansions = Mapping[str, frozenset[str]]
"""Question -> CPU features."""


def facts(reading: Reading, expansions: Expansions) -> HostFacts:
    """Everything about the host. Raises Unreadable where it cannot be told for certain who it is, which guests it
    has, or what lies on it of moves."""
    text, stated = reading.text, reading.stated
    _whole(reading)
    clock_s = machine.clock_s(text("clock"))
    capabilities = machine.capabilities(text("capabilities"))
    records = tuple(record_told(name, found.text) for name, found in numbered(reading.sections, "record").items())
    guests = known(reading)
    disks = storage(reading)
    registered = registrations(reading, guests, disks, records)
    foreign = foreign_records(reading.host, guests, records, clock_s)
    return HostFacts(
        name=reading.host,
        machine_id=machine.machine_id(capabilities),
        platform=PLATFORM,
        version=reading.or_else("version", lambda: machine.qemu_version(text("version")), ""),
        processor=stated.processor
        or reading.or_else("processor", lambda: machine.processor(capabilities), Processor(0, -1, "")),
        cpus=stated.cpus or reading.or_else("cpus", lambda: machine.cpus(text("nodeinfo")), 0),
        memory_mib=stated.memory_mib or reading.or_else("memory", lambda: _memory_mib(reading), 0),
        memory_overhead_percent=OVERHEAD_PERCENT,
        disk_free_mib=reading.or_else("room", lambda: files.room_mib(text("room")), 0),
        bandwidth_mib_s=stated.bandwidth_mib_s,
        networks=_networks(reading),
        presented=disks.presented(),
        registrations=registered,
        records=tuple(sorted((*records, *foreign), key=lambda record: record.id)),
        saved=tuple(sorted(_saved(reading, records, guests))),
        left=tuple(sorted(_left(reading))),
        attributes=_attributes(reading, capabilities, guests, expansions),
        jobs=tuple(_jobs(reading, records, guests)),
        clock_s=clock_s,
    )


def wanted(reading: Reading, expansions: Expansions) -> tuple[str, ...]:
    """What is still to be asked of expand.sh, one question an argument."""
    try:
        guests = known(Reading(reading.host, reading.sections, reading.stated))  # facts does the noting
    except Unreadable:
        return ()
    questions = {question for _, question in _model_questions(guests)}
    for virt_type, found in _offers(reading):
        if found.host_model is not None:
            questions.add(offers.offer_question(virt_type, found.host_model))
    return tuple(sorted(questions - set(expansions)))


def expanded(answers: Mapping[str, Section]) -> Expansions:
    """What expand.sh answered: all features of each CPU that it was asked about, none where the host cannot tell."""
    found = {}
    for asked, section in numbered(answers, "cpu").items():
        if section.unfinished:
            continue  # no answer, or half of one: to be asked again
        try:
            found[asked] = offers.expansion(asked, section.text)
        except Unreadable:
            found[asked] = frozenset()
    return found


def versions(reading: Reading) -> str:
    """Of libvirt and QEMU: as long as they stay, so do the answers to what was `wanted`."""
    return " ".join(reading.text("version").split())


def _whole(reading: Reading) -> None:
    """Raises Unreadable where a part of the look is missing, with what was said in its place."""
    for name, found in reading.sections.items():
        if found.timed_out and name not in OF_FILES:
            raise Unreadable(f"libvirt did not answer in time, when asked for {name}")
    begun = reading.sections.get("host begun", NOTHING)
    if begun.status != 0:
        raise Unreadable("virsh cannot ask libvirt", begun.text.strip().rpartition("\n")[2].removeprefix("error: "))
    if reading.sections.get(END, NOTHING).status != 0:
        raise Unreadable("its answer breaks off: who knows what else lies there")


def _memory_mib(reading: Reading) -> int:
    return max(0, machine.memory_mib(reading.text("memory")) - reading.stated.host_reserve_mib)


def _networks(reading: Reading) -> tuple[str, ...]:
    """What guests can be connected to: libvirt's networks that are active, and bridges."""
    parts = (("network", "networks"), ("bridge", "bridges"), ("ovs", "ovs bridges"))
    found = set()
    for word, name in parts:
        if reading.status(name) == 0 and not reading.text(name).startswith("error:"):
            found |= {printable(f"{word}:{line.strip()}") for line in reading.text(name).split("\n") if line.strip()}
    return tuple(sorted(found))


def _attributes(
    reading: Reading, capabilities: Element, guests: Mapping[str, Known], expansions: Expansions
) -> Mapping[str, str]:
    """What the platform's rules need beyond the rest. A key that is left out is unknown to them."""
    copy_folders = _copy_folders(reading)
    told: dict[str, str | None] = {
        "libvirt": reading.or_else("version", lambda: machine.libvirt_version(reading.text("version")), None),
        "machines": ",".join(machine.machines(capabilities)) or None,
        "copy_folders": ",".join(copy_folders) if reading.text("folders").strip() else None,
        "occupied": _occupied(reading, copy_folders),
    }
    for virt_type, found in _offers(reading):
        told[f"models:{virt_type}"] = ",".join(found.models)
        told[f"partial:{virt_type}"] = ",".join(found.partial)
        if found.host_model is not None:
            features = expansions.get(offers.offer_question(virt_type, found.host_model))
            told[f"cpu:{virt_type}"] = ",".join(sorted(features)) if features else None
    for model, question in _model_questions(guests):
        features = expansions.get(question)
        if features:
            told[f"model:{model}"] = ",".join(sorted(features))
    return {key: printable(words) for key, words in sorted(told.items()) if words is not None}


def _offers(reading: Reading) -> Iterator[tuple[str, offers.Offer]]:
    """What can be given to guests here, for each type of virtualisation that the host has."""
    for virt_type in VIRT_TYPES:
        try:
            yield virt_type, offers.offer(reading.text(f"domcapabilities {virt_type}"), virt_type)
        except Unreadable:
            continue


def _model_questions(guests: Mapping[str, Known]) -> tuple[tuple[str, str], ...]:
    """The CPU models of guests here, and what asks for their features."""
    cpus = {(entry.domain.cpu.model, entry.domain.virt_type) for entry in guests.values()}
    return tuple(
        (model, offers.model_question(virt_type, model))
        for model, virt_type in sorted(cpus)
        if model and virt_type in VIRT_TYPES
    )


def _copy_folders(reading: Reading) -> tuple[str, ...]:
    """Folders that copies may go to: those of active pools, and that of the settings, on its file system."""
    found = files.folders(reading.text("folders"))
    device = found.get(reading.stated.copy_folder)
    pools = numbered(reading.sections, "pool").values()
    targets = {reading.or_else("pools", partial(_target, pool.text), "") for pool in pools}
    targets.add(reading.stated.copy_folder)
    return tuple(sorted(folder for folder in targets if device is not None and found.get(folder) == device))


def _target(text: str) -> str:
    """`pool-dumpxml`: the folder of a pool that is one."""
    pool = tree(text, "pool", what="pool-dumpxml")
    return value(pool, "target/path") if pool.get("type") == "dir" else ""


def _occupied(reading: Reading, copy_folders: tuple[str, ...]) -> str | None:
    """What lies in the folders for copies. Paths with a comma are left out: no disk of such a path is copied."""
    section = reading.sections.get("occupied", NOTHING)
    paths = {line for line in section.text.split("\n") if line.rpartition("/")[0] in copy_folders}
    if section.status != 0 or len(paths) > OCCUPIED_MAX:
        return None
    return ",".join(sorted(path for path in paths if "," not in path))


def _jobs(reading: Reading, records: tuple[MoveRecord, ...], guests: Mapping[str, Known]) -> Iterator[Job]:
    """Jobs of ours. A migration lives in libvirtd: it goes on when the process that asked for it has gone."""
    by_id = {record.id: record for record in records}
    for name, section in numbered(reading.sections, "job").items():
        job = job_told(name, section.text)
        record = by_id.get(job.record_id)
        entry = guests.get(record.guest_uuid) if record is not None and record.attempt == job.attempt else None
        if entry is None or entry.migration is None:
            yield job
            continue
        under_way = entry.migration
        yield replace(
            job,
            ended=False,
            status=None,
            progress_percent=under_way.progress_percent,
            moved_mib=under_way.moved_mib,
            remaining_mib=under_way.remaining_mib,
            rate_mib_s=under_way.rate_mib_s,
        )


def _saved(reading: Reading, records: tuple[MoveRecord, ...], guests: Mapping[str, Known]) -> Iterator[str]:
    by_id = {record.id: record for record in records if record.under_way and record.guest_uuid not in guests}
    for name, section in numbered(reading.sections, "move").items():
        if name in by_id and "saved" in section.text.split("\n"):
            yield name


def _left(reading: Reading) -> Iterator[LeftDisk]:
    for name, section in numbered(reading.sections, "move").items():
        for line in section.text.split("\n"):
            word, _, path = line.partition(" ")
            if word == "left" and path.startswith("/") and path.isprintable():
                yield LeftDisk(name, path)
