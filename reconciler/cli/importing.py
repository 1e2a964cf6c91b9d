"""Documents of a folder, hosts of the command line and a look at both, put together for `import`.

Called by that command. What can be described is core's decision, how it is spelt documents/'. Writes new files only,
and nothing on a host.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.core.desired import DesiredFleet, Host
from reconciler.core.names import is_name
from reconciler.core.proposing.adoption import Import, adopt
from reconciler.documents.authoring.writing import FLEET_FILE, drafts, fleet_draft, taken, valid_host, write_new
from reconciler.documents.codes import Code
from reconciler.errors import DesiredStateError, InvariantBroken, Location, UsageError
from reconciler.loop.settings import Settings
from reconciler.loop.wiring import loaded_in, look_at

COMMAND_LINE = Location("command line")
FORM = "write HOST, HOST=ADDRESS or HOST=ADDRESS:PORT, for example vmhost-a=192.0.2.11:22 or vmhost-a=[2001:db8::1]:22"
USUAL_DRIVER = "hpvm"


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    hosts: tuple[str, ...]
    driver: str
    fleet: str
    folder: Path


def imported(settings: Settings, wish: Wish, *, write: bool) -> Import:
    """Read the folder, look at the hosts, and write what is new. Raises DesiredStateError for the folder before any
    host is asked, and UsageError."""
    declared, fleet = declared_before(wish)
    given = given_hosts(wish.hosts, wish.driver or _usual_driver(settings), declared)
    if not given and not declared.hosts:
        raise UsageError("no host to look at", hint=f"name the hosts of the fleet: {FORM}")
    names = taken(wish.folder)
    adoption = adopt(declared, given, look_at(settings, {**given, **declared.hosts}), names)
    new = drafts(adoption, fleet)
    loaded = loaded_in(wish.folder, new) if new else None
    if loaded is not None and loaded.problems:
        raise InvariantBroken("import writes valid documents", "; ".join(map(str, loaded.problems[:3])))
    if write:
        try:
            write_new(wish.folder, new)
        except OSError as error:
            hint = "what was written before stays; import again adds the rest"
            raise UsageError(f"{error.filename2 or error.filename}: {error.strerror}", hint=hint) from error
    return Import(declared.fleet.name, str(wish.folder), adoption, new, write)


def declared_before(wish: Wish) -> tuple[DesiredFleet, str]:
    """What the folder declares, and the name for its fleet where it has none yet."""
    loaded = loaded_in(wish.folder) if wish.folder.exists() else None
    problems = loaded.problems if loaded is not None else ()
    if wrong := [problem for problem in problems if problem.code != Code.NO_FLEET]:
        raise DesiredStateError(wrong)
    if loaded is not None and loaded.desired is not None:
        there = loaded.desired.fleet.name
        if wish.fleet not in ("", there):
            what = f"--fleet says {wish.fleet}, and {loaded.desired.fleet.location.file} declares {there}"
            raise UsageError(what, hint="leave --fleet out, or name another folder with --into")
        return loaded.desired, ""
    if not wish.fleet:
        what = f"{wish.folder} (--into) has no Fleet document"
        raise UsageError(what, hint="name the folder that has one with --into, or the new fleet with --fleet prod")
    if not is_name(wish.fleet):
        raise UsageError(f"--fleet: {wish.fleet!r} is no name", hint="for example --fleet prod")
    if wish.folder.is_dir() and FLEET_FILE in {path.name.lower() for path in wish.folder.iterdir()}:
        raise UsageError(f"{wish.folder / FLEET_FILE} is there and declares no fleet", hint="rename that file")
    draft = fleet_draft(wish.fleet)
    return loaded_in(wish.folder, [draft]).require(), wish.fleet


def given_hosts(words: tuple[str, ...], driver: str, declared: DesiredFleet) -> dict[str, Host]:
    """The hosts of the command line, by name. One that a document declares may be named again, not moved."""
    found: dict[str, Host] = {}
    for word in words:
        host = given_host(word, driver)
        if host.name in found:
            raise UsageError(f"host {host.name} is given twice", hint="name each host once")
        found[host.name] = host
        document = declared.hosts.get(host.name)
        if document is None:
            continue
        if host.address and (host.address, host.port) != (document.address, document.port):
            hint = f"the document in {document.location.file} says where it is: edit that"
            raise UsageError(f"host {host.name} is declared with another address", hint=hint)
        found[host.name] = document
    return dict(sorted(found.items()))


def given_host(word: str, driver: str) -> Host:
    """`vmhost-a`, `vmhost-a=192.0.2.11` or `vmhost-a=192.0.2.11:2222`. Raises UsageError for anything else."""
    name, equals, place = word.partition("=")
    address, port = _address(place)
    if not is_name(name) or bool(equals) != bool(address) or not port.isascii() or not port.isdecimal():
        raise UsageError(f"{word!r} is no host", hint=FORM)
    host = replace(Host(name, driver, COMMAND_LINE), address=address, port=int(port))
    if not valid_host(host):
        raise UsageError(f"{word!r} is no host", hint=FORM)
    return host


def _address(place: str) -> tuple[str, str]:
    """Address and port, which is 22 where none is given. An IPv6 address with a port is in brackets."""
    if place.startswith("["):
        address, closed, rest = place[1:].partition("]")
        return (address, rest[1:] if rest.startswith(":") else "22" if not rest else "") if closed else ("", "")
    if place.count(":") == 1:
        address, _, port = place.partition(":")
        return address, port
    return place, "22"


def _usual_driver(settings: Settings) -> str:
    return next(iter(settings.drivers)) if len(settings.drivers) == 1 else USUAL_DRIVER
