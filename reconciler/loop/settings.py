"""The settings file: what the operator of this machine decides, and the repository cannot widen.

Read by wiring before each pass. Its schema is schemas/settings.schema.json; unknown keys are refused.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from reconciler.core.desired import DesiredFleet, Drift, Mode
from reconciler.core.quantities import ratio_percent
from reconciler.documents.schemas import schema_folder
from reconciler.documents.values import schema_problems
from reconciler.drivers.protocol import Attestation
from reconciler.errors import SettingsError
from reconciler.git.remote import Remote, url_refusal
from reconciler.git.signatures import SigningKey
from reconciler.loop.daemon.telling.signals import (
    ListenAddress,
    LogSettings,
    NotifySettings,
    listen_address,
    log_settings,
    notify_settings,
)
from reconciler.ssh.access import Access

ENVIRONMENT = "RECONCILER_SETTINGS"
DEFAULT_PATH = Path("/etc/reconciler/settings.toml")
SCHEMA = "settings.schema.json"
PATHS = frozenset({"repository.path", "state.folder", "state.control_socket"})
"""Settings that are paths relative to the file, beside all that end in `_file`."""
MIRROR, REPORTS_MIRROR = "repository.git", "reports.git"
"""In the state folder."""
FILES_OF_A_REMOTE = ("key_file", "known_hosts_file", "credentials_file")
LIMIT_FIELDS = ("concurrent", "concurrent_in", "concurrent_out", "concurrent_host", "moves_per_pass", "stops_per_pass")


@dataclass(frozen=True)
class Settings:
    """One settings file, paths made absolute."""

    file: Path
    repository: Path
    """The repository on this machine that is read: the operator's own, or the mirror of one elsewhere."""
    state_folder: Path
    remote: Remote | None = None
    """Where the desired state comes from, if from elsewhere."""
    reports: Path | None = None
    """The repository on this machine that reports are built in, where it is not the same."""
    reports_remote: Remote | None = None
    """Where reports are pushed, if elsewhere."""
    ref: str = "main"
    folder: str = "."
    drivers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    ceilings: Mapping[str, int] = field(default_factory=dict)
    report_only: bool = False
    drift_report_only: bool = False
    downtime_per_pass_s: int | None = None
    memory_overcommit_percent: int = 100
    """The most that documents may give away of a host's memory for guests."""
    ssh: Access | None = None
    """How hosts are reached; None where the file does not say."""
    migration_addresses: tuple[str, ...] = ("*-hpvm-migr",)
    poll_s: float = 5.0
    """Between two looks at a move under way."""
    commit_poll_s: float = 15.0
    """Between two questions whether the branch has moved on."""
    interval_s: float = 300.0
    """From the end of a pass of the daemon to the next."""
    signers: Path | None = None
    """Who must have signed every commit that is acted on; None: nobody need have."""
    signing: SigningKey | None = None
    """What reports are signed with."""
    heartbeat_s: float = 900.0
    control_socket: Path = Path("control.sock")
    attestations: tuple[Attestation, ...] = ()
    lost_hosts: Mapping[str, str] = field(default_factory=dict)
    """Host name -> why and since when."""
    log: LogSettings = LogSettings()
    notify: NotifySettings | None = None
    """Who is told of events; None: nobody."""
    listen: ListenAddress | None = None
    """Where health and metrics are served; None: nowhere."""

    def restrained(self, desired: DesiredFleet) -> DesiredFleet:
        """The desired fleet under this file's ceilings: the stricter of both holds, for limits, for what a commit
        allows and for how much memory is given away.
        """
        fleet = desired.fleet
        limits = replace(
            fleet.limits,
            **{
                name: min(getattr(fleet.limits, name), self.ceilings[name])
                for name in LIMIT_FIELDS
                if name in self.ceilings
            },
            downtime_per_pass_s=self.downtime_per_pass_s,
        )
        mode = Mode.REPORT if self.report_only else fleet.mode
        drift = Drift.REPORT if self.drift_report_only else fleet.drift
        commit = desired.commit
        if commit is not None:
            allow = {
                name: min(count, self.ceilings.get(f"{name}_per_pass", count)) for name, count in commit.allow.items()
            }
            commit = replace(commit, allow=allow)
        most = self.memory_overcommit_percent
        hosts = {
            name: replace(host, memory_overcommit_percent=most) if host.memory_overcommit_percent > most else host
            for name, host in desired.hosts.items()
        }
        fleet = replace(fleet, limits=limits, mode=mode, drift=drift)
        return replace(desired, fleet=fleet, hosts=hosts, commit=commit)


