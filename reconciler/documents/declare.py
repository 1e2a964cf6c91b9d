"""Valid plain documents to the values of core/desired, and the few rules about values that a schema cannot say.

Called for documents that their schema accepted. Never sees one that it refused, and knows no other document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from reconciler.core.desired import (
    AfterDeadline,
    Autostart,
    Cleanup,
    Downtime,
    Drift,
    Enforcement,
    Fleet,
    Guest,
    Host,
    Limits,
    MigrationPolicy,
    Mode,
    Network,
    Operator,
    PlacementRule,
    PowerWish,
    Requirement,
    Retry,
    RuleKind,
    StopPolicy,
    StorageCopy,
    Suspension,
    Window,
)
from reconciler.core.model import Method
from reconciler.core.planning.windows import is_zone
from reconciler.core.quantities import (
    format_duration,
    parse_duration_s,
    parse_memory_mib,
    parse_moment_s,
    parse_percent,
    parse_rate_mib_s,
    ratio_percent,
)
from reconciler.documents.codes import Code
from reconciler.documents.explain import dotted
from reconciler.documents.names import quoted
from reconciler.documents.places import Path, Places
from reconciler.documents.schemas import Kind
from reconciler.errors import Location, Problem

Fields: TypeAlias = Mapping[str, Any]
"""A mapping that its schema accepted."""

NONE: Fields = {}

DURATION_RANGES_S: Mapping[Path, tuple[int, int]] = {
    ("spec", "migration", "stop", "graceful"): (1, 86400),
    ("spec", "defaults", "migration", "stop", "graceful"): (1, 86400),
    ("spec", "retry", "backoff"): (1, 7 * 86400),
    ("spec", "retry", "backoffMax"): (1, 7 * 86400),
}
WINDOW_S = (300, 7 * 86400)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def value_problems(document: Fields, places: Places) -> Iterator[Problem]:
    """What is wrong with values that have the right form."""
    spec: Fields = document.get("spec", NONE)
    for field in ("suspend", "maintenance"):
        if "until" in spec.get(field, NONE):
            yield from _moment_problems(spec[field]["until"], ("spec", field, "until"), places)
    if document["kind"] == Kind.PLACEMENT_RULE:
        yield from _rule_problems(spec, places)
    for number, window in enumerate(spec.get("windows", ())):
        yield from _window_problems(window, ("spec", "windows", number), places)
    yield from _address_problems(spec, places)
    cpu: Fields = spec.get("cpu", NONE)
    if "min" in cpu and "entitlement" in cpu and parse_percent(cpu["min"]) > parse_percent(cpu["entitlement"]):
        what = f"the least entitlement ({cpu['min']}) is more than the declared one ({cpu['entitlement']})"
        yield Problem(
            Code.VALUE_OUT_OF_RANGE, places.value("spec", "cpu", "min"), what, "lower spec.cpu.min, or leave it out"
        )
    if not ("migration" in spec or "defaults" in spec or "retry" in spec):
        return
    for path, (least, most) in DURATION_RANGES_S.items():
        text = _at(document, path)
        if text is not None and not least <= parse_duration_s(text) <= most:
            what = (
                f"{dotted(path)} is {quoted(text)} and must be from {format_duration(least)} to {format_duration(most)}"
            )
            yield Problem(Code.VALUE_OUT_OF_RANGE, places.value(*path), what, "for example 5m or 1h30m")
    if "retry" in spec:
        yield from _retry_problems(spec["retry"], places)


def _moment_problems(text: str, path: Path, places: Places) -> Iterator[Problem]:
    """A moment that has the right form and is in no calendar."""
    try:
        parse_moment_s(text)
    except (ValueError, OverflowError):
        what = f"{dotted(path)} is {quoted(text)}, and no calendar has that moment"
        yield Problem(Code.VALUE_OUT_OF_RANGE, places.value(*path), what, "for example 2026-12-01T06:00:00Z")


def _window_problems(window: Fields, path: Path, places: Places) -> Iterator[Problem]:
    least, most = WINDOW_S
    if not least <= parse_duration_s(window["duration"]) <= most:
        what = f"a window is {quoted(window['duration'])} long, and must be from {format_duration(least)} to 7d"
        yield Problem(Code.VALUE_OUT_OF_RANGE, places.value(*path, "duration"), what, "for example 6h")
    if not is_zone(window["timeZone"]):
        what = f"this system knows no time zone {quoted(window['timeZone'])}"
        hint = "for example Europe/Berlin or UTC; the tz database must be installed"
        yield Problem(Code.VALUE_OUT_OF_RANGE, places.value(*path, "timeZone"), what, hint)


def _address_problems(spec: Fields, places: Places) -> Iterator[Problem]:
    """An address of a host lies on one network: which one would a migration go over?"""
    known = {spec["migrationAddress"]: "migrationAddress"} if "migrationAddress" in spec else {}
    for network, address in spec.get("migrationAddresses", NONE).items():
        if address in known:
            what = (
                f"{quoted(address)} is its address on network {quoted(network)}, and that of {known[address]} as well"
            )
            place = places.value("spec", "migrationAddresses", network)
            yield Problem(Code.DUPLICATE_ADDRESS, place, what, "each network has an address of its own; leave one out")
        known.setdefault(address, f"network {quoted(network)}")


def make_window(fields: Fields) -> Window:
    """An entry of `spec.windows`."""
    hour, _, minute = fields["start"].partition(":")
    return Window(
        name=fields["name"],
        start_min=60 * int(hour) + int(minute),
        duration_s=parse_duration_s(fields["duration"]),
        zone=fields["timeZone"],
        days=frozenset(DAYS.index(day) for day in fields.get("days", DAYS)),
        deny=fields.get("kind", "allow") == "deny",
    )


def _retry_problems(fields: Fields, places: Places) -> Iterator[Problem]:
    retry = make_retry(fields)
    if retry.backoff_max_s < retry.backoff_s:
        first, longest = format_duration(retry.backoff_s), format_duration(retry.backoff_max_s)
        what = f"the longest pause ({longest}) is shorter than the first one ({first})"
        place = places.value("spec", "retry", "backoffMax" if "backoffMax" in fields else "backoff")
        yield Problem(Code.VALUE_OUT_OF_RANGE, place, what, "raise spec.retry.backoffMax or lower spec.retry.backoff")


def make_fleet(document: Fields, location: Location) -> Fleet:
    """A Fleet document's values; what it does not say has core's defaults."""
    spec: Fields = document.get("spec", NONE)
    limits: Fields = spec.get("limits", NONE)
    usual = Limits()
    return Fleet(
        name=document["metadata"]["name"],
        location=location,
        mode=Mode(spec.get("mode", Mode.REPORT)),
        limits=Limits(
            concurrent=int(limits.get("concurrent", usual.concurrent)),
            concurrent_in=int(limits.get("concurrentIn", usual.concurrent_in)),
            concurrent_out=int(limits.get("concurrentOut", usual.concurrent_out)),
            concurrent_host=int(limits.get("concurrentPerHost", usual.concurrent_host)),
            moves_per_pass=int(limits.get("movesPerPass", usual.moves_per_pass)),
            stops_per_pass=int(limits.get("stopsPerPass", usual.stops_per_pass)),
        ),
        retry=make_retry(spec.get("retry", NONE)),
        drift=Drift(spec.get("drift", Drift.REPORT)),
        drift_downtime=Downtime(spec.get("driftDowntime", Downtime.FORBIDDEN)),
        suspend=make_suspension(spec.get("suspend")),
        windows=tuple(map(make_window, spec.get("windows", ()))),
        networks=tuple(map(make_network, spec.get("networks", ()))),
    )


def make_network(fields: Fields) -> Network:
    """An entry of `spec.networks`."""
    return Network(
        name=fields["name"],
        concurrent=int(fields.get("concurrent", Network.concurrent)),
        bandwidth_mib_s=float(parse_rate_mib_s(fields["bandwidth"])) if "bandwidth" in fields else None,
    )


def make_suspension(fields: Fields | None) -> Suspension | None:
    """`spec.suspend` or `spec.maintenance`."""
    if fields is None:
        return None
    return Suspension(fields["reason"], parse_moment_s(fields["until"]) if "until" in fields else None)


def make_retry(retry: Fields) -> Retry:
    """`spec.retry`, in seconds."""
    usual = Retry()
    return Retry(
        backoff_s=parse_duration_s(retry["backoff"]) if "backoff" in retry else usual.backoff_s,
        factor=int(retry.get("factor", usual.factor)),
        backoff_max_s=parse_duration_s(retry["backoffMax"]) if "backoffMax" in retry else usual.backoff_max_s,
    )


def make_host(document: Fields, location: Location) -> Host:
    """A Host document's values."""
    metadata, spec = document["metadata"], document["spec"]
    capacity: Fields = spec.get("capacity", NONE)
    reserve: Fields = spec.get("reserve", NONE)
    return Host(
        name=metadata["name"],
        driver=spec["driver"],
        location=location,
        address=spec.get("address", ""),
        port=int(spec.get("port", 22)),
        migration_address=spec.get("migrationAddress", ""),
        migration_addresses=spec.get("migrationAddresses", NONE),
        labels=metadata.get("labels", NONE),
        memory_cap_mib=parse_memory_mib(capacity["memory"]) if "memory" in capacity else None,
        cpus_cap=int(capacity["cpus"]) if "cpus" in capacity else None,
        vcpus_per_cpu_percent=ratio_percent(capacity["vcpusPerCpu"]) if "vcpusPerCpu" in capacity else None,
        memory_overcommit_percent=ratio_percent(capacity.get("memoryOvercommit", 1)),
        reserve_memory_mib=parse_memory_mib(reserve["memory"]) if "memory" in reserve else 0,
        suspend=make_suspension(spec.get("suspend")),
        maintenance=make_suspension(spec.get("maintenance")),
        schedulable=spec.get("schedulable", True),
    )


