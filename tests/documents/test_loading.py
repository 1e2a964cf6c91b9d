"""What a commit's files come to: a fleet, a fleet with quarantined guests, or a commit that is held."""

from __future__ import annotations

import gc

import pytest

from reconciler.core.desired import (
    AfterDeadline,
    Cleanup,
    Commit,
    Downtime,
    Fleet,
    Guest,
    Host,
    Limits,
    MigrationPolicy,
    Mode,
    Network,
    PowerWish,
    Retry,
    StopPolicy,
    StorageCopy,
)
from reconciler.core.model import Method
from reconciler.documents import FileCache, ReadLimits, load, reading
from reconciler.errors import DesiredStateError, ExitCode, Location, Problem
from tests.documents.examples import FLEET, GUEST, HOST, SOUND, load_with, only_problem, place

SPOILT = GUEST + "  power: maybe\n"


def holding(files: dict[str, str | bytes]) -> list[str]:
    """The codes of the problems that hold the commit, which is held."""
    loaded = load_with(files)
    assert loaded.held
    assert set(loaded.holding) <= set(loaded.problems)
    return [problem.code for problem in loaded.holding]


# ------------------------------------------------------------------------------------------------ what is declared


def test_what_documents_leave_out_has_cores_defaults() -> None:
    fleet = load_with({"fleet.yaml": FLEET.replace("spec: {mode: apply}\n", "")}).require()
    assert Fleet("example", Location("fleet.yaml")) == fleet.fleet
    assert {"h1": Host("h1", "simulated", Location("hosts/h1.yaml"))} == fleet.hosts
    assert {"db": Guest("db", "h1", Location("guests/db.yaml"))} == fleet.guests
    assert ({}, None) == (fleet.quarantined, fleet.commit)


def test_every_field_of_a_guest_arrives() -> None:
    text = """
        apiVersion: reconciler/v1alpha1
        kind: Guest
        metadata: {name: web, labels: {app: shop, example.org/tier: "1"}}
        spec:
          host: h1
          uuid: 6F1C3A52-8d4e-4b7a-9c01-2f5e8d7a6b90
          power: running
          migration:
            method: offline
            downtime: allowed
            stop: {graceful: 1h30m, then: hard}
            storageCopy: never
            cleanup: delete
            hop: forbidden
            stepAside: online
            attempts: 5
    """
    policy = MigrationPolicy(
        Method.OFFLINE,
        Downtime.ALLOWED,
        StopPolicy(5400, AfterDeadline.HARD),
        StorageCopy.NEVER,
        Cleanup.DELETE,
        False,
        5,
        step_aside=True,
    )
    labels = {"app": "shop", "example.org/tier": "1"}
    uuid = "6f1c3a52-8d4e-4b7a-9c01-2f5e8d7a6b90"
    expected = Guest("web", "h1", Location("g.yaml", 2, 9), uuid, labels, PowerWish.RUNNING, policy)
    assert expected == load_with({"g.yaml": text}).require().guests["web"]


def test_every_field_of_a_host_arrives() -> None:
    text = HOST.replace("{name: h1}", "{name: h2, labels: {site: north}}").replace(
        "simulated",
        "hpvm, address: 192.0.2.7, port: 2222, migrationAddress: h2-hpvm-migr,"
        " capacity: {memory: 1TiB, cpus: 24}, reserve: {memory: 512MiB}",
    )
    way = ("192.0.2.7", 2222, "h2-hpvm-migr")
    expected = Host("h2", "hpvm", Location("h2.yaml"), *way, {"site": "north"}, 1024 * 1024, 24, 512)
    assert expected == load_with({"h2.yaml": text}).require().hosts["h2"]