class Origin(StrEnum):
    """Where a setting's value comes from."""

    FILE = "file"
    DEFAULT = "default"
    NOT_SET = "not set"
    """And there is no default: nothing is limited, or nothing is in use."""


@dataclass(frozen=True)
class SettingValue:
    """One setting as it holds, for people to look at."""

    key: str
    value: object
    origin: Origin


def find_settings(given: Path | None) -> Path:
    """The file to read: the one given, else $RECONCILER_SETTINGS, else /etc/reconciler/settings.toml."""
    if given is not None:
        return given
    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named else DEFAULT_PATH


def read_settings(path: Path) -> Settings:
    """Read and check a settings file. Raises SettingsError with every problem in it."""
    return _settings(path.resolve(), _raw(path))


def effective(path: Path) -> tuple[SettingValue, ...]:
    """Every setting there is, in the order of the schema: what holds, and whether that is from this file. Raises
    SettingsError."""
    schema = json.loads((schema_folder() / SCHEMA).read_text(encoding="utf-8"))
    return tuple(_values(schema, _raw(path), "", path.resolve().parent))


def _values(schema: Mapping[str, Any], table: Mapping[str, Any], prefix: str, folder: Path) -> Iterator[SettingValue]:
    for key, about in schema["properties"].items():
        name = f"{prefix}{key}"
        if "properties" in about:
            yield from _values(about, table.get(key, {}), f"{name}.", folder)
        elif key in table:
            path = name in PATHS or key.endswith("_file")
            yield SettingValue(name, str(folder / table[key]) if path else table[key], Origin.FILE)
        else:
            yield SettingValue(name, about.get("default"), Origin.DEFAULT if "default" in about else Origin.NOT_SET)


