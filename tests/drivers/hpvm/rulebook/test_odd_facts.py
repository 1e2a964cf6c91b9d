"""Whatever a host may say: no rule raises, no unknown version goes online, no stopped guest needs downtime."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.compatibility import Question, decide
from reconciler.core.desired import Downtime, MigrationPolicy, StorageCopy
from reconciler.core.model import Method, Processor, RunState, StorageKind
from reconciler.core.observed import BootFloor, Disk, HostFacts, Registration
from reconciler.drivers.hpvm.rulebook import data
from reconciler.drivers.hpvm.rulebook.attributes import ATTRIBUTES
from reconciler.drivers.hpvm.rulebook.book import RULEBOOK, rulebook
from tests.drivers.hpvm.rulebook.asking import LUN, ORDINARY, host

WORDS = st.text(max_size=8)
VERSIONS = st.sampled_from(data.VERSIONS) | WORDS | st.sampled_from(["6.0", "4.20", "A.04.20", "4.2 ", "99"])
PROCESSORS = st.builds(Processor, st.integers(-1, 34), st.integers(-1, 3), WORDS)
NAMES = st.lists(st.sampled_from(["lan-prod", "lan-dmz", ""]), max_size=3).map(tuple)
IDS = st.sampled_from([LUN, "/dev/vg01/rlvol1", "", "6005aa"])
DISKS = st.builds(Disk, IDS, st.sampled_from(StorageKind), st.integers(0, 9), st.lists(WORDS, max_size=2).map(tuple))
ATTRIBUTE_VALUES = st.sampled_from(sorted({value for attribute in ATTRIBUTES for value in attribute.values})) | WORDS
HOSTS = st.builds(
    HostFacts,
    name=WORDS,
    machine_id=WORDS,
    platform=st.just("integrity-vm"),
    version=VERSIONS,
    processor=PROCESSORS,
    cpus=st.integers(0, 4),
    memory_mib=st.integers(0, 9),
    networks=NAMES,
    presented=st.lists(IDS, max_size=3).map(tuple),
)
GUESTS = st.builds(
    Registration,
    uuid=WORDS,
    name=WORDS,
    state=st.sampled_from(RunState),
    runnable=st.booleans(),
    disks=st.lists(DISKS, max_size=3).map(tuple),
    networks=NAMES,
    boot_marker=WORDS,
    boot_floor=st.none() | st.builds(BootFloor, VERSIONS, WORDS, WORDS),
    attributes=st.just(ORDINARY)
    | st.dictionaries(st.sampled_from([attribute.key for attribute in ATTRIBUTES]), ATTRIBUTE_VALUES),
)
QUESTIONS = st.builds(Question, GUESTS, HOSTS, HOSTS)
POLICIES = st.builds(
    MigrationPolicy,
    method=st.none() | st.sampled_from(Method),
    downtime=st.sampled_from(Downtime),
    storage_copy=st.sampled_from(StorageCopy),
)


@given(QUESTIONS, st.sampled_from(data.VERSIONS))
def test_no_rule_raises_and_every_verdict_is_complete(question: Question, min_online_version: str) -> None:
    book = rulebook(min_online_version)
    for rule in (*book.online, *book.offline):
        verdict = rule(question)
        assert verdict.rule
        assert verdict.reason
        assert verdict.source
        assert not (verdict.allowed and verdict.fix)
    assert isinstance(book.one_way(question), str)


@given(GUESTS, VERSIONS, VERSIONS)
def test_an_unknown_version_never_goes_online(guest: Registration, source: str, target: str) -> None:
    question = Question(guest, host("vmhost-a", source), host("vmhost-b", target))

    decision = decide(question, MigrationPolicy(), RULEBOOK)

    if not (data.known(source) and data.known(target)):
        assert decision.method is not Method.ONLINE


@given(QUESTIONS, POLICIES)
def test_a_stopped_guest_never_needs_downtime(question: Question, policy: MigrationPolicy) -> None:
    decision = decide(question, policy, RULEBOOK)

    if question.guest.state is RunState.STOPPED:
        assert decision.method is not Method.ONLINE
        assert decision.reason != "DowntimeForbidden"


@given(QUESTIONS, POLICIES)
def test_a_decision_keeps_to_its_verdicts(question: Question, policy: MigrationPolicy) -> None:
    decision = decide(question, policy, RULEBOOK)

    if decision.method is not None:
        assert decision.refused(decision.method) == ()
    if decision.method is Method.OFFLINE:
        assert decision.deciding in decision.refused(Method.ONLINE)
    if decision.method is None:
        assert decision.deciding in decision.refused(Method.OFFLINE)
        assert decision.refused(Method.ONLINE)
        assert decision.reason


@given(QUESTIONS)
def test_processors_mix_in_both_directions_or_in_none(question: Question) -> None:
    one, other = question.source.processor, question.target.processor

    assert data.processors_mix(one, other) == data.processors_mix(other, one)


@given(GUESTS, st.sampled_from(data.VERSIONS), st.sampled_from(data.VERSIONS))
def test_a_running_guest_moves_to_an_older_version_only_with_evidence(
    guest: Registration, source: str, target: str
) -> None:
    question = Question(guest, host("vmhost-a", source), host("vmhost-b", target))

    decision = decide(question, MigrationPolicy(), RULEBOOK)

    if decision.method is Method.ONLINE and data.older(target, source):
        assert guest.boot_floor is not None
        assert not data.older(target, guest.boot_floor.version)