def make_rule(document: Fields, location: Location) -> PlacementRule:
    """A PlacementRule document's values."""
    spec: Fields = document["spec"]
    guests: Fields = spec["guests"]
    (kind,) = _rule_kinds(spec)
    wanted = spec[kind]
    by_domain: Fields = NONE if kind is RuleKind.HOSTS else wanted
    usual = PlacementRule("", kind, location)
    return PlacementRule(
        name=document["metadata"]["name"],
        kind=kind,
        location=location,
        labels=guests.get("matchLabels", NONE),
        names=tuple(sorted(guests.get("names", ()))),
        topology_key=by_domain.get("topologyKey", usual.topology_key),
        most=int(by_domain.get("most", usual.most)),
        requirements=tuple(map(_make_requirement, wanted)) if kind is RuleKind.HOSTS else (),
        enforcement=Enforcement(spec.get("enforcement", usual.enforcement)),
        reason=spec.get("reason", ""),
    )


def _make_requirement(fields: Fields) -> Requirement:
    return Requirement(fields["key"], Operator(fields["operator"]), tuple(fields["values"]))


def _rule_kinds(spec: Fields) -> list[RuleKind]:
    return [kind for kind in RuleKind if kind in spec]


def _rule_problems(spec: Fields, places: Places) -> Iterator[Problem]:
    """A rule that does not say who it is about, or what it wants."""
    guests: Fields = spec["guests"]
    if not guests.get("names") and not guests.get("matchLabels"):
        hint = "write matchLabels: {app: web}, or names: [web01, web02]"
        yield Problem(Code.RULE_UNCLEAR, places.key("spec", "guests"), "the rule does not say which guests it is about",
                      hint)  # fmt: skip
    kinds = _rule_kinds(spec)
    if len(kinds) != 1:
        says = f"wants {' and '.join(kinds)}" if kinds else "does not say what it wants of its guests"
        what = f"the rule {says}, and exactly one of {', '.join(RuleKind)} is needed"
        place = places.key("spec", kinds[1]) if kinds else places.key("spec")
        hint = "make a rule of each" if kinds else "for example antiAffinity: {topologyKey: host}"
        yield Problem(Code.RULE_UNCLEAR, place, what, hint)
    for number, requirement in enumerate(spec.get(RuleKind.HOSTS, ())):
        if not requirement["values"]:
            what = f"label {quoted(requirement['key'])} is compared with no value"
            place = places.value("spec", RuleKind.HOSTS, number, "values")
            yield Problem(Code.RULE_UNCLEAR, place, what, "for example values: [north, south]")
    if RuleKind.HOSTS in spec and not spec[RuleKind.HOSTS]:
        hint = "for example hostAffinity: [{key: site, operator: In, values: [north]}]"
        yield Problem(Code.RULE_UNCLEAR, places.key("spec", RuleKind.HOSTS), "the rule says nothing about hosts", hint)