def test_the_ratios_of_a_host_arrive_in_whole_hundredths_and_never_more() -> None:
    text = HOST.replace("simulated", "simulated, capacity: {vcpusPerCpu: 4, memoryOvercommit: 1.159}")
    host = load_with({"hosts/h1.yaml": text}).require().hosts["h1"]
    assert (400, 115) == (host.vcpus_per_cpu_percent, host.memory_overcommit_percent)


NETWORKS = "{mode: apply, networks: [{name: fast, concurrent: 2, bandwidth: 10GiB/s}, {name: spare}]}"


def test_migration_networks_arrive_with_what_hosts_are_called_there() -> None:
    text = HOST.replace("simulated", "hpvm, migrationAddresses: {fast: 10.1.0.5, spare: h1-spare}")
    found = load_with({"fleet.yaml": FLEET.replace("{mode: apply}", NETWORKS), "hosts/h1.yaml": text}).require()
    assert (Network("fast", 2, 10240.0), Network("spare", 4, None)) == found.fleet.networks
    assert {"fast": "10.1.0.5", "spare": "h1-spare"} == found.hosts["h1"].migration_addresses


@pytest.mark.parametrize(
    ("networks", "host", "code", "where"),
    [
        ("[{name: a}, {name: a}]", "{driver: simulated}", "duplicate-network", "fleet.yaml:4:37"),
        ("[{name: a}]", "{driver: simulated, migrationAddresses: {b: h1-b}}", "unknown-network", "hosts/h1.yaml:4:51"),
        (
            "[{name: a}]",
            "{driver: simulated, migrationAddress: h1-m, migrationAddresses: {a: h1-m}}",
            "duplicate-address",
            "hosts/h1.yaml:4:75",
        ),
        (
            "[{name: a}, {name: b}]",
            "{driver: simulated, migrationAddresses: {a: h1-m, b: h1-m}}",
            "duplicate-address",
            "hosts/h1.yaml:4:60",
        ),
        ("[{name: a}]", '{driver: simulated, migrationAddresses: {"a b": h1-m}}', "bad-name", "hosts/h1.yaml:4:48"),
    ],
)
def test_networks_that_leave_open_which_is_meant_hold_the_commit(
    networks: str, host: str, code: str, where: str
) -> None:
    files = {
        "fleet.yaml": FLEET.replace("{mode: apply}", f"{{networks: {networks}}}"),
        "hosts/h1.yaml": HOST.replace("{driver: simulated}", host),
    }
    problem = only_problem(load_with(files))
    assert (code, where) == (problem.code, place(problem))


def test_every_field_of_a_fleet_arrives() -> None:
    text = FLEET.replace(
        "{mode: apply}",
        "{mode: apply, retry: {backoff: 1m, factor: 2, backoffMax: 1d}, limits: {concurrent: 9, concurrentIn: 2,"
        " concurrentOut: 3, concurrentPerHost: 5, movesPerPass: 7, stopsPerPass: 0}}",
    )
    expected = Fleet("example", Location("fleet.yaml"), Mode.APPLY, Limits(9, 2, 3, 5, 7, 0), Retry(60, 2, 86400))
    assert expected == load_with({"fleet.yaml": text}).require().fleet


def test_a_whole_number_may_be_written_with_a_point() -> None:
    guest = load_with({"g.yaml": GUEST + "  migration: {attempts: 4.0}\n"}).require().guests["web"]
    assert (4, int) == (guest.migration.attempts, type(guest.migration.attempts))


def test_the_fleets_defaults_are_merged_under_each_guests_own_field_by_field() -> None:
    defaults = "{defaults: {migration: {downtime: allowed, attempts: 7, stop: {graceful: 1m, then: hard}}}}"
    own = GUEST + "  migration: {attempts: 2, stop: {graceful: 2m}}\n"
    guests = load_with({"fleet.yaml": FLEET.replace("{mode: apply}", defaults), "g.yaml": own}).require().guests
    assert (Downtime.ALLOWED, 2) == (guests["web"].migration.downtime, guests["web"].migration.attempts)
    assert StopPolicy(120, AfterDeadline.HARD) == guests["web"].migration.stop
    assert StopPolicy(60, AfterDeadline.HARD) == guests["db"].migration.stop


