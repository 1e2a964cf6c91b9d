"""A value of a document is changed and nothing else: comments, order, quotes, line ends and neighbours stay."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents import load
from reconciler.documents.authoring.editing import Edit, edited
from reconciler.documents.schemas import Kind
from reconciler.documents.yaml_text import read_yaml
from reconciler.errors import DesiredStateError, Location

HEAD = "apiVersion: reconciler/v1alpha1\nkind: Guest\n"
BLOCK = f"""\
# The shop.
{HEAD}metadata: {{name: web01,  labels: {{app:  shop}}}}
spec:
    host:    vmhost-a   # the other room: größer
    memory:
        min:   2GiB

    # keep
    power: running
"""
FLOW = f"{HEAD}metadata: {{name: web01}}\nspec: {{ host: vmhost-a,   memory: {{size: 4GiB}} , cpu: {{}} }} # all\n"
OTHER = f"{HEAD}metadata: {{name: db01}}\nspec:\n  host: vmhost-a\n"


def change(text: str, **values: str) -> str:
    fields = {name.replace("_", "."): value for name, value in values.items()}
    return edited(text.encode(), Edit("web01", Location("web.yaml", 2), fields)).decode()


def lines(before: str, after: str) -> list[str]:
    """The lines that differ, as `diff` shows them."""
    found = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line for line in found if line[0] in "+-"]


def test_a_value_in_block_style_is_changed_where_it_stands() -> None:
    assert [
        "-     host:    vmhost-a   # the other room: größer\n",
        "+     host:    b   # the other room: größer\n",
    ] == lines(BLOCK, change(BLOCK, host="b"))


@pytest.mark.parametrize(
    ("spec", "after"),
    [
        ("{driver: simulated}", "{driver: simulated, schedulable: false}"),
        ("{schedulable: true, driver: simulated}", "{schedulable: false, driver: simulated}"),
        ("\n  driver: simulated  # ours", "\n  driver: simulated  # ours\n  schedulable: false"),
    ],
)
def test_a_host_of_the_same_name_is_told_from_a_guest(spec: str, after: str) -> None:
    text = f"{OTHER}---\n{HEAD.replace('Guest', 'Host')}metadata: {{name: db01}}\nspec: {spec}\n"
    edit = Edit("db01", Location("web.yaml", 2), {"schedulable": False}, Kind.HOST)
    assert text.replace(spec, after) == edited(text.encode(), edit).decode()


def test_values_in_flow_style_are_changed_where_they_stand() -> None:
    assert FLOW.replace("vmhost-a", "b").replace("4GiB", "512MiB") == change(FLOW, host="b", memory_size="512MiB")


@pytest.mark.parametrize("mark", ["'", '"'])
def test_quotes_stay(mark: str) -> None:
    text = BLOCK.replace("vmhost-a", f"{mark}vmhost-a{mark}")
    assert text.replace("vmhost-a", "b") == change(text, host="b")


@pytest.mark.parametrize("name", ["true", "012", "1e3", "on"])
def test_a_name_that_reads_as_something_else_is_quoted(name: str) -> None:
    assert f'host:    "{name}"   #' in change(BLOCK, host=name)


def test_a_field_that_was_not_there_is_written_beside_its_neighbours() -> None:
    assert ["+         size: 3GiB\n"] == lines(BLOCK, change(BLOCK, memory_size="3GiB"))
    assert ["+     cpu: {entitlement: 10%}\n"] == lines(BLOCK, change(BLOCK, cpu_entitlement="10%"))
    assert "cpu: {entitlement: 10%} }" in change(FLOW, cpu_entitlement="10%")
    plain = FLOW.replace(" , cpu: {}", "")
    assert "memory: {size: 4GiB}, cpu: {entitlement: 10%} }" in change(plain, cpu_entitlement="10%")


def test_only_the_named_document_of_a_file_is_changed() -> None:
    text = f"{OTHER}--- # next\n{BLOCK}\n...\n---\n{OTHER.replace('db01', 'db02')}"
    assert 2 == len(lines(text, change(text, host="b")))
    assert [("db01", "vmhost-a"), ("web01", "b"), ("db02", "vmhost-a")] == [
        (entry.value["metadata"]["name"], entry.value["spec"]["host"])  # type: ignore[index,call-overload]  # documents are mappings
        for entry in read_yaml("web.yaml", change(text, host="b").encode()).documents
    ]


def test_line_ends_stay() -> None:
    text = BLOCK.replace("\n", "\r\n")
    changed = change(text, host="b", memory_size="3GiB", cpu_entitlement="5%")
    assert changed.count("\n") == changed.count("\r\n") == text.count("\r\n") + 2


@pytest.mark.parametrize("text", [BLOCK.rstrip("\n"), FLOW.rstrip("\n"), "\ufeff" + BLOCK])
def test_a_missing_last_line_end_and_a_byte_order_mark_stay_as_they_are(text: str) -> None:
    changed = change(text, host="b", cpu_entitlement="5%")
    assert changed.startswith(text[:30])
    assert not changed.endswith("\n") or text.endswith("\n")


def test_a_field_can_follow_the_last_line_of_a_file_that_does_not_end_it() -> None:
    text = f"{HEAD}metadata: {{name: web01}}\nspec:\n  host: a"
    assert text + "\n  cpu: {entitlement: 5%}" == change(text, cpu_entitlement="5%")


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("the anchor &home", BLOCK.replace("vmhost-a", "&home vmhost-a")),
        ("the anchor &home", BLOCK.replace("vmhost-a", "*home").replace("name: web01", "name: web01, at: &home a")),
        ("the merge key <<", f"{HEAD}metadata: {{name: web01}}\nspec:\n  <<: {{host: a}}\n"),
    ],
)
def test_what_is_shared_within_the_document_is_refused_with_a_hint(what: str, text: str) -> None:
    with pytest.raises(DesiredStateError) as refused:
        change(text, host="b")
    [problem] = refused.value.problems
    assert ("edit-refused", "web.yaml:2:1") == (problem.code, str(problem.location))
    assert what in problem.what
    assert "write the values out" in problem.hint


def test_anchors_of_other_documents_are_none_of_ours() -> None:
    text = f"a: &x 1\nb: *x\n---\n{BLOCK}"
    assert 2 == len(lines(text, change(text, host="b")))


def test_a_value_over_several_lines_is_refused() -> None:
    with pytest.raises(DesiredStateError, match="no value on one line"):
        change(BLOCK.replace("vmhost-a   #", "|\n        vmhost-a\n    #"), host="b")


def test_what_would_come_out_as_something_else_is_refused() -> None:
    text = f"{HEAD}metadata: {{name: web01}}\nspec:\n  ? host\n  : a\n"
    assert text.replace(": a", ": b") == change(text, host="b")
    with pytest.raises(DesiredStateError, match="edit-refused"):
        change(text, host="b", memory_size="2GiB")


def test_a_guest_that_is_not_in_the_file_is_refused() -> None:
    with pytest.raises(DesiredStateError, match="there are 0 documents"):
        change(OTHER, host="b")
    with pytest.raises(DesiredStateError, match="there are 2 documents"):
        change(f"{BLOCK}---\n{BLOCK}", host="b")


SPACES = st.sampled_from(["", " ", "   ", "  # why: {not} - this"])


@given(
    st.sampled_from(["host: a", "host: 'a'", 'host:   "a"', "'host': a"]),
    SPACES,
    st.lists(
        st.sampled_from(["power: running", "memory: {min: 1GiB}", "memory:\n    min: 1GiB", "# a note"]), unique=True
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_however_it_is_written_only_what_was_wanted_changes(
    host: str, after: str, others: list[str], end: str, ended: bool
) -> None:
    if len([other for other in others if other.startswith("memory")]) > 1:
        others = others[:1]
    text = f"{HEAD}metadata: {{name: web01}}\nspec:\n" + "".join(f"  {line}\n" for line in [host + after, *others])
    text = text.replace("\n", end) if ended else text.rstrip("\n").replace("\n", end)
    changed = change(text, host="b", memory_size="2GiB", cpu_entitlement="7%")
    loaded = load({"web.yaml": changed.encode()}, drivers=())
    [document] = read_yaml("web.yaml", changed.encode()).documents
    assert isinstance(document.value, dict)
    assert {"host": "b", "cpu": {"entitlement": "7%"}}.items() <= document.value["spec"].items()  # type: ignore[union-attr]  # a mapping
    assert loaded.desired is None  # no Fleet, no Host: only the text is of interest here
    before, now = text.splitlines(), changed.splitlines()
    assert len([line for line in before if line not in now]) <= 2 + others.count("memory: {min: 1GiB}")
