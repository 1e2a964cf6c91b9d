"""Ways in which a guest could once be run twice, stopped or lost through the command line, each as it was found."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.drivers.simulated.world import World
from reconciler.errors import ExitCode
from tests.cli.bench import HOST, UUIDS, Bench

RUNNING = {"web": "  power: running\n"}
STOPS_HARD = "  migration: {downtime: allowed, cleanup: delete, stop: {graceful: 1m, then: hard}}\n"


def moved_by_hand(bench: Bench) -> None:
    """Somebody moved web to h3 and left a definition on h1 that could be started."""
    bench.change_hosts(lambda world: world.move_by_hand(UUIDS["web"], "h3", leave_definition=True))
    assert ExitCode.HELD == bench.call("apply", "--yes").code
    assert [] == bench.sent()


def double_runs(bench: Bench) -> list[Any]:
    """What the hosts' own ledger says of guests that ran twice."""
    found: list[Any] = []

    def ask(world: World) -> None:
        found.extend(world.ledger.double_runs)

    bench.change_hosts(ask)
    return found


def edit(bench: Bench, change: Callable[[Any], None]) -> None:
    raw = json.loads(bench.hosts.read_text(encoding="utf-8"))
    change(raw)
    bench.hosts.write_text(json.dumps(raw), encoding="utf-8")


def named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def until_stage(bench: Bench, stage: str) -> None:
    """Wait until a move record on any host says so."""
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        hosts = json.loads(bench.hosts.read_text(encoding="utf-8"))["hosts"]
        if any(record["stage"] == stage for host in hosts for record in host.get("records", [])):
            return
        time.sleep(0.02)
    raise AssertionError(f"no move came to stage {stage}")


def test_a_host_document_that_is_removed_starts_no_second_copy(tmp_path: Path) -> None:
    bench = Bench(tmp_path, more=RUNNING).build()
    moved_by_hand(bench)
    (bench.desired / "hosts.yaml").write_text("---\n".join(HOST % name for name in ("h1", "h2")), encoding="utf-8")
    bench.git("commit", "-qam", "Remove h3")
    bench.call("apply", "--yes")
    assert ([], []) == (bench.sent(), double_runs(bench))


def test_a_host_that_became_another_machine_stays_held(tmp_path: Path) -> None:
    bench = Bench(tmp_path, more=RUNNING).build()
    moved_by_hand(bench)

    def swap(raw: Any) -> None:
        old = named(raw["hosts"], "h3")
        new = {key: value for key, value in old.items() if key != "copies"} | {"machine_id": "another"}
        old["name"] = "h3-elsewhere"
        raw["hosts"].append(new)

    edit(bench, swap)
    codes = [bench.call("apply", "--yes").code for _ in range(2)]
    assert ([ExitCode.HELD] * 2, [], []) == (codes, bench.sent(), double_runs(bench))


@pytest.mark.parametrize("how", ["removed", "forbidden"])
def test_an_adopted_move_stops_and_deletes_nothing_that_the_documents_of_now_forbid(tmp_path: Path, how: str) -> None:
    bench = Bench(tmp_path, more={"db": STOPS_HARD}).build(speed=60)
    edit(bench, lambda raw: named(raw["guests"], "db").update(shutdown_s=None))
    bench.commit(db="h3")
    with bench.started("apply", "--yes") as process:
        until_stage(bench, "stopping")
        process.kill()
    before = len(bench.sent())
    if how == "removed":
        bench.git("rm", "-q", "desired/db.yaml")
        bench.git("commit", "-qm", "Remove db")
    else:
        bench.more["db"] = ""
        bench.commit(db="h1")
    bench.call("apply", "--yes")
    assert set() == {"stop-hard", "migrate", "delete-copy"} & set(bench.sent()[before:])


def test_a_second_process_on_one_state_folder_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path).build(speed=20)
    bench.commit(web="h2")
    with bench.started("apply", "--yes") as one:
        until_stage(bench, "migrating")
        second = bench.call("apply", "--yes")
        one.wait(120)
    assert ExitCode.HOST == second.code
    assert "another reconciler is at work" in second.err
    assert [] == [note for note in bench.journal if note["what"] == "adopting"]
