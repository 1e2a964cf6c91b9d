"""Each labelled assumption in its variants: the host is read right, or less is done; never a guess."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.core.model import RunState
from reconciler.core.observed import HostFacts, Registration
from reconciler.drivers.hpvm.assumptions import ASSUMPTIONS
from reconciler.drivers.hpvm.driver import HpvmDriver
from reconciler.drivers.hpvm.settings import HpvmSettings
from reconciler.ssh.access import Access
from reconciler.ssh.connections import Connections
from tests.drivers.hosts.fleet import SshdFleet
from tests.drivers.hosts.variants import Variants
from tests.drivers.hpvm.fleet import UUIDS, Real, world

pytestmark = pytest.mark.slow

Expected = Callable[[HostFacts], bool]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshdFleet]:
    """One fleet for all: what its hosts print is changed under way."""
    with SshdFleet.start(tmp_path_factory.mktemp("hosts"), world(2), speed=1.0) as started:
        yield started


def web(facts: HostFacts) -> Registration:
    found = facts.registration(UUIDS["web"])
    assert found is not None
    return found


def ordinary(facts: HostFacts) -> bool:
    guest = web(facts)
    seen = (guest.name, guest.state, guest.runnable, guest.memory_mib, guest.vcpus, guest.autostart, len(guest.disks))
    return seen == ("web", RunState.RUNNING, True, 2048, 1, False, 1) and facts.version == "4.2"


LOOKS: dict[str, tuple[Variants, Expected]] = {
    "version-form: text around it": (Variants(version_line="HP Integrity VM Version: B.04.20.00 (rev 7)"), ordinary),
    "version-form: as people write it": (Variants(version_line="Version 4.2"), ordinary),
    "version-form: none": (Variants(version_line="who knows"), lambda facts: facts.version == ""),
    "summary-columns: more of them": (Variants(extra_columns=True), ordinary),
    "detail-labels: in capitals": (Variants(labels_upper=True), ordinary),
    "detail-labels: in another order": (Variants(labels_reversed=True), ordinary),
    "detail-labels: padded": (Variants(pad_labels=True), ordinary),
    "runnable-label: other words": (Variants(words={"Runnable": "Enabled"}), ordinary),
    "runnable-label: odd words": (
        Variants(words={"Runnable": "Perhaps"}),
        lambda facts: web(facts).state is RunState.TRANSITION,
    ),
    "runnable-label: none": (Variants(labels={"Runnable Status": ""}), ordinary),
    "online-label: none": (
        Variants(labels={"Online Migration": ""}),
        lambda facts: "online_migration" not in web(facts).attributes,
    ),
    "boot-label: none": (Variants(boot_time=False), lambda facts: web(facts).boot_marker == ""),
    "kit-label: none": (Variants(labels={"Guest Kit": ""}), lambda facts: "guest_kit" not in web(facts).attributes),
    "transition-states: another word": (
        Variants(state_words={"On (OS)": "On (XYZ)"}),
        lambda facts: (web(facts).state, web(facts).running) == (RunState.TRANSITION, True),
    ),
    "host-memory: no logical processors": (Variants(logical_processors=False), lambda facts: 0 < facts.cpus <= 8),
    "copy-room: a long device name": (Variants(file_system="/dev/vg_with_a_long_name/lvol8"), ordinary),
    "vswitch-up: down": (Variants(switch_states={"prod": "Down"}), lambda facts: "prod" not in facts.networks),
    "chatter on stderr": (Variants(stderr_chatter="WARNING: licence expires\n"), ordinary),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_host_that_prints_it_otherwise_is_read_right_or_less_is_known(fleet: SshdFleet, name: str) -> None:
    variants, expected = LOOKS[name]
    fleet.catalogue.variants = variants
    driver = HpvmDriver(Connections(Access(fleet.known_hosts_file, fleet.key_file)), HpvmSettings())
    look = driver.look(fleet.document("a"))
    driver.close()
    assert isinstance(look, HostFacts), look
    assert expected(look), look


MOVES: dict[str, Variants] = {
    "exit-status: 1 after success": Variants(status_after_success=1, success_line=False),
    "migrate-progress: none": Variants(progress=False),
    "attributes-left-behind: carried along": Variants(start_type_carried=True),
    "attributes-left-behind: the default at the target": Variants(start_type_carried=False),
    "a banner on stdout before each answer": Variants(stdout_chatter="Last successful login: never\n"),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_guest_ends_where_it_shall_whatever_the_platform_says(tmp_path: Path, name: str) -> None:
    with Real.started(tmp_path, variants=MOVES[name]) as real:
        real.commit(web="b")
        applied = real.call("apply", "--yes")
        assert (["b"], True) == (real.where("web"), real.nothing_lost()), applied.out + applied.err
        with real.hosts.change() as there:
            assert not there.fleet.hosts["b"].copies[UUIDS["web"]].autostart, "as it was on a"


UNTRIED = {
    "migrate-check": "a check that lies would be no check; a refusal by it is tried with every bad target",
    "migrate-copy": "the path of a copy is the stand-ins' own; tests/drivers/contract moves such a disk",
    "san-by-wwid": "tests/drivers/hpvm/checking/test_check.py hides a LUN from a host",
    "stop-flags": "tests/drivers/contract stops guests both ways",
    "modify-memory": "tests/drivers/contract sets memory, within its range and beyond",
}


def test_each_assumption_is_tried_or_says_where_it_is() -> None:
    tried = {name.partition(":")[0] for name in (*LOOKS, *MOVES)}
    assert [] == [entry.id for entry in ASSUMPTIONS if entry.id not in tried | set(UNTRIED)]
