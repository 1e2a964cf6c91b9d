"""Reading the documents of one commit: which files, which problems, and that nothing else is looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Location
from reconciler.git.desired import DesiredFiles, ReadLimits, allowed, read_desired, uncommitted
from reconciler.git.plumbing import Repository
from reconciler.git.trouble import GitTrouble
from tests.git.repositories import (
    FILE,
    SUBMODULE,
    SYMLINK,
    blob,
    commit_files,
    commit_tree,
    everything,
    git,
    make_repository,
)


def read(folder: Path, path: str = ".", limits: ReadLimits | None = None) -> DesiredFiles:
    return read_desired(Repository.open(folder), "main", path, limits)


def codes(found: DesiredFiles) -> list[tuple[str, str]]:
    return [(problem.code, problem.location.file) for problem in found.problems]


def raw_tree(folder: Path, entries: list[tuple[str, bytes, str]]) -> str:
    """A tree as it stands here: with names that git would not let a person commit."""
    content = b"".join(b"%b %b\0%b" % (mode.encode(), name, bytes.fromhex(oid)) for mode, name, oid in entries)
    return git(folder, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=content)


def test_documents_that_were_changed_and_not_committed_are_named_and_nothing_else(tmp_path: Path) -> None:
    there = {f"desired/{name}.yaml": b"same" for name in ("changed", "gone", "same", ".hidden")}
    main = make_repository(tmp_path / "main", bare=False)
    commit_files(main, {**there, "other.yaml": b"same"})
    git(main, "checkout", "-q", "-f", "main")
    index = (main / ".git" / "index").read_bytes()
    assert () == uncommitted(Repository.open(main), "desired")
    git(main, "config", "core.fsmonitor", f"touch {tmp_path}/trapped")
    for name in ("desired/changed.yaml", "desired/.hidden.yaml", "desired/new.yml", "desired/README", "other.yaml"):
        (main / name).write_text("other")
    (main / "desired" / "gone.yaml").unlink()
    found = uncommitted(Repository.open(main), "desired/")
    assert ("desired/changed.yaml", "desired/gone.yaml", "desired/new.yml") == found
    assert ("other.yaml", True) == (uncommitted(Repository.open(main))[-1], index == (main / ".git/index").read_bytes())
    assert not (tmp_path / "trapped").exists()
    for elsewhere in (main / ".git", make_repository(tmp_path / "bare")):
        assert () == uncommitted(Repository.open(elsewhere), "desired")
    (main / ".git" / "index").write_bytes(b"damaged")
    assert () == uncommitted(Repository.open(main), "desired")


def test_documents_below_the_path_are_read_by_their_path_in_the_repository(folder: Path) -> None:
    commit = commit_files(
        folder,
        {
            "desired-state/fleet.yaml": b"fleet",
            "desired-state/guests/web.yml": b"web\r\n\xff",
            "desired-state/guests/same.yaml": b"fleet",
            "desired-state/README.md": b"read me",
            "other/host.yaml": b"host",
            "top.yaml": b"",
        },
    )
    found = read(folder, "./desired-state/")
    assert found.commit.id == commit
    assert found.files == {
        "desired-state/fleet.yaml": b"fleet",
        "desired-state/guests/same.yaml": b"fleet",
        "desired-state/guests/web.yml": b"web\r\n\xff",
    }
    assert list(found.files) == sorted(found.files)
    assert found.problems == ()
    assert len(read(folder).files) == 5


def test_hidden_files_and_folders_belong_to_others(folder: Path) -> None:
    files = dict.fromkeys((".github/workflows/ci.yaml", ".gitlab-ci.yml", "guests/.draft.yaml"), b"on: push")
    commit_files(folder, {**files, ".cache/link.yaml": (SYMLINK, blob(folder, b"/etc")), "guests/web.yaml": b"web"})
    found = read(folder)
    assert found.files == {"guests/web.yaml": b"web"}
    assert found.problems == ()


def test_the_work_tree_is_never_read_and_nothing_is_written(folder: Path) -> None:
    commit_files(folder, {"guests/web.yaml": b"committed"})
    (folder / "guests").mkdir()
    (folder / "guests" / "web.yaml").write_bytes(b"edited")
    (folder / "guests" / "new.yaml").write_bytes(b"untracked")
    before = everything(folder)
    assert read(folder, "guests").files == {"guests/web.yaml": b"committed"}
    assert everything(folder) == before


def test_hooks_filters_and_attributes_of_the_repository_do_not_run(bare: Path, tmp_path: Path) -> None:
    commit_files(bare, {"a.yaml": b"a\r\n", ".gitattributes": b"* text=auto filter=evil export-ignore\n"})
    git(bare, "config", "filter.evil.smudge", f"touch {tmp_path}/ran")
    git(bare, "config", "core.fsmonitor", f"touch {tmp_path}/ran")
    assert read(bare).files == {"a.yaml": b"a\r\n"}
    assert not (tmp_path / "ran").exists()


def test_symlinks_and_submodules_are_problems_wherever_they_are(folder: Path) -> None:
    target = blob(folder, b"../../etc/passwd")
    commit_files(
        folder,
        {
            "state/web.yaml": b"web",
            "state/link.yaml": (SYMLINK, target),
            "state/folder": (SYMLINK, target),
            "state/module": (SUBMODULE, "1" * len(target)),
            "elsewhere": (SYMLINK, target),
        },
    )
    found = read(folder, "state")
    assert found.files == {"state/web.yaml": b"web"}
    assert codes(found) == [
        ("symlink-in-desired-state", "state/folder"),
        ("symlink-in-desired-state", "state/link.yaml"),
        ("submodule-in-desired-state", "state/module"),
    ]
    assert all(problem.hint for problem in found.problems)


def test_the_path_itself_is_no_link_submodule_or_file(bare: Path) -> None:
    commit_files(
        bare,
        {
            "real/a.yaml": b"a",
            "link": (SYMLINK, blob(bare, b"real")),
            "module": (SUBMODULE, "1" * 40),
            "file": b"a",
        },
    )
    assert codes(read(bare, "link")) == [("symlink-in-desired-state", "link")]
    assert codes(read(bare, "module")) == [("submodule-in-desired-state", "module")]
    assert codes(read(bare, "file")) == [("path-missing", "file")]
    assert codes(read(bare, "link/deeper")) == [("path-missing", "link/deeper")]
    assert codes(read(bare, "r*")) == [("path-missing", "r*")]
    assert read(bare, "nowhere").problems[0].what.endswith("has no folder nowhere")


@pytest.mark.parametrize("path", ["/etc", "..", "a/../..", "a\nb", "a\x00"])
def test_a_path_that_leaves_the_repository_is_refused(bare: Path, path: str) -> None:
    commit_files(bare, {"a.yaml": b"a"})
    with pytest.raises(GitTrouble, match="repository-path-invalid"):
        read(bare, path)


def test_a_path_that_git_could_take_for_an_option_or_pattern_is_just_a_path(bare: Path) -> None:
    commit_files(bare, {"-r/:(top)[a]/a.yaml": b"a"})
    assert list(read(bare, "-r").files) == ["-r/:(top)[a]/a.yaml"]
    assert list(read(bare, "-r/:(top)[a]").files) == ["-r/:(top)[a]/a.yaml"]


def test_paths_that_lie_or_cannot_be_shown_are_problems(folder: Path) -> None:
    document = blob(folder, b"web")
    names = [b"new\nline.yaml", b"esc\x1b[2J.yaml", b"\xe2\x80\xaeflip.yaml", b"latin\xe9.yaml", b"b\xc3\xbc.yaml"]
    inner = raw_tree(folder, [("100644", b"up.yaml", document)])
    folders = [("40000", b"..", inner), ("40000", b".GIT", inner)]
    commit_tree(folder, raw_tree(folder, [*folders, *(("100644", name, document) for name in names)]))
    found = read(folder)
    assert found.files == {"bü.yaml": b"web"}
    assert sorted(codes(found)) == [
        ("bad-path", "../up.yaml"),
        ("bad-path", ".GIT/up.yaml"),
        ("bad-path", "\\u202eflip.yaml"),
        ("bad-path", "esc\\x1b[2J.yaml"),
        ("bad-path", "latin\\xe9.yaml"),
        ("bad-path", "new\\nline.yaml"),
    ]


def test_a_path_that_a_tree_holds_twice_is_not_read_from_either(bare: Path) -> None:
    """A forge may show the one and git read the other."""
    entries = [("100644", b"web.yaml", blob(bare, content)) for content in (b"shown", b"read")]
    commit_tree(bare, raw_tree(bare, entries))
    found = read(bare)
    assert found.files == {}
    assert codes(found) == [("bad-path", "web.yaml")]


def test_a_document_over_its_limit_is_a_problem_and_the_rest_is_read(folder: Path) -> None:
    commit_files(folder, {"a.yaml": b"x" * (1 << 20), "b.yaml": b"x" * ((1 << 20) + 1), "big.bin": b"x" * (2 << 20)})
    found = read(folder)
    assert list(found.files) == ["a.yaml"]
    assert codes(found) == [("document-too-large", "b.yaml")]


def test_too_many_or_too_large_documents_are_not_read_at_all(bare: Path) -> None:
    commit_files(bare, {f"state/{number}.yaml": b"12345" for number in range(4)})
    assert len(read(bare, limits=ReadLimits(documents_max=4, total_bytes_max=20)).files) == 4
    found = read(bare, "state", ReadLimits(documents_max=3))
    assert (found.files, codes(found)) == ({}, [("too-many-documents", "state")])
    found = read(bare, limits=ReadLimits(total_bytes_max=19))
    assert (found.files, codes(found)) == ({}, [("desired-state-too-large", ".")])


def test_a_flood_of_problems_is_cut_with_their_number(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.git.desired.PROBLEMS_MAX", 2)
    commit_files(bare, {f"{number}.yaml": (SYMLINK, blob(bare, b"x")) for number in range(5)})
    found = read(bare)
    assert [problem.location for problem in found.problems] == [Location("0.yaml"), Location("1.yaml"), Location(".")]
    assert found.problems[-1].what == "3 more problems are not listed"


def test_executable_documents_are_documents(bare: Path) -> None:
    commit_files(bare, {"a.yaml": ("100755", blob(bare, b"a")), "b.yaml": (FILE, blob(bare, b"b"))})
    assert list(read(bare).files) == ["a.yaml", "b.yaml"]


def test_a_missing_blob_stops_the_reading(bare: Path) -> None:
    commit_files(bare, {"a.yaml": b"a"})
    object_id = blob(bare, b"a")
    (bare / "objects" / object_id[:2] / object_id[2:]).unlink()
    with pytest.raises(GitTrouble):
        read(bare)


def test_an_unchanged_repository_that_cannot_be_written_is_read(bare: Path) -> None:
    commit_files(bare, {"a.yaml": b"a"})
    paths = [bare, *bare.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(modes[path] & ~0o222)
    try:
        assert read(bare).files == {"a.yaml": b"a"}
    finally:
        for path in paths:
            path.chmod(modes[path])


def test_the_commit_carries_author_subject_and_what_it_allows(folder: Path) -> None:
    message = "Move the web guests\n\nThey need room.\n\nReviewed-by: Bob\nReconciler-Allow: moves=120 stops=4\n"
    commit_files(folder, {"a.yaml": b"a"}, message=message)
    commit = read(folder).commit
    assert commit.author == "Ada <ada@example.org>"
    assert commit.subject == "Move the web guests"
    assert commit.allow == {"moves": 120, "stops": 4}


def test_only_the_commit_itself_allows_something(bare: Path) -> None:
    commit_files(bare, {"a.yaml": b"a"}, message="First\n\nReconciler-Allow: moves=120\n")
    commit_files(bare, {"a.yaml": b"b"}, message="Second\n\nReconciler-Allow: moves=9\n\nas somebody said before\n")
    git(bare, "notes", "add", "-m", "Reconciler-Allow: moves=7", "main")
    assert read(bare).commit.allow == {}


def test_control_characters_of_author_and_subject_are_escaped(bare: Path) -> None:
    author = {"GIT_AUTHOR_NAME": "Eve \x1b[31m", "GIT_AUTHOR_EMAIL": "eve\u202e@example.org"}
    commit_files(bare, {"a.yaml": b"a"}, message="Clear \x1b[2J the screen \udcff", variables=author)
    commit = read(bare).commit
    assert commit.author == "Eve \\x1b[31m <eve\\u202e@example.org>"
    assert commit.subject.startswith("Clear \\x1b[2J the screen ")
    assert commit.subject.isprintable()


def test_settings_of_the_repository_do_not_change_how_commits_are_read(bare: Path, tmp_path: Path) -> None:
    (tmp_path / "mailmap").write_text("Mallory <m@example.org> <ada@example.org>\n")
    settings = {
        "core.commentChar": "R",
        "trailer.separators": "=",
        "log.showSignature": "true",
        "log.mailmap": "true",
        "mailmap.file": str(tmp_path / "mailmap"),
        "format.pretty": "oneline",
        "i18n.logOutputEncoding": "UTF-16",
        "color.ui": "always",
        "notes.displayRef": "refs/notes/*",
    }
    for name, value in settings.items():
        git(bare, "config", name, value)
    commit_files(bare, {"a.yaml": b"a"}, message="Übung\n\nReconciler-Allow: moves=3\n")
    commit = read(bare).commit
    assert (commit.author, commit.subject, commit.allow) == ("Ada <ada@example.org>", "Übung", {"moves": 3})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("moves=120 stops=4", {"moves": 120, "stops": 4}),
        ("stops=4", {"stops": 4}),
        ("moves=0", {"moves": 0}),
        ("moves=9 moves=3", {"moves": 3}),
        ("moves=120, stops=4", {"stops": 4}),
        ("moves=-1 moves=+1 moves=1e3 moves=٣ moves= =3 hosts=2 Moves=3", {}),
        ("moves=9999999999", {}),
        ("", {}),
    ],
)
def test_an_allowance_is_read_to_the_letter_or_not_at_all(value: str, expected: dict[str, int]) -> None:
    assert allowed([("reconciler-ALLOW", value)]) == expected
    assert allowed([("Reconciler-Allow-Not", value)]) == {}


@given(st.lists(st.tuples(st.sampled_from(["Reconciler-Allow", "Fixes"]), st.text())))
def test_no_trailer_allows_more_than_the_two_known_things(trailers: list[tuple[str, str]]) -> None:
    allow = allowed(trailers)
    assert set(allow) <= {"moves", "stops"}
    assert all(0 <= number < 10**9 for number in allow.values())


def test_twenty_thousand_guests_are_read_with_a_handful_of_processes(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = "".join(f"M 100644 inline guests/{n % 97}/g{n}.yaml\ndata 5\n{n:05}\n" for n in range(20_000))
    head = "commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\n"
    git(bare, "fast-import", "--quiet", stdin=(head + documents).encode())
    real = git(tmp_path, "--exec-path") + "/git"
    wrapper = tmp_path / "git"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = read(bare, "guests")
    assert len(found.files) == 20_000
    assert found.files["guests/1/g1.yaml"] == b"00001"
    assert len((tmp_path / "calls").read_text().splitlines()) < 10
