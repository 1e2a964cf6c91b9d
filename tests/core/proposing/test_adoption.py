"""What import describes differs in nothing from what is there, and what it cannot be sure of it leaves alone."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.desired import DesiredFleet, Host, PowerWish
from reconciler.core.diff import Finding
from reconciler.core.execution.brakes import BrakeReason
from reconciler.core.model import RunState
from reconciler.core.names import is_name
from reconciler.core.observed import HostFacts, Look, ObservedFleet, Registration, Unreachable
from reconciler.core.proposing.adoption import Adoption, Doubt, adopt
from reconciler.documents import load
from reconciler.documents.authoring.writing import drafts, fleet_draft, scalar
from reconciler.drivers.registry import refusal
from reconciler.errors import Location
from reconciler.loop.once import plan_documents
from tests.core.fleets import away, host, record, registration
from tests.simulation.fleets import make_story

HERE = Location("command line")
many = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def hosts(observed: ObservedFleet) -> dict[str, Host]:
    return {name: Host(name, "simulated", HERE) for name in observed.hosts}


def empty() -> DesiredFleet:
    return load({"fleet.yaml": fleet_draft("f").text.encode()}).require()


def look(*looks: Look) -> ObservedFleet:
    return ObservedFleet({look.name: look for look in looks})


def documents(adoption: Adoption) -> DesiredFleet:
    """What the files say that an import into an empty folder writes."""
    loaded = load({draft.path: draft.text.encode() for draft in drafts(adoption, "f")})
    assert () == loaded.problems
    return loaded.require()


def imported(observed: ObservedFleet) -> Adoption:
    return adopt(empty(), hosts(observed), observed)


def doubts(adoption: Adoption) -> dict[str, Doubt]:
    return {entry.name: entry.doubt for entry in adoption.left_out}


def uuid(name: str) -> str:
    """One of the form that documents demand, for a short word."""
    return f"00000000-0000-4000-8000-{name.encode().hex():0>12}"


def guest(name: str, **fields: object) -> Registration:
    return registration(name, **{"uuid": uuid(name), **fields})  # type: ignore[arg-type]  # fields of a registration


# --- any world at all


def troubled(chance: random.Random, facts: HostFacts, everybody: list[Registration]) -> Look:
    """The host as it is, or with something that should not be so."""
    entries = [replace(entry, uuid=uuid(entry.uuid[-6:])) for entry in facts.registrations]
    for number, entry in enumerate(entries):
        match chance.randrange(16):
            case 0:
                entries[number] = replace(entry, name=chance.choice(everybody).name)
            case 1:
                entries[number] = replace(entry, name=entry.name.upper())
            case 2:
                entries[number] = replace(entry, state=chance.choice(list(RunState)), runnable=chance.random() < 0.5)
            case 3:
                entries.append(replace(chance.choice(everybody), runnable=chance.random() < 0.5))
            case 4:
                entries[number] = replace(entry, name=chance.choice(["-x", "no way", "1e3", "null", "0x1F", "on", "7"]))
            case 5:
                entries[number] = replace(entry, uuid=entry.uuid[:-1])
    if chance.random() < 0.08:
        return Unreachable(facts.name, "connection refused")
    moves = [record(entry.name, facts.name, "h9", guest_uuid=entry.uuid) for entry in entries if chance.random() < 0.05]
    machine = "one" if chance.random() < 0.05 else facts.machine_id
    return replace(facts, registrations=tuple(entries), machine_id=machine, records=tuple(moves))


@st.composite
def worlds(draw: st.DrawFn) -> ObservedFleet:
    """The hosts of a simulated fleet, some of its guests on their way, some not as they should be."""
    chance = draw(st.randoms(use_true_random=False))
    world = make_story(random.Random(chance.randrange(2**32)), refusal).world
    facts = [seen for name in sorted(world.fleet.hosts) if isinstance(seen := world.look(name), HostFacts)]
    everybody = [replace(entry, uuid=uuid(entry.uuid[-6:])) for seen in facts for entry in seen.registrations]
    return look(*(troubled(chance, seen, everybody) for seen in facts))


@many
@given(worlds())
def test_a_plan_of_what_was_imported_is_empty(observed: ObservedFleet) -> None:
    adoption = imported(observed)
    desired = documents(adoption)
    planned = plan_documents(desired, observed)
    assert () == planned.plan.steps
    described = {entry.registration.uuid for entry in adoption.guests}
    assert described.isdisjoint(entry.uuid for entry in planned.plan.blocked)
    pulled = {brake.reason for brake in planned.plan.brakes}
    assert pulled <= {BrakeReason.REPORT_MODE, BrakeReason.MANY_HOSTS_UNREACHABLE}
    for entry in adoption.guests:
        found = planned.difference.guest(entry.name)
        assert found is not None
        assert (Finding.IN_PLACE, None, entry.registration.uuid) == (found.finding, found.power, found.uuid)
        assert entry.registration.state is not RunState.TRANSITION
    assert described.isdisjoint(entry.guest_uuid for entry in planned.difference.records)


@many
@given(worlds())
def test_importing_again_finds_nothing_new(observed: ObservedFleet) -> None:
    first = imported(observed)
    again = adopt(documents(first), hosts(observed), observed)
    assert () == drafts(again, "")
    assert first.left_out == again.left_out
    assert sorted(entry.name for entry in first.guests) == list(again.declared_guests)


@many
@given(worlds())
def test_every_guest_is_described_or_listed_once(observed: ObservedFleet) -> None:
    adoption = imported(observed)
    seen = sorted({entry.uuid for facts in observed.reachable() for entry in facts.registrations})
    told = [entry.registration.uuid for entry in adoption.guests] + [one.uuid for one in adoption.left_out if one.uuid]
    assert seen == sorted(told)
    files = [draft.path.lower() for draft in drafts(adoption, "f")]
    assert len(files) == len(set(files)), "names that are one on some file systems"


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}", fullmatch=True))
def test_any_name_comes_back_as_it_was(name: str) -> None:
    assert is_name(name)
    observed = look(host("h", guest("g", uuid=uuid("g"))))
    described = imported(observed)
    renamed = replace(described, guests=tuple(replace(entry, name=name) for entry in described.guests))
    assert [name] == list(documents(renamed).guests)


def test_words_that_yaml_takes_for_something_else_are_in_quotes() -> None:
    quoted = ['"12"', '"1e3"', '"no"', '"True"', '"192.0.2.1"', '"fe80::1"', '"0o17"']
    assert quoted == [scalar(text.strip('"')) for text in quoted]
    assert ["web01", uuid("g"), "no-1"] == [scalar(text) for text in ("web01", uuid("g"), "no-1")]


# --- each doubt


def test_a_guest_that_could_be_started_on_two_hosts_is_only_listed() -> None:
    spare = guest("web", state=RunState.STOPPED)
    found = imported(look(host("a", guest("web")), host("b", spare)))
    assert ({"web": Doubt.SEVERAL_COPIES}, ()) == (doubts(found), found.guests)
    assert ["a (running)", "b (stopped)"] == [str(place) for place in found.left_out[0].places]


def test_what_a_migration_left_on_its_source_is_no_second_copy() -> None:
    left = guest("web", state=RunState.STOPPED, runnable=False)
    found = imported(look(host("a", left), host("b", guest("web"))))
    assert [("web", "b")] == [(entry.name, entry.host) for entry in found.guests]


def test_each_state_that_is_not_at_rest_is_listed_with_its_reason() -> None:
    found = imported(
        look(
            host(
                "a",
                guest("dead", state=RunState.STOPPED, runnable=False),
                guest("half", state=RunState.TRANSITION),
                guest("moving"),
                guest("no such name"),
                guest("nobody", uuid="uuid-nobody"),
                records=(record("moving", "a", "b", guest_uuid=uuid("moving")),),
            )
        )
    )
    assert doubts(found) == {
        "dead": Doubt.NOT_RUNNABLE,
        "half": Doubt.IN_TRANSITION,
        "moving": Doubt.UNDER_WAY,
        "no such name": Doubt.NAME_UNUSABLE,
        "nobody": Doubt.IDENTITY_UNUSABLE,
    }


def test_names_that_are_not_unique_are_all_listed() -> None:
    others = (guest("web", uuid=uuid("web2")), guest("Db"), guest("mail"))
    found = imported(look(host("a", guest("web"), guest("db")), host("b", *others)))
    assert doubts(found) == {"web": Doubt.NAME_SHARED, "db": Doubt.NAMES_ALIKE, "Db": Doubt.NAMES_ALIKE}
    assert 4 == len(found.left_out)
    assert ["mail"] == [entry.name for entry in found.guests]


def test_two_names_of_one_machine_are_listed_with_all_that_is_on_it() -> None:
    found = imported(look(host("a", guest("web"), machine_id="m"), host("b", guest("web"), machine_id="m"), host("c")))
    assert {"a": Doubt.MACHINE_SHARED, "b": Doubt.MACHINE_SHARED, "web": Doubt.HOST_IN_DOUBT} == doubts(found)
    assert ["c"] == [entry.name for entry in found.hosts]


def test_a_host_that_cannot_be_read_is_declared_and_no_guest_is_certain_to_be_stopped() -> None:
    found = imported(look(host("a", guest("web"), guest("db", state=RunState.STOPPED)), away("b")))
    assert ["a", "b"] == [entry.name for entry in found.hosts]
    assert ["b"] == [entry.name for entry in found.unread]
    assert {"db": PowerWish.KEEP, "web": PowerWish.RUNNING} == {entry.name: entry.power for entry in found.guests}


def test_a_guest_that_a_document_declares_under_another_name_is_left_as_it_is() -> None:
    observed = look(host("a", guest("web")))
    declared = documents(imported(observed))
    shop = replace(declared.guests["web"], name="shop")
    found = adopt(replace(declared, guests={"shop": shop}), {}, observed)
    assert ((), (), ("shop",)) == (found.guests, found.left_out, found.declared_guests)


def test_a_document_of_the_same_name_for_another_guest_stays() -> None:
    observed = look(host("a", guest("web")))
    declared = documents(imported(observed))
    other = replace(declared.guests["web"], uuid=uuid("other"))
    found = adopt(replace(declared, guests={"web": other}), {}, observed)
    assert {"web": Doubt.NAME_TAKEN} == doubts(found)
