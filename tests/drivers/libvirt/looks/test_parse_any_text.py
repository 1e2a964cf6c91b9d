"""Whatever a host prints, parsers give what is in it or say that they cannot read it: no other exception, no guest that
is not there, no end of time over megabytes of rubbish."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.observed import HostFacts
from reconciler.drivers.libvirt.looking.facts import expanded, facts, wanted
from reconciler.drivers.libvirt.looking.parse import domain, figures, files, machine, offers, states
from reconciler.drivers.libvirt.looking.reading import Reading, Stated
from reconciler.ssh.looks.sections import Section, Unreadable, split
from tests.drivers.libvirt.looks.recorded import LOOKS, TOKEN, answers, expansions, recorded

PARSERS: Mapping[str, Callable[[str], object]] = {
    "guests": figures.guests,
    "uuids": lambda text: figures.uuids(text, what="it"),
    "states": states.states,
    "migration": states.migration,
    "job": states.job,
    "domain": domain.domain,
    "offer": lambda text: offers.offer(text, "qemu"),
    "expansion": lambda text: offers.expansion(offers.model_question("qemu", "EPYC"), text),
    "clock_s": machine.clock_s,
    "qemu_version": machine.qemu_version,
    "libvirt_version": machine.libvirt_version,
    "cpus": machine.cpus,
    "memory_mib": machine.memory_mib,
    "machine_id": lambda text: machine.machine_id(machine.capabilities(text)),
    "processor": lambda text: machine.processor(machine.capabilities(text)),
    "machines": lambda text: machine.machines(machine.capabilities(text)),
    "mounts": files.mounts,
    "resolved": lambda text: files.resolved(text, text),
    "files": files.files,
    "sizes": files.sizes,
    "headers": files.headers,
    "folders": files.folders,
    "room_mib": files.room_mib,
    "expanded": lambda text: expanded(split(text, TOKEN)),
}
TEXTS = sorted({section.text for name in LOOKS for section in answers(name).values()} | {recorded("expand")})
SIGNS = st.text(st.sampled_from("ab19 =:[]()/-.,%@<>'\"&;\t\n\r\x1b\x00\x85\u2028\u0663é\ufffd"), max_size=40)
MANY = 150_000
HEADER = "/a\n 51 46 49 fb 00 00 00 03"


def refusal(read: Callable[[], object]) -> str:
    """Why it cannot be read, as people are told; "" where it can."""
    try:
        read()
    except Unreadable as error:
        return error.look("h").reason
    return ""


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A recorded answer, in which a few stretches are replaced."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(SIGNS) + text[start + draw(st.integers(0, 30)) :]
    return text


@pytest.mark.parametrize("name", PARSERS)
@given(text=st.text(max_size=200) | SIGNS | damaged())
@example(text="9" * 5000)
@example(text=f"CPU(s): {'9' * 5000}\ntotal: {'9' * 5000} KiB\n")
@example(text=f"Domain: 'a'\n  state.state={'9' * 5000}\n")
@example(text=f"Job type: Unbounded\nOperation: Outgoing migration\nData processed: {'9' * 5000} MiB\n")
@example(text=f"8000 {'9' * 5000} 1 1 0 0 /a\n")
@example(text=f"{'9' * 5000} - /a\n")
@example(text="8000 \u0663 1 1 0 0 /a\n\u0663 - /a\n")
@example(text=HEADER)
@example(text=f"{HEADER} {'00 ' * 64}")
@example(text=f"<domain>{'<a>' * 5000}{'</a>' * 5000}</domain>")
@example(text="<domain><uuid>\ud800</uuid></domain>")
@example(text="<capabilities><host><cpu><signature family='\u0663' model='1'/></cpu></host></capabilities>")
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    assert refusal(lambda: PARSERS[name](text)).isprintable()


@pytest.mark.parametrize("name", ["domain", "offer", "expansion", "machine_id"])
@pytest.mark.parametrize("declaration", ["<!DOCTYPE a>", "<!DOCTYPE a [<!ENTITY b 'c'>]>"])
def test_xml_with_declarations_of_its_own_is_refused(name: str, declaration: str) -> None:
    for text in TEXTS:
        assert refusal(lambda text=text: PARSERS[name](f"{declaration}{text}"))  # type: ignore[misc]  # bound in time


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "\n" * MANY,
        " " * MANY + "x",
        f"a: {' ' * MANY}x",
        "Domain: '" * MANY,
        "Domain: 'a'\n" * MANY,
        "/a\n" * MANY,
        "<a>" * MANY,
        f"<domain>{'<a>' * MANY}{'</a>' * MANY}</domain>",
        "\\040" * MANY,
        "1 " * MANY,
        f"{'a=' * MANY}\n",
        f"{TOKEN} cpu x\n" * MANY,
    ],
    ids=range(12),
)
def test_rubbish_without_end_takes_no_time_without_end(name: str, text: str) -> None:
    """There is no clock here: a parser whose time grows with the square makes the suite hang, and its watchdog names
    it."""
    refusal(lambda: PARSERS[name](text))


# ------------------------------------------------------------------------------------------------------- a whole look

NAMES = st.sampled_from(sorted(LOOKS)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(sorted(set(answers(name)) - {"end"})))
)


@given(NAMES, damaged() | SIGNS | st.just("9" * 5000))
def test_a_look_with_any_text_in_one_place_is_read_or_refused(place: tuple[str, str], text: str) -> None:
    name, section = place
    sections = {**answers(name), section: Section(text, 0)}
    read = Reading("h1", sections, Stated(**LOOKS[name]))
    found: list[HostFacts] = []
    assert refusal(lambda: found.append(facts(read, expansions()))).isprintable()
    assert all(question.isprintable() for question in wanted(read, {}))
    for host in found:
        for entry in host.registrations:
            assert entry.uuid in sections["guests"].text
            assert entry.name.isprintable()
            assert all(value.isprintable() for value in entry.attributes.values())
            assert all(disk.id.isprintable() and disk.store.isprintable() for disk in entry.disks)
        assert all(value.isprintable() for value in host.attributes.values())
        assert all(word.isprintable() for word in (*host.networks, *host.presented, *(left.path for left in host.left)))
