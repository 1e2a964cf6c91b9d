"""Stand-ins that start, stop, change and remove guests: hpvmstart, hpvmstop, hpvmmodify, hpvmremove.

Called by the fleet's server; what comes of it is the simulated fleet's physics.
"""

from __future__ import annotations

from reconciler.core.model import RunState, Setting
from reconciler.drivers.simulated import migration, settings
from reconciler.drivers.simulated import power as physics_of_power
from reconciler.drivers.simulated.fleet import SimCopy
from tests.drivers.hosts.printing.starting import chatter
from tests.drivers.hosts.server import Call
from tests.drivers.hosts.stand_ins.words import failed, named, physics, read, succeeded

GRACEFUL_S = 300.0
"""How long a guest may take to shut down before hpvmstop gives up, by the fleet's clock."""
MODIFY_FAILED = "hpvmmodify: Unable to modify the guest.\n"


def hpvmstart(call: Call) -> int:
    """Initiate the start; the guest boots on its own."""
    options = read(call.argv, flags="FQ", valued="Pp")
    with call.server.locked() as world:
        copy = named(call, options)
        if copy is None:
            return call.variants.status_after_failure
        name = world.fleet.guests[copy.uuid].name
        done = physics_of_power.start(world.fleet, call.host, copy.uuid)
        row = call.catalogue.guest(call.host, copy)
    if done.status:
        return failed(call, f"hpvmstart: ERROR ({name}): {physics(done.output).rpartition('not started: ')[2]}\n")
    call.err(chatter(row))
    return succeeded(call, f"hpvmstart: Successful start initiation of guest '{name}'\n")


def hpvmstop(call: Call) -> int:
    """Cut the power, or with -g ask the guest and wait until it is down or its time is up."""
    options = read(call.argv, flags="gFhQ", valued="Pp")
    with call.server.locked() as world:
        copy = named(call, options)
        if copy is None:
            return call.variants.status_after_failure
        name, uuid = world.fleet.guests[copy.uuid].name, copy.uuid
        stop = physics_of_power.stop if "g" in options.flags else migration.stop_hard
        done = stop(world.fleet, call.host, uuid)
        until_s = world.now_s + GRACEFUL_S
    if done.status:
        return failed(call, f"hpvmstop: ERROR ({name}): {physics(done.output)}\n")

    def down() -> bool:
        there = call.host.copies.get(uuid)
        return there is None or there.state is RunState.STOPPED

    call.wait(lambda: down() or call.server.world.now_s >= until_s)
    with call.server.locked():
        if not down():
            return failed(call, f"hpvmstop: ERROR ({name}): The guest did not stop within its time limit.\n")
    return succeeded(call, f"hpvmstop: Guest '{name}' stopped.\n")


def hpvmmodify(call: Call) -> int:
    """Entitlement, start type, memory while it runs, and registration."""
    options = read(call.argv, flags="", valued="PpxeBclra")
    with call.server.locked():
        copy = named(call, options)
        if copy is None:
            return call.variants.status_after_failure
        name = call.server.world.fleet.guests[copy.uuid].name
        if device := options.one("a"):
            return failed(call, block_device(name, device))
        wrong = _modify(call, copy, options.values)
    if wrong:
        return failed(call, f"hpvmmodify: ERROR ({name}): {wrong}\n{MODIFY_FAILED}")
    return succeeded(call, "")


def block_device(name: str, resource: str) -> str:
    """What is said of a device that is none for guests: the one refusal of this command whose words are known."""
    path = resource.split(":", 4)[-1]
    return f"""\
hpvmmodify: WARNING ({name}): Expecting a character device file for disk backing file, \
but '{path}' appears to be a block device.
hpvmmodify: ERROR ({name}): Illegal blk device '{path}' as backing device.
hpvmmodify: ERROR ({name}): Unable to add device '{path}'.
hpvmmodify: Unable to create device {resource}.
{MODIFY_FAILED}"""


def _modify(call: Call, copy: SimCopy, values: dict[str, list[str]]) -> str:
    registers = values.get("x") == ["register_status=enabled"]
    if not copy.runnable and not registers:
        return "The guest is not modifiable on this host."
    for entitlement in values.get("e", []):
        percent = entitlement.partition(":")[0]
        if not percent.isdecimal() or not 5 <= int(percent) <= 100:
            return f"Illegal entitlement '{entitlement}'."
        done = settings.change(call.server.world.fleet, call.host, copy.uuid, Setting.ENTITLEMENT, percent)
        if done.status:
            return done.output
    for start in values.get("B", []):
        if start not in ("auto", "manual"):
            return f"Illegal start attribute '{start}'."
        copy.autostart = start == "auto"
    for setting in values.get("x", []):
        wrong = _set(call, copy, *setting.partition("=")[::2])
        if wrong:
            return wrong
    call.server.world.fleet.touch(call.host)
    return ""


def _set(call: Call, copy: SimCopy, key: str, value: str) -> str:
    guest = call.server.world.fleet.guests[copy.uuid]
    if key == "register_status" and value in ("enabled", "disabled"):
        copy.runnable = value == "enabled"
        return ""
    if key == "online_migration" and value in ("enabled", "disabled"):
        guest.attributes = {**guest.attributes, key: value}
        return ""
    if key != "ram_target":
        return f"Unknown attribute '{key}'."
    if not value.isdecimal():
        return f"Illegal value '{value}' for ram_target."
    done = settings.change(call.server.world.fleet, call.host, copy.uuid, Setting.MEMORY, value)
    return done.output if done.status else ""


def hpvmremove(call: Call) -> int:
    """Remove a registration that is Not Runnable; the physics removes no other."""
    options = read(call.argv, flags="F", valued="Pp")
    with call.server.locked() as world:
        copy = named(call, options)
        if copy is None:
            return call.variants.status_after_failure
        name = world.fleet.guests[copy.uuid].name
        done = migration.delete_copy(world.fleet, call.host, copy.uuid)
    if done.status:
        return failed(call, f"hpvmremove: ERROR ({name}): {physics(done.output)}\n")
    return succeeded(call, f"hpvmremove: Guest '{name}' removed.\n")
