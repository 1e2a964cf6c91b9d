"""The one list of drivers, and of the rule books of their platforms.

Called where the loop is wired and by the commands that plan or explain. The only place that knows more than one driver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.core.commands import Command, Guard, Verb
from reconciler.core.compatibility import Question, Rulebook
from reconciler.core.model import Method
from reconciler.core.records import MoveRecord
from reconciler.drivers.hpvm import commands as hpvm_commands
from reconciler.drivers.hpvm.driver import HpvmDriver
from reconciler.drivers.hpvm.rulebook.book import RULEBOOK as INTEGRITY_VM
from reconciler.drivers.hpvm.rulebook.book import rulebook
from reconciler.drivers.hpvm.settings import settings_of
from reconciler.drivers.libvirt import commands as libvirt_commands
from reconciler.drivers.libvirt.driver import LibvirtDriver
from reconciler.drivers.libvirt.rulebook.book import RULEBOOK as LIBVIRT
from reconciler.drivers.libvirt.settings import settings_of as libvirt_settings_of
from reconciler.drivers.protocol import Attestation, Driver
from reconciler.drivers.simulated import commands as simulated_commands
from reconciler.drivers.simulated.driver import SimulatedDriver
from reconciler.drivers.simulated.statefile import StateFile
from reconciler.errors import SettingsError
from reconciler.ssh.access import Access
from reconciler.ssh.connections import Connections

RULEBOOKS: Mapping[str, Rulebook] = {INTEGRITY_VM.platform: INTEGRITY_VM, LIBVIRT.platform: LIBVIRT}
"""By the platform that a host says it is (`HostFacts.platform`)."""

Table = Mapping[str, object]
"""A driver's own table of the settings file, which its schema has passed."""


@dataclass(frozen=True)
class Means:
    """What the operator's settings give a driver."""

    table: Table = field(default_factory=dict)
    access: Access | None = None
    """How hosts are reached over SSH; None where the settings do not say."""
    migration_addresses: tuple[str, ...] = ()
    attested: tuple[Attestation, ...] = ()


def open_driver(name: str, means: Means) -> Driver:
    """The driver of this name, ready for use. Raises SettingsError where there is none, or for its settings."""
    opener = OPENERS.get(name)
    if opener is None:
        raise SettingsError(f"there is no driver {name!r}", hint=f"choose one of: {', '.join(sorted(OPENERS))}")
    return opener(means)


def rulebooks(tables: Mapping[str, Table]) -> Mapping[str, Rulebook]:
    """The rule books under the settings' tables, by driver name."""
    strict = tables.get("hpvm", {}).get("min_online_version")
    return {**RULEBOOKS, INTEGRITY_VM.platform: rulebook(str(strict))} if strict is not None else RULEBOOKS


def refusal(question: Question, method: Method) -> str:
    """Why the platform refuses this move by this method, or "": what a simulated host asks before it migrates."""
    book = RULEBOOKS.get(question.source.platform)
    if book is None:
        return f"no rule book for platform {question.source.platform!r}"
    rules = book.online if method is Method.ONLINE else book.offline
    against = next((verdict for verdict in (rule(question) for rule in rules) if not verdict.allowed), None)
    return f"{against.rule}: {against.reason}" if against is not None else ""


def simulated_clock(driver: Driver) -> StateFile | None:
    """The clock that a simulated fleet lives by (`now_s`, `wall_s`), where the driver has one of its own."""
    if isinstance(driver, SimulatedDriver) and isinstance(driver.simulation, StateFile):
        return driver.simulation
    return None


def _open_simulated(means: Means) -> Driver:
    unknown = sorted(set(means.table) - {"state_file"})
    path = means.table.get("state_file")
    if unknown or not isinstance(path, str) or not path:
        what = f"unknown: {', '.join(unknown)}" if unknown else "state_file must name the fleet's file"
        raise SettingsError(f"driver simulated: {what}", hint='[drivers.simulated] state_file = "fleet.json"')
    return SimulatedDriver(StateFile(path, rules=refusal))


def _open_hpvm(means: Means) -> Driver:
    settings = settings_of(means.table, means.migration_addresses, means.attested)
    return HpvmDriver(Connections(_access(means, "hpvm")), settings)


def _open_libvirt(means: Means) -> Driver:
    settings = libvirt_settings_of(means.table, means.migration_addresses)
    return LibvirtDriver(Connections(_access(means, "libvirt")), settings)


def _access(means: Means, driver: str) -> Access:
    if means.access is None:
        raise SettingsError(
            f"driver {driver}: the settings do not say how its hosts are reached",
            hint='[ssh] known_hosts_file = "known_hosts" and key_file = "id_ed25519"',
        )
    return means.access


OPENERS: Mapping[str, Callable[[Means], Driver]] = {
    "hpvm": _open_hpvm,
    "libvirt": _open_libvirt,
    "simulated": _open_simulated,
}

COMMANDS: Mapping[str, Callable[[Verb, str, MoveRecord, Guard | None], Command]] = {
    "hpvm": hpvm_commands.command,
    "libvirt": libvirt_commands.command,
    "simulated": simulated_commands.command,
}
"""How each driver spells its commands. Pure: a plan can show them without a driver being open."""