def test_any_number_of_documents_may_share_a_file() -> None:
    fleet = load({"all.yaml": f"{FLEET}---\n{HOST}---\n{GUEST}".encode()}).require()
    assert Location("all.yaml", 11, 1) == fleet.guests["web"].location


def test_guests_and_hosts_come_sorted_by_name_whatever_the_order_of_files() -> None:
    files = {f"{10 - number}.yaml": GUEST.replace("web", f"g{number}") for number in range(5)}
    assert ["db", "g0", "g1", "g2", "g3", "g4"] == list(load_with(files).require().guests)


def test_the_commit_and_the_folder_are_passed_on() -> None:
    commit = Commit("0" * 40)
    loaded = load_with({"g.yaml": SPOILT}, commit=commit, folder="desired-state")
    assert commit == loaded.require().commit
    assert "desired-state/g.yaml:7:10" == place(only_problem(loaded))


# ---------------------------------------------------------------------------------------------- what concerns one guest


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (SPOILT, "unknown-word"),
        (GUEST.replace("host: h1", "host: '$(reboot)'"), "bad-name"),
        (GUEST.replace("v1alpha1", "v9"), "unknown-api-version"),
        (GUEST + "  host: h2\n", "duplicate-key"),
        (GUEST.replace("host: h1", "host: &h h1"), "alias-refused"),
        (GUEST.replace("host: h1", "host: *h"), "alias-refused"),
        (GUEST.replace("host: h1", "host: !!str h1"), "tag-refused"),
        (GUEST + "  <<: {power: running}\n", "merge-key-refused"),
        (GUEST.replace("name: web", "name: !!str web"), "tag-refused"),
        (GUEST + "  migration: {stop: {graceful: 9d}}\n", "value-out-of-range"),
        (GUEST.replace("host: h1", "host: h9"), "guest-on-unknown-host"),
    ],
)
def test_a_bad_guest_is_quarantined_and_the_rest_goes_on(text: str, code: str) -> None:
    loaded = load_with({"g.yaml": text})
    fleet = loaded.require()
    assert (["db"], ["web"]) == (list(fleet.guests), list(fleet.quarantined))
    assert code == fleet.quarantined["web"].code == only_problem(loaded).code
    assert () == loaded.holding


LABELLED = SPOILT.replace("name: web", "name: web\n  labels: {app: shop}")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (SPOILT, {}),
        (LABELLED, {"app": "shop"}),
        (LABELLED.replace("shop", "5"), None),
        (LABELLED.replace("labels", "lables"), None),
        (LABELLED.replace("app: shop", "app: *h"), None),
        (LABELLED.replace("app: shop", "app: shop, app: db"), None),
    ],
)
def test_rules_go_on_holding_a_quarantined_guest_by_its_labels(text: str, labels: dict[str, str] | None) -> None:
    """None: it may have any."""
    assert {"web": labels} == load_with({"g.yaml": text}).require().quarantined_labels


def test_a_forgotten_line_between_two_documents_is_asked_about() -> None:
    loaded = load_with({"g.yaml": GUEST + GUEST.replace("web", "other")})
    line = len(GUEST.splitlines()) + 1
    hints = [problem.hint for problem in loaded.problems if problem.code == "duplicate-key"]
    assert f"keep one of the two, or is a line --- missing before line {line}?" == hints[0]


def test_all_problems_of_a_guest_are_listed_and_the_first_one_is_kept_with_it() -> None:
    loaded = load_with({"g.yaml": SPOILT + "  colour: red\n"})
    assert ["unknown-word", "unknown-field"] == [problem.code for problem in loaded.problems]
    assert loaded.problems[0] == loaded.require().quarantined["web"]


