"""What one guest shall become, and the digests by which attempts and refusals are counted.

Called throughout planning/: for new steps, and when parked records are weighed. Never decides anything.
"""

from __future__ import annotations

import hashlib
import json

from reconciler.core.desired import Guest
from reconciler.core.observed import HostFacts, Registration

ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def digest(value: object) -> str:
    """A short name for a value: same value, same digest. `value` is anything JSON can hold."""
    return hashlib.sha256(ENCODER.encode(value).encode()).hexdigest()[:16]


def intent_digest(guest: Guest) -> str:
    """What the document asks for. Attempts are counted per intent: a changed document starts anew."""
    policy = guest.migration
    return digest(
        [
            [guest.name, guest.uuid, guest.host, guest.power],
            [policy.method, policy.downtime, policy.stop.graceful_s, policy.stop.then],
            [policy.storage_copy, policy.auto_converge, policy.cleanup, policy.hop, policy.attempts],
        ]
    )


def aside_digest(guest: Guest) -> str:
    """What others want of a guest that steps aside for them. It is no attempt at what its own document asks for."""
    return digest(
        [[guest.name, guest.uuid, guest.host, "aside"], [guest.migration.step_aside, guest.migration.attempts]]
    )


def settings_digest(guest: Guest) -> str:
    """What the document asks for in settings. Attempts to set them are counted apart from those to move the guest."""
    return digest(
        [
            [guest.name, guest.uuid, guest.host, "settings"],
            [guest.memory_mib, guest.memory_min_mib, guest.cpu_entitlement_percent, guest.cpu_cap_percent],
            [guest.autostart, guest.migration.attempts],
        ]
    )


def facts_digest(guest: Registration, source: HostFacts, target: HostFacts) -> str:
    """The platform facts a decision rests on. A refusal holds until one of them changes."""
    return digest([_host(source), _host(target), _registration(guest), _others(target, guest)])


def _host(facts: HostFacts) -> list[object]:
    processor = facts.processor
    return [
        facts.name,
        facts.machine_id,
        facts.version,
        [processor.family, processor.model, processor.name],
        facts.cpus,
        facts.memory_mib,
        sorted(facts.networks),
        sorted(facts.presented),
        dict(facts.attributes),
    ]


def _registration(guest: Registration) -> list[object]:
    return [
        guest.uuid,
        guest.name,
        guest.state,
        guest.memory_mib,
        guest.vcpus,
        guest.cpu_entitlement_percent,
        sorted([disk.id, disk.kind, disk.size_mib, *sorted(disk.shared_with)] for disk in guest.disks),
        sorted(guest.networks),
        guest.boot_floor.version if guest.boot_floor else "",
        dict(guest.attributes),
    ]


def _others(target: HostFacts, guest: Registration) -> list[tuple[str, str, int]]:
    """What runs on the target besides: a refusal for want of room ends when one of them leaves."""
    entries = target.registrations
    return sorted((entry.uuid, entry.state, entry.memory_mib) for entry in entries if entry.uuid != guest.uuid)