def make_guest(document: Fields, location: Location, migration: MigrationPolicy) -> Guest:
    """A Guest document's values, with its migration policy, in which the Fleet's defaults are merged already."""
    metadata, spec = document["metadata"], document["spec"]
    memory: Fields = spec.get("memory", NONE)
    cpu: Fields = spec.get("cpu", NONE)
    uuid: str | None = spec.get("uuid")
    return Guest(
        name=metadata["name"],
        host=spec["host"],
        location=location,
        uuid=uuid.lower() if uuid else None,
        labels=metadata.get("labels", NONE),
        power=PowerWish(spec.get("power", PowerWish.KEEP)),
        autostart=Autostart(spec.get("autostart", Autostart.KEEP)),
        memory_mib=parse_memory_mib(memory["size"]) if "size" in memory else None,
        memory_min_mib=parse_memory_mib(memory["min"]) if "min" in memory else None,
        cpu_entitlement_percent=parse_percent(cpu["entitlement"]) if "entitlement" in cpu else None,
        cpu_entitlement_min_percent=parse_percent(cpu["min"]) if "min" in cpu else None,
        cpu_cap_percent=parse_percent(cpu["cap"]) if "cap" in cpu else None,
        migration=migration,
        suspend=make_suspension(spec.get("suspend")),
    )