def test_an_unknown_host_is_answered_with_the_known_ones_the_most_similar_first() -> None:
    hosts = {f"hosts/{name}.yaml": HOST.replace("h1", name) for name in ("vmhost-a", "vmhost-b", "storage")}
    problem = only_problem(load_with({**hosts, "g.yaml": GUEST.replace("host: h1", "host: vmhost-bb")}))
    assert "g.yaml:6:9" == place(problem)
    assert 'guest "web" wants host "vmhost-bb", which no Host document declares' == problem.what
    assert (
        'did you mean "vmhost-b"? else declare vmhost-bb, or choose one of: vmhost-b, vmhost-a, h1, storage'
        == problem.hint
    )


def test_many_unknown_hosts_are_answered_with_the_known_ones_by_name() -> None:
    """Looking for similar names takes time, so it is done for the first fifty only."""
    guests = [GUEST.replace("web", f"g{number:02}").replace("h1", f"zz{number:02}") for number in range(60)]
    hosts = [HOST.replace("h1", name) for name in ("aa", "zz")]
    hints = [problem.hint for problem in load_with({"all.yaml": "---\n".join([*hosts, *guests])}).problems]
    assert 'did you mean "zz"? else declare zz00, or choose one of: zz, aa, h1' == hints[0]
    assert "declare zz59, or choose one of: aa, h1, zz" == hints[-1]


# ---------------------------------------------------------------------------------------------- what holds the commit


@pytest.mark.parametrize(
    ("files", "codes"),
    [
        ({"fleet.yaml": FLEET.replace("apply", "aply")}, ["unknown-word"]),
        ({"hosts/h1.yaml": HOST.replace("driver", "drivr")}, ["missing-field", "unknown-field"]),
        ({"g.yaml": GUEST.replace("web", "'$(reboot)'")}, ["bad-name"]),
        ({"g.yaml": GUEST.replace("  name: web\n", "  labels: {}\n")}, ["missing-field"]),
        ({"g.yaml": GUEST.replace("name: web", "name: web\n  name: db2")}, ["duplicate-key"]),
        ({"g.yaml": GUEST.replace("name: web", "name: *other")}, ["alias-refused"]),
        ({"g.yaml": GUEST + "metadata: {name: other}\n"}, ["duplicate-key"]),
        ({"g.yaml": GUEST + "kind: Host\n"}, ["duplicate-key"]),
        ({"g.yaml": GUEST.replace("name: web", "name: 12345678901234567890")}, ["number-out-of-range"]),
        ({"g.yaml": GUEST.replace("Guest", "Guset")}, ["unknown-kind"]),
        ({"g.yaml": "just text\n"}, ["not-a-document"]),
        ({"g.yaml": GUEST + "  power: [\n"}, ["yaml-syntax"]),
        ({"g.yaml": b"\xff\xfe"}, ["not-utf-8"]),
        ({"g.yaml": b" " * (1024 * 1024 + 1)}, ["document-too-large"]),
        ({"../g.yaml": GUEST}, ["bad-path"]),
        ({"guests/web\n.yaml": GUEST}, ["bad-path"]),
        ({"g.yaml": GUEST, "copy.yaml": GUEST}, ["duplicate-name"]),
        ({"g.yaml": GUEST, "copy.yaml": SPOILT}, ["duplicate-name"]),
        ({"hosts/copy.yaml": HOST}, ["duplicate-name"]),
        ({"more.yaml": FLEET}, ["several-fleets"]),
        ({"fleet.yaml": "# later\n"}, ["no-fleet"]),
    ],
)
def test_what_leaves_open_what_is_meant_holds_the_commit(files: dict[str, str | bytes], codes: list[str]) -> None:
    assert codes == holding(files)


UUID = "  uuid: 6f1c3a52-8d4e-4b7a-9c01-2f5e8d7a6b9"


