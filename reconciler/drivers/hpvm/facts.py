"""One look's answers as `HostFacts`: what a host is and which guests it knows.

Called by the driver and by check. Pure. Identity, guests and move records must be read beyond doubt, else the host
counts as not read; of everything else, what cannot be read is unknown, which only ever forbids, and is noted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.model import Processor
from reconciler.core.observed import HostFacts, Job
from reconciler.drivers.hpvm.foreign import foreign_records
from reconciler.drivers.hpvm.parse import machine, processes, storage
from reconciler.drivers.hpvm.reading import Reading
from reconciler.drivers.hpvm.registrations import registrations
from reconciler.drivers.hpvm.rulebook.book import PLATFORM
from reconciler.ssh.looks.sections import NOTHING, Section, Unreadable, numbered
from reconciler.ssh.looks.told import job_told, record_told

END = "end"
"""The section that observe.sh prints last."""
OVERHEAD_PERCENT = 9
"""A guest of 10 GB takes 10.83 GB of its host (HP Integrity VM system sizing guidelines, white paper, p. 14)."""
PROGRESS = re.compile(r"^hpvmmigrate: \w[\w/ ]* phase \(step \d+\) - progress (\d{1,3})%", re.MULTILINE)


def facts(reading: Reading) -> HostFacts:
    """Everything about the host. Raises Unreadable where it cannot be told for certain who it is, which guests it
    has, or what lies on it of moves."""
    text, stated = reading.text, reading.stated
    if reading.sections.get(END, NOTHING).status != 0:
        raise Unreadable("its answer breaks off: who knows what else lies there")
    if not machine.is_vm_host(text("platform")):
        raise Unreadable("hpvminfo does not say that this is a VM Host", text("platform"))
    clock_s = machine.clock_s(text("clock"))
    nothing: Mapping[str, str] = {}
    luns = reading.or_else("storage", lambda: _luns(reading.sections.get("luns", NOTHING)), nothing)
    guests = registrations(reading, luns)
    records = tuple(record_told(name, found.text) for name, found in numbered(reading.sections, "record").items())
    jobs = tuple(_job(name, found.text) for name, found in numbered(reading.sections, "job").items())
    if reading.sections.get("migrations", NOTHING).status != 0:
        raise Unreadable("ps does not list the processes", text("migrations"))
    running = processes.migrations(text("migrations"))
    foreign = foreign_records(reading.host, running, records, jobs, guests, stated.aliases, clock_s)
    return HostFacts(
        name=reading.host,
        machine_id=machine.machine_id(text("machine")),
        platform=PLATFORM,
        version=stated.version or reading.or_else("version", lambda: machine.version(text("version")), ""),
        processor=stated.processor
        or reading.or_else(
            "processor", lambda: machine.processor(text("machine"), text("processor")), Processor(0, -1, "")
        ),
        cpus=stated.cpus or reading.or_else("cpus", lambda: machine.cpus(text("machine")), 0),
        memory_mib=stated.memory_mib or reading.or_else("memory", lambda: machine.guest_memory_mib(text("machine")), 0),
        memory_overhead_percent=OVERHEAD_PERCENT,
        disk_free_mib=reading.or_else("room", lambda: storage.room_mib(text("room").strip("\n")), 0),
        bandwidth_mib_s=stated.bandwidth_mib_s,
        keeps_copies=True,
        networks=reading.or_else("switches", lambda: machine.switches(text("switches")), ()),
        presented=tuple(sorted(set(luns.values()))),
        registrations=guests,
        records=tuple(sorted((*records, *foreign), key=lambda record: record.id)),
        jobs=jobs,
        clock_s=clock_s,
    )


def _luns(section: Section) -> Mapping[str, str]:
    found = storage.luns(section.text)
    if not found and section.status != 0:
        raise Unreadable("scsimgr lists no LUN", section.text)
    return found


def _job(name: str, text: str) -> Job:
    """What every job says of itself, and how far the migration says that it is."""
    job = job_told(name, text)
    percents = PROGRESS.findall(job.output_tail)
    return job if job.ended or not percents else replace(job, progress_percent=min(99, int(percents[-1])))
