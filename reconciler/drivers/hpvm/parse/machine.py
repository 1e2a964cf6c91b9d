"""Version, processor, memory, identity and clock of a host. Called by facts; each answer stands for itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from reconciler.core.model import Processor
from reconciler.drivers.hpvm.parse.tables import table
from reconciler.ssh.looks.sections import Unreadable

VERSION = re.compile(r"\b[AB]\.0?(\d{1,2})\.(\d)(\d)(?:\.0?(\d))?|(?<![\d.])(\d)\.(\d)(?:\.(\d))?(?![\d.])", re.ASCII)
FAMILY_11_23 = re.compile(r"processor family:[ \t]*(\d{1,9})", re.IGNORECASE)
MODEL_11_23 = re.compile(r"processor model:[ \t]*(\d{1,9})(?:[ \t]+(\S.*\S))?", re.IGNORECASE)
NUMBERS_11_31 = re.compile(r"\bFamily (\d{1,9}), model (\d{1,9})\b", re.IGNORECASE)
NAME_11_31 = re.compile(r"^[ \t]*(?:\d+ )?(Intel\(R\).*?)(?: series)?(?: processors?)?(?: series)? \(", re.MULTILINE)
NAMED = {"Itanium 2 9000": (32, 0), "Itanium 2 9100": (32, 1)}
"""Processors by the name that plain `machinfo` of 11.31 prints. The others' numbers are in no source."""

WORD = re.compile(r"\w+")
MEMORY = re.compile(r"^[ \t]*Memory[ \t]*[=:][ \t]*(\d{1,9}) MB", re.MULTILINE)
MACHINE_ID = re.compile(r"^[ \t]*machine id number[ \t]*[=:][ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)
CORES = re.compile(r"^[ \t]*(\d{1,9}) cores?(?: \(\d+ per socket\))?[ \t]*$", re.MULTILINE)
LOGICAL = re.compile(r"^[ \t]*(\d{1,9}) logical processors?(?: \(\d+ per socket\))?[ \t]*$", re.MULTILINE)
THREADED = re.compile(r"LCPU attribute is enabled")
ENABLED_11_23 = re.compile(r"Number of enabled CPUs[ \t]*=[ \t]*(\d{1,9})")
NUMBER_11_23 = re.compile(r"Number of CPUs[ \t]*=[ \t]*(\d{1,9})")
SOCKETS = re.compile(r"^[ \t]*(\d{1,9}) Intel\(R\)", re.MULTILINE)

KEPT_MIB = 750
KEPT_THOUSANDTHS = 75
"""What the VM Host itself takes of its memory: an assumption (`host-memory`)."""


def is_vm_host(text: str) -> bool:
    """`hpvminfo`: whether this is a VM Host at all."""
    return any(_runs_guests(line) for line in text.split("\n"))


def _runs_guests(line: str) -> bool:
    words = WORD.findall(line.partition("Running")[2])
    place = next((place for place, word in enumerate(words) if word in ("HPVM", "VSP")), None)
    return place is not None and ("host" in words[place:] or (words[0] == "on" and "VSP" in words))


def version(text: str) -> str:
    """`hpvminfo -v`: `B.04.20.05` as `4.2.5`, `B.04.30` as `4.3`. Raises Unreadable."""
    for line in text.split("\n"):
        place = re.search(r"version", line, re.IGNORECASE)
        found = VERSION.search(line, place.end() if place else 0)
        if found is not None and (place is not None or found[1]):
            major, minor, third, fourth = found[1], found[2], found[3], found[4]
            if major is None:
                return f"{found[5]}.{found[6]}" + (f".{found[7]}" if found[7] and found[7] != "0" else "")
            patch = third if third != "0" else (fourth or "0")
            return f"{int(major)}.{minor}" + (f".{patch}" if patch != "0" else "")
    raise Unreadable("hpvminfo -v: no version in it", text)


def processor(plain: str, verbose: str) -> Processor:
    """`machinfo` and `machinfo -v`: the numbers where they are printed, else those that belong to the name. Raises
    Unreadable."""
    named = NAME_11_31.search(plain)
    name = " ".join(named[1].replace("Intel(R)", "").replace("(R)", "").split()) if named else ""
    for text in (verbose, plain):
        numbers = NUMBERS_11_31.search(text)
        if numbers is not None:
            return Processor(int(numbers[1]), int(numbers[2]), name)
    family, model = FAMILY_11_23.search(plain), MODEL_11_23.search(plain)
    if family is not None and model is not None:
        known_as = (model[2] or "").replace("Intel(R)", "").removesuffix("processor").removesuffix("series").strip()
        return Processor(int(family[1]), int(model[1]), known_as)
    if name in NAMED:
        return Processor(*NAMED[name], name)
    raise Unreadable("machinfo: neither numbers nor a name of the processor that we know", plain)


def cpus(text: str) -> int:
    """`machinfo`: processor cores in use. Threads count half, sockets whose cores nobody tells count as one. Raises
    Unreadable."""
    cores = CORES.search(text)
    if cores is not None:
        return int(cores[1])
    logical = LOGICAL.search(text)
    if logical is not None:
        return int(logical[1]) // (2 if THREADED.search(text) else 1)
    for pattern in (ENABLED_11_23, NUMBER_11_23, SOCKETS):
        found = pattern.search(text)
        if found is not None:
            return int(found[1])
    raise Unreadable("machinfo: no number of processors in it", text)


def guest_memory_mib(text: str) -> int:
    """`machinfo`: memory that is left for guests. Raises Unreadable."""
    found = MEMORY.search(text)
    if found is None:
        raise Unreadable("machinfo: no memory in it", text)
    total_mib = int(found[1])
    return max(0, total_mib * (1000 - KEPT_THOUSANDTHS) // 1000 - KEPT_MIB)


def machine_id(text: str) -> str:
    """`machinfo`: the machine's own identity. Raises Unreadable."""
    found = MACHINE_ID.search(text)
    if found is None:
        raise Unreadable("machinfo: no machine ID number in it", text)
    return found[1]


def clock_s(text: str) -> float:
    """`date -u '+%Y %j %H %M %S'`: seconds since the epoch. Raises Unreadable."""
    found = re.fullmatch(r"(\d{4}) (\d{1,3}) (\d{1,2}) (\d{1,2}) (\d{1,2})", text.strip(), re.ASCII)
    if found is None:
        raise Unreadable("date: not the date that was asked for", text)
    year, day, hour, minute, second = (int(number) for number in found.groups())
    try:
        begun = datetime(year, 1, 1, tzinfo=UTC)
        return (begun + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)).timestamp()
    except (ValueError, OverflowError) as error:
        raise Unreadable("date: no such day", text) from error


def switches(text: str) -> tuple[str, ...]:
    """`hpvmnet`: the virtual switches that are up, by name. Raises Unreadable."""
    return tuple(name for name, state in switch_states(text).items() if state == "Up")


def switch_states(text: str) -> Mapping[str, str]:
    """`hpvmnet`: all virtual switches, and the state of each. Raises Unreadable."""
    found = table(text)
    name, state = found.column("Name"), found.column("State")
    return dict(sorted((row[name], row[state]) for row in found.rows))