@pytest.mark.parametrize("spoilt", ["", "  power: maybe\n"])
def test_two_guests_with_one_uuid_hold_the_commit_even_if_one_is_quarantined(spoilt: str) -> None:
    other = GUEST.replace("web", "web2") + UUID.upper().replace("UUID", "uuid") + "A\n" + spoilt
    assert "duplicate-uuid" in holding({"a.yaml": GUEST + UUID + "a\n", "b.yaml": other})


def test_a_driver_that_the_caller_does_not_have_holds_the_commit() -> None:
    loaded = load_with({}, drivers=["hpvm"])
    assert "unknown-driver" == only_problem(loaded).code
    assert "allowed: hpvm" == only_problem(loaded).hint


def test_problems_of_whoever_read_the_files_hold_the_commit() -> None:
    problem = Problem("symlink-in-desired-state", Location("link.yaml"), "a link")
    loaded = load_with({}, problems=[problem])
    assert (True, (problem,), (problem,)) == (loaded.held, loaded.problems, loaded.holding)


def test_no_files_at_all_are_no_fleet() -> None:
    assert "no-fleet" == only_problem(load({}, folder="desired-state")).code
    assert "desired-state:1:1" == place(only_problem(load({}, folder="desired-state")))
    assert "no file named *.yaml or *.yml is here: " in only_problem(load({})).what
    assert "*.yaml" not in only_problem(load({"fleet.yaml": b"# later\n"})).what


@pytest.mark.parametrize("name", ["fleet.yaml", "hosts/h1.yaml"])
def test_what_cannot_be_read_is_not_called_missing_as_well(name: str) -> None:
    assert ["yaml-syntax"] == holding({name: "a: [\n"})


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (ReadLimits(files=2), "too-many-documents"),
        (ReadLimits(total_bytes=100), "desired-state-too-large"),
    ],
)
def test_more_than_is_read_at_most_holds_the_commit(limits: ReadLimits, code: str) -> None:
    assert code == only_problem(load_with({}, limits=limits)).code


def test_a_held_commit_raises_what_is_wrong_for_exit_code_3() -> None:
    with pytest.raises(DesiredStateError) as caught:
        load_with({"g.yaml": "a: ["}).require()
    assert ExitCode.DOCUMENTS == caught.value.exit_code
    assert "error: yaml-syntax\ng.yaml:1:5: " in str(caught.value)


def test_problems_come_in_the_order_of_files_and_lines() -> None:
    loaded = load_with({"z.yaml": SPOILT, "a.yaml": "x\n---\ny\n", "m.yaml": "a: ["})
    assert ["a.yaml:1:1", "a.yaml:3:1", "m.yaml:1:5", "z.yaml:7:10"] == [place(problem) for problem in loaded.problems]


def test_a_hostile_path_is_shown_in_quotes() -> None:
    problem = only_problem(load_with({"\x1b[2Ja.yaml": GUEST}))
    assert r'"\x1b[2Ja.yaml":1:1' == place(problem)


# ---------------------------------------------------------------------------------------------------- reading less


def test_a_file_that_did_not_change_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = FileCache()
    first = load_with({"g.yaml": GUEST}, cache=cache)
    read: list[str] = []
    original = reading.read_file

    def counting(path: str, content: bytes, limits: ReadLimits) -> reading.File:
        read.append(path)
        return original(path, content, limits)

    monkeypatch.setattr("reconciler.documents.loading.read_file", counting)
    assert first == load_with({"g.yaml": GUEST}, cache=cache)
    changed = load_with({"g.yaml": GUEST + "  power: running\n"}, cache=cache)
    assert ["g.yaml"] == read
    assert PowerWish.RUNNING == changed.require().guests["web"].power
    load_with({}, cache=cache)
    assert sorted(SOUND) == sorted(cache.files), "what is gone is forgotten"


def test_the_garbage_collector_runs_again_afterwards() -> None:
    load_with({})
    assert gc.isenabled()
