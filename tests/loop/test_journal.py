"""The state folder: what is kept between passes, and what happens when it cannot be."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.core.execution.evidence import BootNote
from reconciler.core.names import is_name
from reconciler.core.observed import BootFloor
from reconciler.core.planning.ways.learned import SAMPLES_KEPT, Sample
from reconciler.errors import StateFolderError
from reconciler.loop.journal import StateFolder, peek

EVIDENCE = {"u1": BootNote("boot-1", BootFloor("4.1", "h1", "2026-11-20 10:00 UTC"))}


@contextmanager
def full_disk(bytes_max: int) -> Iterator[None]:
    """No file of this process can grow beyond this: what a full disk feels like, and works for root too."""
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_controller_keeps_its_name(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "state") as folder:
        name = folder.controller()
    with StateFolder(tmp_path / "state") as folder:
        assert name == folder.controller()
    assert name == peek(tmp_path / "state").controller


def test_evidence_is_kept_and_unreadable_evidence_is_none(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as folder:
        folder.remember(EVIDENCE)
        assert EVIDENCE == folder.evidence()
        (tmp_path / "evidence.json").write_text("{", encoding="utf-8")
        assert {} == folder.evidence()


@pytest.mark.parametrize("name", ["controller", "evidence.json", "runs.json", "acted"])
@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[" * 100_000, b"$(reboot)", b""], ids=["bytes", "deep", "shell", "empty"]
)
def test_a_damaged_file_is_a_lost_one(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert ({}, 0) == (peek(tmp_path).evidence, peek(tmp_path).bad_runs)
    with StateFolder(tmp_path) as folder:
        assert is_name(folder.controller())
        folder.acted()


def test_each_note_is_one_line_of_json(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as folder:
        folder.note({"what": "sending", "verb": "start"})
        folder.note({"what": "answered"})
    lines = (tmp_path / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert ["sending", "answered"] == [json.loads(line)["what"] for line in lines]


def test_a_full_disk_is_told_before_the_command_is_sent(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as folder:
        folder.note({"what": "first"})
        with full_disk(64), pytest.raises(StateFolderError) as caught:
            folder.note({"what": "x" * 200})
    assert str(tmp_path) in str(caught.value)
    assert "nothing more is sent" in caught.value.hint


def test_a_line_that_was_cut_off_does_not_swallow_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text('{"what": "cut o', encoding="utf-8")
    with StateFolder(tmp_path) as folder:
        folder.note({"what": "next"})
    lines = (tmp_path / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert "next" == json.loads(lines[-1])["what"]


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("2\n", encoding="utf-8")
    with pytest.raises(StateFolderError, match="another version"):
        StateFolder(tmp_path).__enter__()


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("", encoding="utf-8")
    with pytest.raises(StateFolderError):
        StateFolder(tmp_path / "state").__enter__()


def test_peeking_makes_nothing(tmp_path: Path) -> None:
    assert "" == peek(tmp_path / "none").controller
    assert [] == list(tmp_path.iterdir())


def test_what_steps_took_is_remembered_the_latest_last_and_the_oldest_no_longer(tmp_path: Path) -> None:
    samples = [Sample("a", "b", "", "online, 1 GiB", 10.0, float(number)) for number in range(SAMPLES_KEPT + 1)]
    with StateFolder(tmp_path / "state") as folder:
        folder.learn(samples[:-1])
        folder.learn(samples[-1:])
        folder.learn([])
    assert tuple(samples[1:]) == peek(tmp_path / "state").samples


@pytest.mark.parametrize("text", ["", "[]x", "[7]", '{"a": 1}', '[{"source": "a"}]'])
def test_durations_that_cannot_be_read_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "durations.json").write_text(text)
    assert () == peek(tmp_path).samples