def migration_defaults(fleet: Fields) -> Fields:
    """`spec.defaults.migration` of the Fleet document."""
    defaults: Fields = fleet.get("spec", NONE).get("defaults", NONE).get("migration", NONE)
    return defaults


def make_migration(own: Fields, defaults: Fields) -> MigrationPolicy:
    """A guest's policy: its own field, else the Fleet's, else core's default."""
    usual = MigrationPolicy()
    merged = {**defaults, **own}
    stop = {**defaults.get("stop", NONE), **own.get("stop", NONE)}
    method = merged.get("method", "auto")
    return MigrationPolicy(
        method=None if method == "auto" else Method(method),
        downtime=Downtime(merged.get("downtime", usual.downtime)),
        stop=StopPolicy(
            graceful_s=parse_duration_s(stop["graceful"]) if "graceful" in stop else usual.stop.graceful_s,
            then=AfterDeadline(stop.get("then", usual.stop.then)),
        ),
        storage_copy=StorageCopy(merged.get("storageCopy", usual.storage_copy)),
        auto_converge=merged.get("autoConverge", "forbidden") == "allowed",
        cleanup=Cleanup(merged.get("cleanup", usual.cleanup)),
        hop=merged.get("hop", "allowed") == "allowed",
        step_aside=merged.get("stepAside", "forbidden") == "online",
        attempts=int(merged.get("attempts", usual.attempts)),
        windows=(merged["window"],) if "window" in merged else (),
    )


def _at(document: Fields, path: Path) -> Any:
    found: Any = document
    for part in path:
        found = found.get(part)
        if found is None:
            return None
    return found
