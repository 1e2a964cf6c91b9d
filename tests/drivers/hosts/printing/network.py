"""`hpvmnet`: virtual switches. Literal: the list, and one switch with its ports. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tests.drivers.hosts.printing.rows import SwitchRow

HEAD = """\
Name     Number State   Mode      NamePPA  MAC Address    IP Address
======== ====== ======= ========= ======== ============== ===============
"""
PORTS_HEAD = """\

[Port Configuration Details]
Port    Port         Port     Untagged Number of    Active VM
Number  State        Adaptor  VLANID   Reserved VMs
======= ============ ======== ======== ============ ============
"""


def hpvmnet(switches: Iterable[SwitchRow], states: dict[str, str] | None = None) -> str:
    """All of them. `states` in place of `Up`, by name."""
    return HEAD + "".join(f"{_row(switch, states or {}).rstrip()}\n" for switch in switches)


def hpvmnet_one(switch: SwitchRow, states: dict[str, str] | None = None) -> str:
    """One of them, with what is plugged in."""
    ports = "".join(
        f"{port:<7} {'Active':<12} {adaptor:<8} {vlan:<8} {1:<12} {guest:<12}".rstrip() + "\n"
        for port, adaptor, vlan, guest in switch.ports
    )
    return f"{HEAD}{_row(switch, states or {})}\n{PORTS_HEAD}{ports}\n"


def _row(switch: SwitchRow, states: dict[str, str]) -> str:
    state = states.get(switch.name, "Up")
    name = f"{switch.name:<8} {switch.number:>6} {state:<7} {'Shared':<9}"
    return f"{name} {switch.card:<8} {switch.mac:<14} {switch.address:<12}"
