"""What we read of YAML, what we refuse, and that both of PyYAML's parsers say the same."""

from __future__ import annotations

import pytest
import yaml

from reconciler.documents import ReadLimits, yaml_text
from reconciler.documents.yaml_text import YamlText, read_yaml
from reconciler.errors import Location


@pytest.fixture(params=["libyaml", "pure"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything here holds with libyaml and without it."""
    monkeypatch.setattr(yaml_text, "PARSER", yaml.CSafeLoader if request.param == "libyaml" else yaml.SafeLoader)


def read(text: str | bytes, limits: ReadLimits | None = None) -> YamlText:
    return read_yaml("f.yaml", text if isinstance(text, bytes) else text.encode(), limits or ReadLimits())


def refused(text: str | bytes, limits: ReadLimits | None = None) -> list[tuple[str, str]]:
    """Code and place of everything that is not read."""
    result = read(text, limits)
    problems = [refusal.problem for document in result.documents for refusal in document.refusals]
    problems += [result.problem] if result.problem else []
    return [(problem.code, str(problem.location).removeprefix("f.yaml:")) for problem in problems]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("true", True), ("False", False), ("tRUE", "tRUE"), ("'true'", "true"),
        ("null", None), ("~", None), ("", None), ('""', ""),
        ("12", 12), ("012", 12), ("-7", -7), ("+7", 7), ("0o17", 15), ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"), ("2026-11-23", "2026-11-23"), ("1e3", 1000.0), ("1.10", 1.1), (".5", 0.5),
        ("1.2.3", "1.2.3"), ("=", "="), ("4GiB", "4GiB"), ("nan", "nan"), ("6f1c3a52-8d4e-4b7a-9c01-2f5e8d7a6b90",) * 2,
        ("-", [None]),
    ],
)  # fmt: skip
def test_unquoted_words_mean_what_yaml_1_2_says(written: str, meant: object) -> None:
    value = read(f"key: {written}\n" if written != "-" else "key:\n  -\n").documents[0].value
    assert isinstance(value, dict)
    assert (meant, type(meant)) == (value["key"], type(value["key"]))


def test_every_node_has_its_place() -> None:
    document = read("# first\na: {b: 1}\nc:\n  - x\n  - y: z\n").documents[0]
    places = {path: (location.line, location.column) for path, location in document.places.all().items()}
    expected = {(): (2, 1), ("a",): (2, 4), ("a", "b"): (2, 8), ("c",): (4, 3), ("c", 0): (4, 5), ("c", 1): (5, 5)}
    assert {**expected, ("c", 1, "y"): (5, 8)} == places


def test_a_key_has_a_place_of_its_own_and_a_missing_path_leads_to_the_nearest_above() -> None:
    places = read("a:\n  b: 1\n").documents[0].places
    assert Location("f.yaml", 1, 1) == places.key("a")
    assert Location("f.yaml", 2, 3) == places.key("a", "b")
    assert Location("f.yaml", 2, 6) == places.value("a", "b", "nowhere")


def test_empty_documents_and_comments_are_no_documents() -> None:
    assert [] == [document.value for document in read("---\n# nothing\n---\n---\n").documents]


def test_documents_of_one_file_are_read_one_after_the_other() -> None:
    assert [{"a": 1}, {"a": 2}] == [document.value for document in read("a: 1\n---\na: 2\n...\n").documents]


def test_a_byte_order_mark_at_the_start_is_left_out() -> None:
    assert {"a": 1} == read(b"\xef\xbb\xbfa: 1\n").documents[0].value
    assert [("control-character", "1:4")] == refused("a: \ufeff1\n")


def test_duplicate_keys_are_refused_and_the_first_value_kept() -> None:
    assert [("duplicate-key", "2:1")] == refused("a: 1\na: 2\n")
    assert [("duplicate-key", "4:3")] == refused("a: 1\nb:\n  c: 1\n  c: 2\n")
    assert {"a": 1} == read("a: 1\na: 2\n").documents[0].value


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("a: &x 1\n", "alias-refused", "1:4"),
        ("a: &x {b: 1}\n", "alias-refused", "1:4"),
        ("a: !!int 1\n", "tag-refused", "1:4"),
        ("a: !secret x\n", "tag-refused", "1:4"),
        ("a: !!python/object/apply:os.system [id]\n", "tag-refused", "1:4"),
        ("<<: {b: 1}\n", "merge-key-refused", "1:1"),
        ("1: x\n", "key-not-text", "1:1"),
        ("true: x\n", "key-not-text", "1:1"),
        ("? [a, b]\n: x\n", "key-not-text", "1:3"),
        ("a: 12345678901234567890\n", "number-out-of-range", "1:4"),
        ("a: 1e999\n", "number-out-of-range", "1:4"),
        ("a: .inf\n", "number-out-of-range", "1:4"),
        ("a: -.INF\n", "number-out-of-range", "1:4"),
        ("a: .nan\n", "number-out-of-range", "1:4"),
    ],
)
def test_what_plain_data_does_not_need_is_refused_where_it_stands(text: str, code: str, at: str) -> None:
    assert [(code, at)] == refused(text)


def test_an_alias_is_refused_at_its_use_too() -> None:
    assert [("alias-refused", "1:4"), ("alias-refused", "2:4")] == refused("a: &x 1\nb: *x\n")


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        (b"a: \xff\n", "not-utf-8", "1:4"),
        ("a: b\n".encode("utf-16"), "not-utf-8", "1:1"),
        (b"a: 1\nb: \x1b[31m\n", "control-character", "2:4"),
        (b"a: \x00\n", "control-character", "1:4"),
        ("a:\n\tb: 1\n", "tab-indentation", "2:1"),
        ("a:\n  \tb: 1\n", "tab-indentation", "2:3"),
        ("a: {\n\tb: 1}\n", "tab-indentation", "2:1"),
        ("a: 'open\n", "yaml-syntax", "2:1"),
        ("a: b: c\n", "yaml-syntax", "1:5"),
        ("a: [1, 2\n", "yaml-syntax", "2:1"),
        ("a: @b\n", "yaml-syntax", "1:4"),
    ],
)
def test_text_that_is_not_yaml_is_refused_where_it_stops_making_sense(text: str | bytes, code: str, at: str) -> None:
    assert [(code, at)] == refused(text)


def test_documents_before_a_syntax_error_are_read() -> None:
    result = read("a: 1\n---\nb: [\n")
    assert [{"a": 1}] == [document.value for document in result.documents]
    assert result.problem is not None


def test_an_escape_that_names_no_character_is_a_problem() -> None:
    assert ["yaml-syntax"] == [code for code, _ in refused('a: "\\UFFFFFFFF"\n')]


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
)


def test_a_yaml_bomb_is_refused_without_being_unfolded() -> None:
    assert {"alias-refused"} == {code for code, _ in refused(BOMB)}


@pytest.mark.parametrize(
    ("text", "limits", "code"),
    [
        ("x" * 11, ReadLimits(file_bytes=10), "document-too-large"),
        (b"\xff" * 11, ReadLimits(file_bytes=10), "document-too-large"),
        ("[" * 50_000, ReadLimits(), "document-too-complex"),
        ("{a: " * 50_000, ReadLimits(), "document-too-complex"),
        ("? " * 50_000, ReadLimits(), "document-too-complex"),
        ("- " * 50_000, ReadLimits(), "document-too-complex"),
        ("- a\n" * 50_000, ReadLimits(), "document-too-complex"),
        ("a: " + "9" * 500_000, ReadLimits(), "number-out-of-range"),
        ("--- a\n" * 6, ReadLimits(documents_per_file=5), "too-many-documents"),
        ("a: 1\n" * 30, ReadLimits(problems_per_document=1), "duplicate-key"),
    ],
)
def test_each_limit_ends_the_reading_with_one_problem(text: str | bytes, limits: ReadLimits, code: str) -> None:
    assert [code] == [code for code, _ in refused(text, limits)]


def test_ten_megabytes_are_refused_by_their_size_alone() -> None:
    assert [("document-too-large", "1:1")] == refused(b"a: [" * 2_500_000)
