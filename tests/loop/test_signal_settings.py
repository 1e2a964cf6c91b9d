"""[log], [notify] and [web] in the settings: what is read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.core.reports.events import EventKind, Severity
from reconciler.documents.schemas import schema_folder
from reconciler.errors import SettingsError
from reconciler.loop.daemon.telling.signals import ListenAddress, LogFormat, LogSettings, NotifySettings
from reconciler.loop.settings import read_settings
from tests.loop.test_settings import MINIMAL, written


def test_left_out_nobody_is_told_and_nothing_listens(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, MINIMAL))
    assert (LogSettings(), None, None) == (settings.log, settings.notify, settings.listen)


def test_all_of_it_is_read(tmp_path: Path) -> None:
    text = """
[log]
format = "text"
level = "warning"
[notify]
program = ["/usr/local/bin/page-me", "--team", "vm"]
kinds = ["guest-stalled"]
min_severity = "error"
timeout_s = 5
[web]
listen = "[::1]:9477"
"""
    settings = read_settings(written(tmp_path, MINIMAL + text))
    assert LogSettings(LogFormat.TEXT, Severity.WARNING) == settings.log
    program = ("/usr/local/bin/page-me", "--team", "vm")
    assert NotifySettings(program, frozenset({EventKind.GUEST_STALLED}), Severity.ERROR, 5.0) == settings.notify
    assert ListenAddress("::1", 9477) == settings.listen


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[web]\nlisten = "9477"\n', "web.listen"),
        ('[web]\nlisten = "127.0.0.1:99999"\n', "web.listen"),
        ("[web]\n", "listen"),
        ("[notify]\nprogram = []\n", "notify.program"),
        ('[notify]\nprogram = ["page-me"]\n', "notify.program"),
        ('[notify]\nprogram = "/bin/page-me"\n', "notify.program"),
        ('[notify]\nprogram = ["/bin/p"]\nkinds = ["guest-stuck"]\n', "notify.kinds"),
        ('[notify]\nprogram = ["/bin/p"]\ntimeout_s = 0\n', "notify.timeout_s"),
        ('[log]\nformat = "xml"\n', "log.format"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        read_settings(written(tmp_path, MINIMAL + text))
    assert named in refusal.value.what


def test_the_schema_lists_exactly_the_kinds_and_severities_there_are() -> None:
    properties = json.loads((schema_folder() / "settings.schema.json").read_text())["properties"]
    assert list(EventKind) == properties["notify"]["properties"]["kinds"]["items"]["enum"]
    for table, key in (("log", "level"), ("notify", "min_severity")):
        assert list(Severity) == properties[table]["properties"][key]["enum"]
    assert list(LogFormat) == properties["log"]["properties"]["format"]["enum"]
