"""Reading only what changed gives what reading everything gives, whatever the commits were."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.documents.loading import Loaded, load
from reconciler.git.desired import read_desired
from reconciler.git.plumbing import Repository
from reconciler.loop.daemon.reader import DesiredReader
from tests.git.repositories import commit_files, git, make_repository

HEAD = "apiVersion: reconciler/v1alpha1\nkind: "
FLEET = HEAD + "Fleet\nmetadata: {name: f}\nspec: {mode: apply%s}\n"
HOST = HEAD + "Host\nmetadata: {name: %s}\nspec: {driver: simulated}\n"
GUEST = HEAD + "Guest\nmetadata: {name: %s}\nspec: {host: %s%s}\n"
RULE = HEAD + "PlacementRule\nmetadata: {name: r}\nspec: {guests: {names: [%s]}, affinity: {topologyKey: host}}\n"
DRIVERS = ("simulated",)

names = st.sampled_from(["web", "db", "batch"])
hosts = st.sampled_from(["h1", "h2", "h9"])
uuids = st.sampled_from(["", *(f", uuid: 00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))])
guests = st.builds(lambda name, host, uuid: GUEST % (name, host, uuid), names, hosts, uuids)
texts = st.one_of(
    guests,
    st.lists(guests, min_size=2, max_size=2).map("---\n".join),
    st.sampled_from(
        [
            HOST % "h1",
            HOST % "h9",
            FLEET % ", drift: correct",
            RULE % "web",
            RULE % "web, db",
            f"{GUEST % ('db', 'h1', '')}---\n{RULE % 'db'}",
            "",
            "# nothing\n",
            "kind: [\n",
            GUEST % ("web", "h1", ", colour: red"),
        ]
    ),
    guests.map(lambda text: text.replace("}\n", ", migration: {window: nights}}\n")),
)
paths = st.sampled_from(
    ["guests/a.yaml", "guests/b.yaml", "c.yml", "hosts/h1.yaml", "fleet.yaml", "readme.md", ".hidden/x.yaml"]
)
commits = st.lists(st.dictionaries(paths, st.one_of(texts, st.none()), max_size=2), min_size=1, max_size=6)

START = {
    "fleet.yaml": FLEET % ", defaults: {migration: {downtime: allowed}}",
    "hosts/h1.yaml": HOST % "h1",
    "hosts/h2.yaml": HOST % "h2",
    "guests/a.yaml": GUEST % ("web", "h1", ""),
}


def from_nothing(repository: Repository) -> Loaded:
    found = read_desired(repository, "main", "desired")
    return load(found.files, problems=found.problems, drivers=DRIVERS, commit=found.commit)


def commit(folder: Path, files: dict[str, str | None]) -> None:
    """Write these files, or delete them."""
    index = {"GIT_INDEX_FILE": str(folder.parent / "index")}
    git(folder, "read-tree", "main", variables=index)
    for path, text in files.items():
        if text is None:
            gone = f"0 {'0' * 40}\tdesired/{path}\n".encode()
            git(folder, "update-index", "--index-info", stdin=gone, variables=index)
        else:
            blob = git(folder, "hash-object", "-w", "--stdin", stdin=text.encode())
            git(folder, "update-index", "--add", "--cacheinfo", f"100644,{blob},desired/{path}", variables=index)
    tree = git(folder, "write-tree", variables=index)
    made = git(folder, "commit-tree", "-p", "main", "-m", "change", tree)
    git(folder, "update-ref", "refs/heads/main", made)


@pytest.mark.slow
@settings(max_examples=30)
@given(commits)
def test_any_history_is_read_as_if_each_commit_were_the_first(history: list[dict[str, str | None]]) -> None:
    with TemporaryDirectory() as place:
        folder = make_repository(Path(place) / "fleet")
        commit_files(folder, {f"desired/{path}": text.encode() for path, text in START.items()})
        repository = Repository.open(folder)
        reader = DesiredReader(repository, "desired", DRIVERS)
        assert from_nothing(repository) == reader.at("main")
        for files in history:
            commit(folder, files)
            assert from_nothing(repository) == reader.at("main"), files


def test_a_changed_guest_is_all_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_repository(tmp_path / "fleet")
    commit_files(folder, {f"desired/{path}": text.encode() for path, text in START.items()})
    reader = DesiredReader(Repository.open(folder), "desired", DRIVERS)
    reader.at("main")
    monkeypatch.setattr("reconciler.loop.daemon.reader.load", None)  # a load from nothing would fail now
    commit(folder, {"guests/a.yaml": GUEST % ("web", "h2", ""), "guests/b.yaml": GUEST % ("db", "h1", "")})
    desired = reader.at("main").require()
    assert {"db": "h1", "web": "h2"} == {name: guest.host for name, guest in desired.guests.items()}
    assert ["db", "web"] == list(desired.guests), "in the order of their names"


def test_a_commit_that_the_repository_has_forgotten_is_no_trouble(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "fleet")
    commit_files(folder, {f"desired/{path}": text.encode() for path, text in START.items()})
    repository = Repository.open(folder)
    reader = DesiredReader(repository, "desired", DRIVERS)
    reader.at("main")
    assert reader._known is not None
    reader._known.tree = "1" * 40  # after a forced push and `git gc`
    commit(folder, {"guests/a.yaml": GUEST % ("web", "h2", "")})
    assert from_nothing(repository) == reader.at("main")