def _raw(path: Path) -> dict[str, Any]:
    """What the file says, once its schema has passed it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: {error.strerror or error}",
            hint=f"name a settings file with --settings or ${ENVIRONMENT}; `reconciler demo` needs none",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}: not TOML: {error}", hint="see docs/reference/settings.md for an example"
        ) from error
    problems = schema_problems(SCHEMA, raw)
    if problems:
        listed = "\n".join(f"{path}: {problem}" for problem in problems)
        raise SettingsError(listed, hint="every key is described in docs/reference/settings.md")
    return raw


def _settings(path: Path, raw: dict[str, Any]) -> Settings:
    """The values of a file that its schema has passed."""
    repository, ceilings, network = raw["repository"], raw.get("ceilings", {}), raw.get("network", {})
    state, timing = raw["state"], raw.get("timing", {})
    state_folder = path.parent / state["folder"]
    remote, reports_remote = _remotes(path, repository, raw.get("status", {}))
    shared = reports_remote is None or (remote is not None and reports_remote.url == remote.url)
    return Settings(
        file=path,
        repository=state_folder / MIRROR if remote is not None else path.parent / repository["path"],
        remote=remote,
        reports=None if shared else state_folder / REPORTS_MIRROR,
        reports_remote=reports_remote,
        state_folder=state_folder,
        control_socket=path.parent / state.get("control_socket", Path(state["folder"], "control.sock")),
        ref=repository.get("ref", "main"),
        folder=repository.get("folder", "."),
        drivers={name: _absolute(path.parent, table) for name, table in raw.get("drivers", {}).items()},
        ceilings={name: ceilings[name] for name in LIMIT_FIELDS if name in ceilings},
        report_only=ceilings.get("mode") == "report",
        downtime_per_pass_s=ceilings.get("downtime_per_pass_s"),
        memory_overcommit_percent=ratio_percent(ceilings.get("memory_overcommit", 1)),
        drift_report_only=ceilings.get("drift") == "report",
        ssh=_access(path.parent, raw["ssh"], network) if "ssh" in raw else None,
        migration_addresses=tuple(network.get("migration_addresses", Settings.migration_addresses)),
        poll_s=float(timing.get("poll_s", Settings.poll_s)),
        commit_poll_s=float(repository.get("poll_s", Settings.commit_poll_s)),
        signers=_signers(path, raw.get("trust", {})),
        signing=SigningKey(path.parent / raw["status"]["signing_key_file"])
        if "signing_key_file" in raw.get("status", {})
        else None,
        heartbeat_s=float(raw.get("status", {}).get("heartbeat_s", Settings.heartbeat_s)),
        interval_s=float(timing.get("interval_s", Settings.interval_s)),
        attestations=tuple(
            Attestation(**{**entry, "guest": entry["guest"].lower()}) for entry in raw.get("boot_attestations", ())
        ),
        lost_hosts={entry["host"]: f"since {entry['since']}: {entry['reason']}" for entry in raw.get("lost_hosts", ())},
        log=log_settings(raw.get("log", {})),
        notify=notify_settings(raw["notify"]) if "notify" in raw else None,
        listen=_listen(path, raw["web"]["listen"]) if "web" in raw else None,
    )


def _listen(path: Path, text: str) -> ListenAddress:
    try:
        return listen_address(text)
    except ValueError as error:
        raise SettingsError(
            f"{path}: web.listen: {error}", hint="a loopback address keeps it to this machine"
        ) from error


def _remotes(path: Path, repository: dict[str, Any], status: dict[str, Any]) -> tuple[Remote | None, Remote | None]:
    """Where the desired state is fetched from, and where reports are pushed; None where that is on this machine."""
    if ("path" in repository) == ("url" in repository):
        raise SettingsError(
            f"{path}: repository: give either path, for a repository on this machine, or url",
            hint="every key is described in docs/reference/settings.md",
        )
    ref = repository.get("ref", Settings.ref)
    if ref.removeprefix("refs/heads/").startswith("reconciler/"):
        raise SettingsError(
            f"{path}: repository.ref: {ref} is where reports go, not where documents come from",
            hint="name the branch that people merge into",
        )
    files = {key: repository[key] for key in FILES_OF_A_REMOTE if key in repository}
    remote = _remote(path, "repository.url", repository["url"], files) if "url" in repository else None
    url = status.get("url", repository.get("url"))
    own = {key: status[key] for key in FILES_OF_A_REMOTE if key in status}
    return remote, _remote(path, "status.url", url, files | own) if url is not None else None


def _signers(path: Path, trust: dict[str, Any]) -> Path | None:
    if not trust.get("signed_commits", False):
        return None
    if "allowed_signers_file" not in trust:
        raise SettingsError(
            f"{path}: trust.signed_commits: whose signatures count is not said",
            hint="name a file of allowed signers: [trust] allowed_signers_file",
        )
    return path.parent / str(trust["allowed_signers_file"])


def _remote(path: Path, key: str, url: str, files: Mapping[str, str]) -> Remote:
    if refusal := url_refusal(url):
        raise SettingsError(f"{path}: {key}: {refusal}", hint="every key is described in docs/reference/settings.md")
    key_file, known_hosts, credentials = (
        path.parent / files[name] if name in files else None for name in FILES_OF_A_REMOTE
    )
    return Remote(url, key_file, known_hosts, credentials)


def _access(folder: Path, table: Mapping[str, Any], network: Mapping[str, Any]) -> Access:
    """The tables [ssh] and [network], files made absolute."""
    found = {**table, "known_hosts_file": folder / table["known_hosts_file"]}
    if "key_file" in table:
        found["key_file"] = folder / table["key_file"]
    found["legacy"] = frozenset(table.get("legacy", ()))
    return Access(**found, addresses=tuple(network.get("ssh_addresses", ())))


def _absolute(folder: Path, table: Mapping[str, Any]) -> dict[str, object]:
    """A driver's table with its files found beside the settings file."""
    return {key: str(folder / value) if key.endswith("_file") else value for key, value in table.items()}
