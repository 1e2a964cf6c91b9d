"""What one guest shall become, and the digests by which attempts and refusals are counted.

Called by the planner for new steps and by execution/ when a parked record is weighed. Never looks at other guests.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from reconciler.core.desired import Guest
from reconciler.core.observed import HostFacts, Registration


def digest(value: object) -> str:
    """A short name for a value: same value, same digest. `value` is anything JSON can hold."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def intent_digest(guest: Guest) -> str:
    """What the document asks for. Attempts are counted per intent: a changed document starts anew."""
    return digest([guest.name, guest.uuid, guest.host, guest.power, asdict(guest.migration)])


def facts_digest(guest: Registration, source: HostFacts, target: HostFacts) -> str:
    """The platform facts a decision rests on. A refusal holds until one of them changes."""
    return digest([_host(source), _host(target), _registration(guest), _others(target, guest)])


def _host(facts: HostFacts) -> list[object]:
    return [
        facts.name,
        facts.machine_id,
        facts.version,
        asdict(facts.processor),
        facts.cpus,
        facts.memory_mib,
        facts.networks,
        facts.presented,
    ]


def _registration(guest: Registration) -> list[object]:
    return [
        guest.uuid,
        guest.name,
        guest.state,
        guest.memory_mib,
        guest.vcpus,
        guest.cpu_entitlement_percent,
        [asdict(disk) for disk in guest.disks],
        guest.networks,
        guest.boot_floor.version if guest.boot_floor else "",
        dict(guest.attributes),
    ]


def _others(target: HostFacts, guest: Registration) -> list[object]:
    """What runs on the target besides: a refusal for want of room ends when one of them leaves."""
    return [[entry.uuid, entry.state, entry.memory_mib] for entry in target.registrations if entry.uuid != guest.uuid]
