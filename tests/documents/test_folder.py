"""Which files of a folder are documents, and what is said about the others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reconciler.documents import ReadLimits, load, read_folder
from tests.documents.examples import SOUND


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in SOUND.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def codes(folder: Path, limits: ReadLimits | None = None) -> list[tuple[str, str]]:
    return [(problem.code, problem.location.file) for problem in read_folder(folder, limits or ReadLimits())[1]]


def test_documents_at_any_depth_are_read_by_their_path_below_the_folder(folder: Path) -> None:
    (folder / "guests" / "old").mkdir()
    (folder / "guests" / "old" / "x.yml").write_text("# nothing\n", encoding="utf-8")
    files, problems = read_folder(folder)
    assert ["fleet.yaml", "guests/db.yaml", "guests/old/x.yml", "hosts/h1.yaml"] == list(files)
    assert [] == problems
    assert not load(files).held


def test_hidden_files_and_folders_and_other_endings_are_left_out(folder: Path) -> None:
    (folder / ".git").mkdir()
    for name in (".hidden.yaml", ".git/x.yaml", "README.md", "notes.yaml.bak"):
        (folder / name).write_text("not: a document\n", encoding="utf-8")
    files, problems = read_folder(folder)
    assert (sorted(SOUND), []) == (list(files), problems)


def test_symbolic_links_to_files_and_folders_are_refused(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (folder / "link.yaml").symlink_to(folder / "fleet.yaml")
    (folder / "elsewhere").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    (folder / "nowhere.yaml").symlink_to("missing")
    expected = [("symlink-in-desired-state", name) for name in ("elsewhere", "link.yaml", "nowhere.yaml")]
    assert expected == codes(folder)


def test_a_pipe_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    assert [("file-unreadable", "pipe.yaml")] == codes(folder)


def test_a_file_that_cannot_be_opened_is_a_problem(folder: Path) -> None:
    """A socket, because root may open a file whatever its permissions are."""
    os.mknod(folder / "socket.yaml", stat.S_IFSOCK | 0o600)
    assert [("file-unreadable", "socket.yaml")] == codes(folder)


def test_a_folder_that_is_not_there_is_a_problem(folder: Path) -> None:
    assert [("file-unreadable", ".")] == codes(folder / "missing")
    assert [("file-unreadable", ".")] == codes(folder / "fleet.yaml")


def test_a_file_that_is_too_large_is_not_read(folder: Path) -> None:
    (folder / "large.yaml").write_text("#" * 200, encoding="utf-8")
    assert [("document-too-large", "large.yaml")] == codes(folder, ReadLimits(file_bytes=150))


def test_reading_ends_soon_after_a_limit_for_the_whole_folder(folder: Path) -> None:
    limits = ReadLimits(files=1)
    files, _ = read_folder(folder, limits)
    assert 2 == len(files)
    assert ["too-many-documents"] == [problem.code for problem in load(files, limits=limits).problems]


def test_hostile_file_names_are_shown_in_quotes(folder: Path) -> None:
    (folder / "\x1b[31m.yaml").symlink_to("x")
    (folder / os.fsdecode(b"\xff.yaml")).symlink_to("x")
    names = [problem.location.file for problem in read_folder(folder)[1]]
    assert [r'"\udcff.yaml"', r'"\x1b[31m.yaml"'] == names
