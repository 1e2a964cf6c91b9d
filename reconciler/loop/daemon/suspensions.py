"""What an operator has suspended on this machine: a file in the state folder that every command heeds.

Written by `suspend` and `resume`, read wherever a fleet is opened. It can only keep still. A file that cannot be read
suspends the fleet: what somebody wanted left alone is not known then.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.core.desired import Suspension
from reconciler.core.names import is_name
from reconciler.core.planning.stillness import Orders
from reconciler.errors import StateFolderError

FILE = "suspensions.json"
FLEET, HOST, GUEST = "fleet", "host", "guest"
WHATS = (FLEET, HOST, GUEST)


@dataclass(frozen=True)
class Order:
    """One suspension: `what` is fleet, host or guest; `name` is empty for the fleet."""

    what: str
    name: str
    suspension: Suspension


def read(state_folder: Path) -> tuple[Order, ...]:
    """All of them, in order. Raises StateFolderError where the file cannot be read."""
    path = state_folder / FILE
    if not path.exists():
        return ()
    try:
        return tuple(sorted(map(_order, json.loads(path.read_text(encoding="utf-8"))), key=_key))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StateFolderError(
            f"{path} cannot be read: {error}",
            hint="look at it; `reconciler resume fleet` throws it away, with all it holds",
        ) from error


def orders(state_folder: Path) -> Orders:
    """The same for a pass."""
    try:
        found = read(state_folder)
    except StateFolderError as error:
        return Orders(Suspension(f"{error.what}: what is suspended is not known", by="nobody knows whom"))
    whole = [order.suspension for order in found if order.what == FLEET]
    return Orders(
        whole[0] if whole else None,
        {order.name: order.suspension for order in found if order.what == HOST},
        {order.name: order.suspension for order in found if order.what == GUEST},
    )


def stamp(state_folder: Path) -> object:
    """Changes when the file does."""
    try:
        about = (state_folder / FILE).stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


def suspend(state_folder: Path, order: Order) -> None:
    """Add it, in place of an earlier one of the same. Raises StateFolderError."""
    _change(state_folder, lambda found: [*(old for old in found if _key(old) != _key(order)), order])


def resume(state_folder: Path, what: str, name: str) -> bool:
    """Take it away; whether there was one. A file that cannot be read goes with `resume fleet`."""
    try:
        there = any(_key(order) == (what, name) for order in read(state_folder))
    except StateFolderError:
        if what != FLEET:
            raise
        _write(state_folder, [])
        return True
    if there:
        _change(state_folder, lambda found: [order for order in found if _key(order) != (what, name)])
    return there


def _change(state_folder: Path, change: Callable[[list[Order]], list[Order]]) -> None:
    with _locked(state_folder):
        _write(state_folder, change(list(read(state_folder))))


@contextmanager
def _locked(state_folder: Path) -> Iterator[None]:
    """Two people at once must not undo each other's."""
    try:
        state_folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(state_folder / f".{FILE}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(state_folder, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(state_folder: Path, found: list[Order]) -> None:
    part = state_folder / f".{FILE}.part"
    plain = [
        {
            "what": order.what,
            "name": order.name,
            "reason": order.suspension.reason,
            "until_s": order.suspension.until_s,
            "by": order.suspension.by,
        }
        for order in sorted(found, key=_key)
    ]
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(plain, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(state_folder / FILE)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unwritable(state_folder, error) from error


def _unwritable(state_folder: Path, error: OSError) -> StateFolderError:
    return StateFolderError(
        f"{state_folder}: {error.strerror or error}",
        hint="make room, or let this user write there: nothing was changed",
    )


def _key(order: Order) -> tuple[str, str]:
    return order.what, order.name


def _order(raw: dict[str, object]) -> Order:
    what, name, until = raw["what"], raw["name"], raw["until_s"]
    if what not in WHATS or not isinstance(name, str) or not (is_name(name) or what == FLEET):
        raise ValueError("an entry names nothing that can be suspended")
    moment = None if until is None else float(str(until))
    return Order(str(what), name, Suspension(str(raw["reason"]), moment, str(raw["by"])))
