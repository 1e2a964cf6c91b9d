"""Whatever hosts may say: no rule raises, every verdict is complete, and no running guest loses what it sees."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.compatibility import Question, decide
from reconciler.core.desired import Downtime, MigrationPolicy, StorageCopy
from reconciler.core.model import Method, Processor, RunState, StorageKind
from reconciler.core.observed import Disk, HostFacts, Registration
from reconciler.drivers.libvirt.rulebook.attributes import GUEST_ATTRIBUTES
from reconciler.drivers.libvirt.rulebook.book import PLATFORM, RULEBOOK
from tests.drivers.libvirt.rulebook.asking import FEATURES, HOST, LOCAL_DISK, ORDINARY, SHARED_DISK, STORE, guest, host

WORDS = st.text(max_size=8)
FEATURE = st.sampled_from([*FEATURES.split(","), "svm", "vaes"])
FEATURE_SETS = st.frozensets(FEATURE, max_size=8).map(lambda features: ",".join(sorted(features)))
SIGNED = st.dictionaries(FEATURE, st.sampled_from("+-"), max_size=5).map(
    lambda signs: ",".join(f"{sign}{feature}" for feature, sign in sorted(signs.items()))
)
VALUES = st.sampled_from(sorted({*ORDINARY.values(), "yes", "no", "1", "vda", "vda,vdb", "+aes,-aes", ","})) | WORDS
KEYS = [attribute.key for attribute in GUEST_ATTRIBUTES]
HOST_KEYS = [*HOST, "cpu:qemu", "models:qemu", "model:", "cpu:", "models:None"]
PATHS = st.sampled_from([SHARED_DISK.id, LOCAL_DISK.id, "", "/", "web01.img", "/srv/local/a,b"])
DISKS = st.builds(
    Disk,
    PATHS,
    st.sampled_from(StorageKind),
    st.integers(-1, 9),
    st.lists(WORDS, max_size=2).map(tuple),
    st.sampled_from(["vda", "vdb", ""]),
    st.sampled_from([STORE, ""]),
    st.booleans(),
)
HOSTS = st.builds(
    HostFacts,
    name=WORDS,
    machine_id=WORDS,
    platform=st.just(PLATFORM),
    version=st.sampled_from(["7.2.22", "7.2", "8.2.0", "", "9", "7..2", "9" * 5000, "\u0667.\u0662"]) | WORDS,
    processor=st.builds(Processor, st.integers(-1, 9), st.integers(-1, 3), WORDS),
    cpus=st.integers(0, 4),
    memory_mib=st.integers(0, 9),
    networks=st.lists(WORDS, max_size=2).map(tuple),
    presented=st.lists(st.sampled_from([STORE, "", LOCAL_DISK.id]), max_size=2).map(tuple),
    attributes=st.just(HOST) | st.dictionaries(st.sampled_from(HOST_KEYS), VALUES),
)
GUESTS = st.builds(
    Registration,
    uuid=WORDS,
    name=WORDS,
    state=st.sampled_from(RunState),
    runnable=st.booleans(),
    left_over=st.booleans(),
    disks=st.lists(DISKS, max_size=3).map(tuple),
    networks=st.lists(WORDS, max_size=2).map(tuple),
    attributes=st.just(ORDINARY) | st.dictionaries(st.sampled_from(KEYS), VALUES),
)
POLICIES = st.builds(
    MigrationPolicy,
    method=st.none() | st.sampled_from(Method),
    downtime=st.sampled_from(Downtime),
    storage_copy=st.sampled_from(StorageCopy),
)


@given(st.builds(Question, GUESTS, HOSTS, HOSTS))
def test_no_rule_raises_and_every_verdict_is_complete(question: Question) -> None:
    for rule in (*RULEBOOK.online, *RULEBOOK.offline):
        verdict = rule(question)
        assert verdict.rule
        assert verdict.reason
        assert verdict.source
        assert not (verdict.allowed and verdict.fix)
        assert verdict.allowed or verdict.fix or verdict.rule == "guest-running"
    assert isinstance(RULEBOOK.one_way(question), str)


@given(st.builds(Question, GUESTS, HOSTS, HOSTS), POLICIES)
def test_a_decision_keeps_to_its_verdicts(question: Question, policy: MigrationPolicy) -> None:
    decision = decide(question, policy, RULEBOOK)

    if decision.method is not None:
        assert decision.refused(decision.method) == ()
        assert question.guest.runnable
        assert not question.guest.left_over
    if question.guest.state is not RunState.RUNNING:
        assert decision.method is not Method.ONLINE


@given(
    mode=st.sampled_from(["custom", "host-passthrough", "maximum", "host-model", "?"]),
    signed=SIGNED,
    model=FEATURE_SETS,
    here=FEATURE_SETS,
    there=st.none() | FEATURE_SETS,
)
def test_a_running_guest_never_comes_where_a_feature_that_it_sees_is_lacking(
    mode: str, signed: str, model: str, here: str, there: str | None
) -> None:
    """Reckoned here once more, in the plainest way: feature by feature. Hosts are often alike (None)."""
    there = here if there is None else there
    subject = guest(cpu_mode=mode, cpu_features=signed)
    question = Question(
        subject, host("kvm-a", cpu__kvm=here, model__Westmere=model), host("kvm-b", cpu__kvm=there, model__Westmere="")
    )
    sees = set((here if mode in ("host-passthrough", "maximum") else model).split(","))
    for entry in filter(None, signed.split(",")):
        (sees.add if entry[0] == "+" else sees.discard)(entry[1:])

    decision = decide(question, MigrationPolicy(), RULEBOOK)

    if decision.method is Method.ONLINE:
        assert mode in ("custom", "host-passthrough", "maximum")
        assert sees - {""} <= set(there.split(","))


@given(st.lists(st.sampled_from(sorted(ORDINARY)), min_size=1, unique=True), st.sampled_from(RunState))
def test_saying_less_never_allows_more(left_out: list[str], state: RunState) -> None:
    whole = guest(disks=(SHARED_DISK, LOCAL_DISK), state=state)
    less = replace(whole, attributes={key: value for key, value in whole.attributes.items() if key not in left_out})

    for rule in (*RULEBOOK.online, *RULEBOOK.offline):
        if not rule(Question(whole, host("kvm-a"), host("kvm-b"))).allowed:
            assert not rule(Question(less, host("kvm-a"), host("kvm-b"))).allowed
