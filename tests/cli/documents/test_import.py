"""`reconciler import`: documents for what is there, nothing overwritten, and a plan of them is empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.model import RunState, StorageKind
from reconciler.core.observed import Disk
from reconciler.drivers.registry import refusal
from reconciler.drivers.simulated.fleet import SimGuest, SimHost
from reconciler.drivers.simulated.world import World
from reconciler.errors import ExitCode
from tests.cli.bench import UUIDS, Bench, Ran
from tests.drivers.hosts.fleet import SshdFleet, require_hosts

HOSTS = ("h1", "h2", "h3")
LUN = "600143801259b8ae0000900000330000"


@pytest.fixture
def into(bench: Bench) -> Path:
    """A folder that is not there yet."""
    return bench.folder / "imported"


def imported(bench: Bench, into: Path, *arguments: object) -> Ran:
    return bench.call("import", *arguments, "--into", into)


def files(folder: Path) -> dict[str, str]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}


def test_what_was_imported_needs_no_plan(bench: Bench, into: Path) -> None:
    assert ExitCode.OK == imported(bench, into, *HOSTS, "--fleet", "new").code
    names = ["fleet", "guests/batch", "guests/db", "guests/web", "hosts/h1", "hosts/h2", "hosts/h3"]
    assert names == [path.removesuffix(".yaml") for path in files(into)]
    for command in ("diff", "plan"):
        assert ExitCode.OK == bench.call(command, "--desired", into).code, command
    assert [] == bench.sent()


def test_a_document_says_what_was_found(bench: Bench, into: Path) -> None:
    imported(bench, into, *HOSTS, "--fleet", "new")
    assert files(into)["guests/batch.yaml"] == (
        "# Written by `reconciler import`, from a look at its host.\n"
        "# It had 2 GiB of memory, 1 vCPU, 1 disk (1 san).\n"
        "apiVersion: reconciler/v1alpha1\n"
        "kind: Guest\n"
        "metadata: {name: batch}\n"
        "spec:\n"
        "  host: h2\n"
        f"  uuid: {UUIDS['batch']}\n"
        "  power: stopped  # stopped when found running; keep: left as it is found\n"
        "  autostart: off  # whether its host starts it at boot\n"
    )


def test_importing_again_offers_only_what_is_new(bench: Bench, into: Path) -> None:
    imported(bench, into, *HOSTS, "--fleet", "new")
    (into / "guests" / "web.yaml").write_text(files(into)["guests/web.yaml"] + "  migration: {downtime: allowed}\n")
    before = files(into)
    again = imported(bench, into)
    assert (ExitCode.OK, before) == (again.code, files(into))
    assert "Declared before and left as they are: 3 hosts and 3 guests." in again.out
    assert "Nothing new to describe." in again.out
    bench.change_hosts(
        lambda world: bench.place(world, "mail", "h3", Disk("w", StorageKind.SAN, 1), uuid=UUIDS["web"][:-1] + "9")
    )
    assert ExitCode.OK == imported(bench, into).code
    assert ["guests/mail.yaml"] == sorted(files(into).keys() - before.keys())


def test_a_dry_run_prints_what_would_be_written_and_writes_nothing(bench: Bench, into: Path) -> None:
    dry = imported(bench, into, *HOSTS, "--fleet", "new", "--dry-run")
    assert (ExitCode.OK, False) == (dry.code, into.exists())
    assert "Nothing was written." in dry.err
    draft = bench.folder / "draft"
    draft.mkdir()
    (draft / "all.yaml").write_text(dry.out)
    assert ExitCode.OK == bench.call("plan", "--desired", draft).code
    as_json = imported(bench, into, *HOSTS, "--fleet", "new", "-o", "json").json
    assert {entry["path"]: entry["text"] for entry in as_json["documents"]} == files(into)


def test_a_guest_with_two_copies_is_listed_and_not_written(bench: Bench, into: Path) -> None:
    bench.change_hosts(lambda world: world.move_by_hand(UUIDS["web"], "h3", leave_definition=True))
    found = imported(bench, into, *HOSTS, "--fleet", "new")
    assert ExitCode.HELD == found.code
    assert "guest web on h1 (stopped), h3 (running)\n    SeveralCopies:" in found.out
    assert not (into / "guests" / "web.yaml").exists()


def test_a_host_that_cannot_be_read_is_4_and_the_next_import_adds_its_guests(bench: Bench, into: Path) -> None:
    bench.change_hosts(lambda world: world.partition("h1"))
    first = imported(bench, into, *HOSTS, "--fleet", "new")
    assert (ExitCode.HOST, True) == (first.code, "Not read: 1 host\n  h1: " in first.out)
    assert ["guests/batch.yaml"] == [path for path in files(into) if path.startswith("guests/")]
    bench.change_hosts(lambda world: world.heal("h1"))
    assert ExitCode.OK == imported(bench, into).code
    assert ExitCode.OK == bench.call("plan", "--desired", into).code


def test_documents_that_are_invalid_are_3_before_any_host_is_asked(
    bench: Bench, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.cli.importing.look_at", None)  # calling it would be a bug, and 70
    into.mkdir()
    (into / "web.yaml").write_text("apiVersion: reconciler/v1alpha1\nkind: Guest\nmetadata: {name: web}\n")
    found = imported(bench, into, *HOSTS, "--fleet", "new")
    assert (ExitCode.DOCUMENTS, True) == (found.code, "web.yaml:1" in found.err)


def test_no_file_is_ever_overwritten(bench: Bench, into: Path) -> None:
    for path in ("guests/WEB.yaml", "hosts/h2.yaml"):
        (into / path).parent.mkdir(parents=True)
        (into / path).write_text("# mine\n")
    found = imported(bench, into, *HOSTS, "--fleet", "new")
    assert ExitCode.HELD == found.code
    assert ("# mine\n", "# mine\n") == (files(into)["guests/WEB.yaml"], files(into)["hosts/h2.yaml"])
    assert ["guests/WEB.yaml", "guests/db.yaml"] == [path for path in files(into) if path.startswith("guests/")]
    assert 2 == found.out.count("FileTaken")
    assert "HostInDoubt" in found.out
    (into / "fleet.yaml").write_text("# mine\n")
    assert ExitCode.OK != imported(bench, bench.folder / "imported", "--fleet", "new").code


def test_a_fleet_file_without_a_fleet_is_named(bench: Bench, into: Path) -> None:
    into.mkdir()
    (into / "fleet.yaml").write_text("# mine\n")
    found = imported(bench, into, *HOSTS, "--fleet", "new")
    assert (ExitCode.USAGE, True) == (found.code, "fleet.yaml is there and declares no fleet" in found.err)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "imported (--into) has no Fleet document"),
        (("--fleet", "no way"), "--fleet: 'no way' is no name"),
        (("--fleet", "new"), "no host to look at"),
        (("--fleet", "new", "h1", "h1"), "host h1 is given twice"),
        (("--fleet", "new", "h1="), "'h1=' is no host"),
        (("--fleet", "new", "h1=a:b"), "is no host"),
        (("--fleet", "new", "h1=a:0"), "is no host"),
        (("--fleet", "new", "h1=[::1"), "is no host"),
        (("--fleet", "new", "h1=a b"), "is no host"),
        (("--fleet", "new", 'h1=a"\nkind: x'), "is no host"),
        (("--fleet", "new", "-x"), "no such option"),
    ],
)
def test_a_call_that_makes_no_sense_is_2(bench: Bench, into: Path, arguments: tuple[str, ...], told: str) -> None:
    found = imported(bench, into, *arguments)
    assert (ExitCode.USAGE, True) == (found.code, told.lower() in found.err.lower()), found.err
    assert not into.exists()


def test_a_declared_host_or_fleet_is_not_changed_from_the_command_line(bench: Bench, into: Path) -> None:
    imported(bench, into, *HOSTS, "--fleet", "new")
    assert ExitCode.OK == imported(bench, into, "h1", "--fleet", "new").code
    assert "declared with another address" in imported(bench, into, "h1=192.0.2.1").err
    assert "fleet.yaml declares new" in imported(bench, into, "--fleet", "other").err


@pytest.mark.parametrize(
    ("word", "spec"),
    [
        ("h1=192.0.2.1", 'address: "192.0.2.1"\n'),
        ("h1=vmhost.example.org:2222", "address: vmhost.example.org\n  port: 2222\n"),
        ("h1=[2001:db8::1]:2222", 'address: "2001:db8::1"\n  port: 2222\n'),
        ("h1=2001:db8::1", 'address: "2001:db8::1"\n'),
    ],
)
def test_an_address_is_taken_as_it_is_given(bench: Bench, into: Path, word: str, spec: str) -> None:
    assert ExitCode.OK == imported(bench, into, word, "--fleet", "new").code
    assert files(into)["hosts/h1.yaml"].endswith(f"  driver: simulated\n  {spec}")


def test_a_folder_that_cannot_be_written_is_2_and_leaves_no_part(bench: Bench, into: Path) -> None:
    into.mkdir()
    (into / "hosts").write_text("a file\n")
    found = imported(bench, into, *HOSTS, "--fleet", "new")
    assert (ExitCode.USAGE, True) == (found.code, "import again adds the rest" in found.err)
    assert ["fleet.yaml", "hosts"] == list(files(into))


# --- real hosts


def arranged() -> World:
    """Hosts vmhost-a and vmhost-b: web runs on the one, mail is off on the other, both on disks that either sees."""
    names = ("vmhost-a", "vmhost-b")
    world = World.of([SimHost(name, networks=("prod",), presented=(LUN,)) for name in names], rules=refusal)
    attributes = {"os": "HPUX", "guest_kit": "yes", "inserted_media": "none"}
    web = SimGuest(UUIDS["web"], "web", memory_mib=2048, networks=("prod",), attributes=attributes)
    world.place(web, "vmhost-a", (Disk(LUN, StorageKind.SAN, 10240),))
    mail = SimGuest(UUIDS["db"], "mail", memory_mib=1024, networks=("prod",), attributes=attributes)
    world.place(mail, "vmhost-b", (Disk("/guests/mail.img", StorageKind.FILE, 2048),), RunState.STOPPED)
    return world


@pytest.mark.slow
def test_real_hosts_are_described_so_that_a_plan_is_empty(tmp_path: Path) -> None:
    require_hosts()
    (tmp_path / "hosts").mkdir()
    bench = Bench(tmp_path)
    with SshdFleet.start(tmp_path / "hosts", arranged()) as fleet:
        bench.git("init", "--quiet", "--initial-branch=main", at=tmp_path, extra=("fleet",))
        tables = '[repository]\npath = "fleet"\nfolder = "desired"\n[state]\nfolder = "state"\n'
        bench.settings.write_text(tables + fleet.settings_toml())
        bench.desired.mkdir()
        words = [f"{name}={fleet.address(name)}:{fleet.port(name)}" for name in ("vmhost-a", "vmhost-b")]
        first = imported(bench, bench.desired, *words, "--fleet", "real")
        assert ExitCode.OK == first.code, first.out + first.err
        bench.git("add", "--all")
        bench.git("commit", "--quiet", "--message=Import")
        plan = bench.call("plan")
        assert (ExitCode.OK, "") == (plan.code, plan.err), plan.out
        again = imported(bench, bench.desired)
        assert (ExitCode.OK, "") == (again.code, bench.git("status", "--porcelain"))
        assert "Nothing new to describe." in again.out
