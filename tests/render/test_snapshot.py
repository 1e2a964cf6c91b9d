"""A snapshot comes back as it was and is the same bytes for the same facts; anything else is refused with its place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from reconciler.core.observed import HostFacts, Job, Look, ObservedFleet
from reconciler.core.records import MoveRecord
from reconciler.core.reports.json_values import canonical, parsed
from reconciler.core.reports.snapshot import fleet_from_json, fleet_to_json, host_from_json, host_to_json
from tests.render.example import FLEET
from tests.render.values import looks, observed_fleets


def settled(look: Look) -> Look:
    """The look without what changes by itself."""
    if not isinstance(look, HostFacts):
        return look
    records = tuple(replace(record, stage_since_s=0.0, expires_s=0.0, begun_s=0.0) for record in look.records)
    return replace(look, clock_s=0.0, jobs=(), records=records)


@given(observed_fleets())
def test_a_fleet_comes_back_from_its_snapshot(fleet: ObservedFleet) -> None:
    expected = ObservedFleet({name: settled(look) for name, look in fleet.hosts.items()})
    assert fleet_from_json(json.loads(canonical(fleet_to_json(fleet)))) == expected


@given(looks())
def test_a_host_comes_back_from_its_snapshot(look: Look) -> None:
    assert host_from_json(json.loads(canonical(host_to_json(look)))) == settled(look)


def test_clocks_jobs_and_expiries_are_not_in_a_snapshot() -> None:
    """They change at each look; with them in it, a fleet at rest would make a commit each time."""
    facts = FLEET.facts("vmhost-b")
    assert facts is not None
    names = MoveRecord.__dataclass_fields__
    record = MoveRecord(**{name: "x" for name in names if names[name].default is names["id"].default})  # type: ignore[arg-type]  # only its times matter here
    earlier = replace(facts, clock_s=1.0, records=(replace(record, expires_s=5.0),))
    later = replace(
        facts, clock_s=9.0, jobs=(Job("r", 1, "migrate", False),), records=(replace(record, expires_s=9.0),)
    )
    assert canonical(host_to_json(earlier)) == canonical(host_to_json(later))


def test_hosts_are_sorted_whatever_order_they_answered_in() -> None:
    backwards = ObservedFleet(dict(reversed(list(FLEET.hosts.items()))))
    assert canonical(fleet_to_json(backwards)) == canonical(fleet_to_json(FLEET))


def test_whole_seconds_are_the_same_bytes_as_the_same_figure_read_back() -> None:
    again = fleet_from_json(json.loads(canonical(fleet_to_json(FLEET))))
    assert canonical(fleet_to_json(again)) == canonical(fleet_to_json(FLEET))
    assert b'"bandwidth_mib_s": 100,' in canonical(fleet_to_json(FLEET))


def test_the_bytes_are_ascii_and_end_with_a_newline() -> None:
    document = canonical({"name": "\u202e\x9b日\x1b"})
    assert document == b'{\n  "name": "\\u202e\\u009b\\u65e5\\u001b"\n}\n'


def test_an_infinite_figure_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"seconds": float("inf")})


def changed(path: str, value: object) -> dict[str, Any]:
    """The example's snapshot with one thing changed; `remove` takes it away."""
    document: Any = json.loads(canonical(fleet_to_json(FLEET)))
    at = document
    *keys, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    for key in keys:
        at = at[key]
    if value == "remove":
        del at[last]
    else:
        at[last] = value
    return dict(document)


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("kind", "Guest", "kind: expected ObservedFleet"),
        ("apiVersion", "v2", "apiVersion: expected reconciler/v1alpha1"),
        ("extra", 1, "extra: unknown"),
        ("hosts", {}, "hosts: expected a list, found an object"),
        ("hosts/0/reachable", "yes", "hosts[0].reachable: expected true or false, found a string"),
        ("hosts/0/name", "vmhost-b", "hosts[1].name: this host is in the list before"),
        ("hosts/0/cpus", True, "hosts[0].cpus: expected a whole number, found true or false"),
        ("hosts/0/cpus", 1.5, "hosts[0].cpus: expected a whole number, found a number"),
        ("hosts/0/bandwidth_mib_s", "1", "hosts[0].bandwidth_mib_s: expected a number, found a string"),
        ("hosts/0/bandwidth_mib_s", 10**400, "hosts[0].bandwidth_mib_s: expected a number that is not infinite"),
        ("hosts/0/registrations/1/memory_mib", "remove", "hosts[0].registrations[1].memory_mib: missing"),
        (
            "hosts/0/registrations/0/state",
            "on",
            "hosts[0].registrations[0].state: expected one of running, stopped, transition",
        ),
        (
            "hosts/0/registrations/0/attributes",
            {"\x1bkey": 1},
            "hosts[0].registrations[0].attributes.\\x1bkey: expected a string, found a number",
        ),
        ("hosts/2/reason", None, "hosts[2].reason: expected a string, found nothing"),
    ],
)
def test_a_snapshot_that_is_wrong_is_refused_with_its_place(path: str, value: object, complaint: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the message is compared below, whole
        fleet_from_json(changed(path, value))
    assert str(refusal.value) == complaint


@pytest.mark.parametrize("raw", [None, [], "text", 1, {}, {"kind": "ObservedFleet"}])
def test_what_is_no_snapshot_at_all_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        fleet_from_json(raw)
    with pytest.raises(ValueError, match="expected"):
        host_from_json(raw)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 200_000])
def test_what_is_no_json_is_one_kind_of_error(text: bytes) -> None:
    """A file on the status branch may be anybody's: how deep it is nested must not end a pass."""
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the parser's
        parsed(text)
