"""Which stand-in answers to which name. Called by the fleet when it starts."""

from __future__ import annotations

from reconciler.core.commands import Verb
from reconciler.drivers.simulated.faults import FaultKind
from tests.drivers.hosts.server import Call, Command
from tests.drivers.hosts.stand_ins import asking, moving, power
from tests.drivers.hosts.stand_ins.words import Usage

PLATFORM = (
    asking.hpvmstatus,
    asking.hpvminfo,
    asking.hpvmnet,
    power.hpvmstart,
    power.hpvmstop,
    power.hpvmmodify,
    power.hpvmremove,
    moving.hpvmmigrate,
)
"""In /opt/hpvm/bin."""
SYSTEM = (asking.machinfo, asking.scsimgr, asking.diskinfo, asking.lvdisplay, asking.bdf, asking.date, asking.ls)
"""In /usr/bin."""


def commands() -> dict[str, Command]:
    """By name."""
    return {command.__name__: _forgiving(command) for command in (*PLATFORM, *SYSTEM)}


VERBS = {"hpvmstart": Verb.START, "hpvmstop": Verb.STOP, "hpvmmigrate": Verb.MIGRATE, "hpvmremove": Verb.DELETE_COPY}
"""Commands that the faults of a world strike: FAIL, FAIL_AFTER and HANG. What is cut or lost on the way, is on a real
connection: see `cut` and `hang` of the fleet."""
FAULTS = frozenset({FaultKind.FAIL, FaultKind.FAIL_AFTER, FaultKind.HANG})


def _forgiving(command: Command) -> Command:
    def run(call: Call) -> int:
        try:
            fault = _fault(call)
            if fault is FaultKind.FAIL:
                call.err(f"{call.name}: injected: fail\n")
                return 1
            if fault is FaultKind.HANG:
                call.wait(lambda: False)
            status = command(call)
            return 1 if fault is FaultKind.FAIL_AFTER else status
        except Usage as error:
            call.err(f"{call.name}: {error}\n")
            return 2

    return run


def _fault(call: Call) -> FaultKind | None:
    """The fault that strikes this command, used up by it. A check is none that anything strikes."""
    verb = VERBS.get(call.name)
    if verb is None or any(word.startswith("-") and word[1:2] in ("s", "v") for word in call.argv):
        return None
    name = call.argv[call.argv.index("-P") + 1] if "-P" in call.argv[:-1] else ""
    if verb is Verb.STOP and "-g" not in call.argv:
        verb = Verb.STOP_HARD
    with call.server.locked() as world:
        uuid = next((guest.uuid for guest in world.fleet.guests.values() if guest.name == name), "")
        fault = world.faults.take(FAULTS, verb, call.host_name, uuid, name)
    return fault.kind if fault is not None else None
