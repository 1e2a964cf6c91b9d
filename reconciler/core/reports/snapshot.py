"""An observed fleet as a JSON document, and strictly back.

Called wherever a snapshot is printed, committed or read. Never holds volatile figures (clocks, jobs, progress,
expiries): an unchanged fleet gives the same bytes.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.observed import HostFacts, Look, ObservedFleet, Unreachable
from reconciler.core.reports.json_values import Json, at, body, headed, plain_fields, typed, unheaded, wrong


def fleet_to_json(fleet: ObservedFleet) -> Json:
    """The snapshot of a fleet, hosts by name."""
    return headed("ObservedFleet", {"hosts": [_look(fleet.hosts[name]) for name in sorted(fleet.hosts)]})


def fleet_from_json(raw: object) -> ObservedFleet:
    """Read back what `fleet_to_json` wrote. Raises ValueError, naming the path, for anything else."""
    entries = body(raw, "ObservedFleet", {"hosts"})["hosts"]
    if not isinstance(entries, list):
        raise wrong("hosts", "a list", entries)
    hosts: dict[str, Look] = {}
    for number, entry in enumerate(entries):
        look = _read_look(entry, f"hosts[{number}]")
        if look.name in hosts:
            raise ValueError(f"hosts[{number}].name: this host is in the list before")
        hosts[look.name] = look
    return ObservedFleet(hosts)


def host_to_json(look: Look) -> Json:
    """The snapshot of one host, as it lies on the status branch."""
    return headed("ObservedHost", _look(look))


def host_from_json(raw: object) -> Look:
    """Read back what `host_to_json` wrote. Raises ValueError, naming the path, for anything else."""
    return _read_look(unheaded(raw, "ObservedHost"), "")


def settled(look: Look) -> Look:
    """The look without its volatile figures: two of one settled look are one snapshot."""
    if not isinstance(look, HostFacts):
        return look
    records = tuple(replace(record, stage_since_s=0.0, expires_s=0.0, begun_s=0.0) for record in look.records)
    return replace(look, clock_s=0.0, jobs=(), records=records)


def _look(look: Look) -> Json:
    return {"reachable": isinstance(look, HostFacts), **plain_fields(look)}


def _read_look(raw: object, path: str) -> Look:
    if not isinstance(raw, dict):
        raise wrong(path, "an object", raw)
    reachable = raw.get("reachable")
    if not isinstance(reachable, bool):
        raise wrong(at(path, "reachable"), "true or false", reachable)
    rest = {key: value for key, value in raw.items() if key != "reachable"}
    return typed(HostFacts, rest, path) if reachable else typed(Unreachable, rest, path)
