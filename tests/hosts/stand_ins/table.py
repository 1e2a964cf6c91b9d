"""Which stand-in answers to which name. Called by the fleet when it starts."""

from __future__ import annotations

from tests.hosts.server import Call, Command
from tests.hosts.stand_ins import asking, moving, power
from tests.hosts.stand_ins.words import Usage

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


def _forgiving(command: Command) -> Command:
    def run(call: Call) -> int:
        try:
            return command(call)
        except Usage as error:
            call.err(f"{call.name}: {error}\n")
            return 2

    return run
