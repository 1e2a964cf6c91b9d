"""Which online moves are marked as one-way doors, and what the mark says."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.compatibility import Question
from reconciler.core.observed import HostFacts, Registration
from reconciler.drivers.libvirt.rulebook.book import RULEBOOK
from tests.drivers.libvirt.rulebook.asking import FEATURES, LOCAL_DISK, ask, guest, host, refusals

RICHER = host("kvm-b", cpu__kvm=f"{FEATURES},vaes")


def mark(subject: Registration | None = None, target: HostFacts | None = None) -> str:
    question = ask(subject, target)
    assert refusals(question) == []
    return RULEBOOK.one_way(question)


def test_between_hosts_that_are_alike_there_is_none() -> None:
    assert mark() == ""


def test_a_named_model_has_a_lasting_way_back_from_a_richer_host_and_a_newer_qemu() -> None:
    assert mark(target=RICHER) == ""
    assert mark(target=host("kvm-b", "8.2.0", machines="pc-q35-7.2,pc-q35-8.2")) == ""


def test_a_host_model_has_a_way_back_from_a_richer_host_until_it_next_boots() -> None:
    assert mark(guest(stored_cpu_mode="host-model"), RICHER) == (
        "the online way back to kvm-a lasts only until web01 next boots: it may then see CPU features that kvm-a lacks"
    )
    assert mark(guest(stored_cpu_mode="host-model")) == ""


def test_another_stored_model_counts_from_the_next_boot_on() -> None:
    assert mark(guest(stored_cpu_model="Haswell")) == (
        "the online way back to kvm-a lasts only until web01 next boots: "
        "kvm-a cannot start guests with CPU model Haswell, which web01 has"
    )


def test_another_stored_machine_type_counts_from_the_next_boot_on() -> None:
    assert mark(guest(stored_machine="pc-q35-8.2")) == (
        "the online way back to kvm-a lasts only until web01 next boots: kvm-a does not offer pc-q35-8.2"
    )


def test_what_is_not_known_of_the_next_boot_is_no_lasting_way_back() -> None:
    for key in ("stored_machine", "stored_cpu_mode"):
        subject = guest()
        subject = replace(subject, attributes={k: v for k, v in subject.attributes.items() if k != key})
        assert mark(subject).endswith("what it boots with then is not known")


def test_a_source_whose_qemu_was_updated_away_under_the_guest_is_no_way_back() -> None:
    """What runs there now says nothing of what could be started there now."""
    question = ask()
    question = Question(question.guest, host("kvm-a", machines="pc-q35-8.2"), question.target)

    assert RULEBOOK.one_way(question) == (
        "there is no online way back to kvm-a: QEMU 7.2.22 on kvm-a does not offer pc-q35-7.2, which web01 has"
    )


def test_copied_images_leave_their_paths_free_for_the_way_back() -> None:
    """A proven move puts the originals aside, or deletes them."""
    local = guest(disks=(LOCAL_DISK,))
    question = Question(local, host("kvm-a", occupied=LOCAL_DISK.id), host("kvm-b"))

    assert refusals(question) == []
    assert RULEBOOK.one_way(question) == ""


def test_a_source_that_takes_no_copies_is_no_way_back_for_copied_images() -> None:
    question = Question(guest(disks=(LOCAL_DISK,)), host("kvm-a", copy_folders=""), host("kvm-b"))

    assert RULEBOOK.one_way(question).startswith("there is no online way back to kvm-a: kvm-a has no folder")


def test_lists_of_the_source_that_lack_what_the_guest_uses_there_do_not_matter() -> None:
    question = ask()
    question = Question(question.guest, replace(question.source, presented=(), networks=()), question.target)

    assert RULEBOOK.one_way(question) == ""


def test_what_a_model_stands_for_goes_along() -> None:
    """The target has no guest of this model yet, so it does not say what the model stands for."""
    assert mark(target=host("kvm-b", model__Westmere=None)) == ""
