"""The one list of drivers, and of the rule books of their platforms.

Called where the loop is wired and by the commands that plan or explain. The only place that knows more than one driver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.core.commands import Command, Guard, Verb
from reconciler.core.compatibility import Question, Rulebook
from reconciler.core.model import Method
from reconciler.core.records import MoveRecord
from reconciler.drivers.hpvm.rulebook.book import RULEBOOK as INTEGRITY_VM
from reconciler.drivers.protocol import Driver
from reconciler.drivers.simulated import commands as simulated_commands
from reconciler.drivers.simulated.driver import SimulatedDriver
from reconciler.drivers.simulated.statefile import StateFile
from reconciler.errors import SettingsError

RULEBOOKS: Mapping[str, Rulebook] = {INTEGRITY_VM.platform: INTEGRITY_VM}
"""By the platform that a host says it is (`HostFacts.platform`)."""

Settings = Mapping[str, object]
"""A driver's own table of the settings file."""


def open_driver(name: str, settings: Settings) -> Driver:
    """The driver of this name, ready for use. Raises SettingsError where there is none, or for its settings."""
    opener = OPENERS.get(name)
    if opener is None:
        raise SettingsError(f"there is no driver {name!r}", hint=f"choose one of: {', '.join(sorted(OPENERS))}")
    return opener(settings)


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


def _open_simulated(settings: Settings) -> Driver:
    unknown = sorted(set(settings) - {"state_file"})
    path = settings.get("state_file")
    if unknown or not isinstance(path, str) or not path:
        what = f"unknown: {', '.join(unknown)}" if unknown else "state_file must name the fleet's file"
        raise SettingsError(f"driver simulated: {what}", hint='[drivers.simulated] state_file = "fleet.json"')
    return SimulatedDriver(StateFile(path, rules=refusal))


OPENERS: Mapping[str, Callable[[Settings], Driver]] = {"simulated": _open_simulated}

COMMANDS: Mapping[str, Callable[[Verb, str, MoveRecord, Guard | None], Command]] = {
    "simulated": simulated_commands.command
}
"""How each driver spells its commands. Pure: a plan can show them without a driver being open."""
