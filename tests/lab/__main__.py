"""A lab to try things on by hand: `make lab`, or `python -m tests.lab`.

Starts three hosts and some guests, says on a page what there is to try, and gives a shell; all is gone when that ends.
Where its input is no terminal, it waits until it is interrupted instead.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.guests.guest import LOCAL
from tests.lab.lab import Lab

ON_A_HOST = {
    "cut": "pull its cable",
    "mend": "and plug it in again",
    "shape": "let its network do so many Mbit/s: shape h2 80",
    "unshape": "and all it can",
    "crash": "cut its power",
    "boot": "switch it on again",
    "kill_libvirtd": "end libvirtd; guests go on",
    "start_libvirtd": "and start it",
    "stall_libvirtd": "let libvirtd answer nothing",
    "unstall_libvirtd": "and answer again",
    "pretend_memory": "let it say that it has so many MiB: pretend_memory h2 2048",
    "limit_memory": "let it have no more than so many MiB: limit_memory h2 300",
    "make_older": "take a machine type away: make_older h2 pc-i440fx-7.2",
    "make_new": "and give it back",
}
FLEET = """\
apiVersion: reconciler/v1alpha1
kind: Fleet
metadata: {name: lab}
spec: {mode: apply}
"""
GUEST = """\
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {name: %s}
spec: {uuid: %s, host: %s, migration: {downtime: allowed}}
"""
SETTINGS = """\
[repository]
path = "repository"

[state]
folder = "state"

"""
PAGE = """\

A lab of three libvirt hosts, {hosts}, in {folder}

  h1 virsh list --all            a command on a host; without one, a shell there
  lab where web                  what each host says of a guest
  lab ticks web                  the last seconds that it counted
  tail -f san/consoles/web.log   the same, as they come

Guests: {guests}

Move one by hand:
  h1 virsh migrate --live --persistent --undefinesource --p2p web qemu+ssh://root@h2/system

Make trouble: `lab VERB HOST`
{verbs}
  lab leftovers                  what should not be there

As a controller sees it:
  {sign_in}
  reconciler check --settings settings.toml
  sed -i s/h1/h3/ repository/guests.yaml && git -C repository commit --all --message "Move web"
  reconciler apply --settings settings.toml

{end}
"""


def main() -> None:
    """Start it, wait, and end it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start what is in the background without it
    folder = Path(tempfile.mkdtemp(prefix="reconciler-lab-"))
    try:
        with Lab.start(folder) as lab, contextlib.suppress(KeyboardInterrupt):
            lab.guest("web", "h1")
            lab.guest("mail", "h2", disk=LOCAL, autostart=True)
            lab.guest("deaf", "h3", dirty_mib=8, answers_shutdown=False)
            write_files(lab)
            with answering(lab):
                stay(lab)
    except (pytest.skip.Exception, pytest.fail.Exception) as refused:
        sys.exit(f"error: {refused}\nhint: INSTALL=1 make lab, as root")
    finally:
        shutil.rmtree(folder)


def stay(lab: Lab) -> None:
    """Say what there is to try, and return when nobody wants to try any more."""
    interactive = sys.stdin.isatty()
    print(page(lab, "`exit` ends the shell and the lab." if interactive else "An interrupt ends the lab."), flush=True)
    if not interactive:
        while True:
            signal.pause()
    path = os.pathsep.join((str(lab.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
    shell = os.environ.get("SHELL", "/bin/bash")
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the shell's now
    subprocess.run([shell], cwd=lab.folder, env={**os.environ, "PATH": path}, check=False)
    signal.signal(signal.SIGINT, ours)


def page(lab: Lab, end: str) -> str:
    """What a person wants to know first."""
    options = f"-i {lab.key_file.name} -o UserKnownHostsFile={lab.known_hosts_file.name} -o HostKeyAlias=h1"
    return PAGE.format(
        hosts=", ".join(lab.machines),
        folder=lab.folder,
        guests=", ".join(f"{name} (disk {guest.disk})" for name, guest in lab.guests.items()),
        verbs="\n".join(f"  lab {verb:<26} {meaning}" for verb, meaning in ON_A_HOST.items()),
        sign_in=f"ssh {options} -p {lab.ports['h1']} root@{lab.addresses['h1']}",
        end=end,
    )


# ------------------------------------------------------------------------------------------------------ what is written


def write_files(lab: Lab) -> None:
    """What a controller wants: settings, and a repository that says how things are."""
    (lab.folder / "settings.toml").write_text(SETTINGS + lab.settings_toml(), encoding="utf-8")
    repository = lab.folder / "repository"
    repository.mkdir()
    homes = {name: host for name in lab.guests for host, seen in lab.whereabouts(name).items() if seen.defined}
    guests = "---\n".join(GUEST % (name, guest.uuid, homes[name]) for name, guest in lab.guests.items())
    for name, text in {"fleet": FLEET, "hosts": lab.host_documents_yaml(), "guests": guests}.items():
        (repository / f"{name}.yaml").write_text(text, encoding="utf-8")
    ours = ("user.name=lab", "user.email=lab@example.invalid", "commit.gpgsign=false")
    git = ["git", "-C", str(repository), *(word for setting in ours for word in ("-c", setting))]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "Declare the lab as it is"]):
        subprocess.run([*git, *words], check=True)
    write_commands(lab)


def write_commands(lab: Lab) -> None:
    """A command for each host that is up, and `lab`. They are written anew when a host has booted."""
    commands = {"lab": f"printf '%s\\n' \"$*\" | nc -N -U {shlex.quote(str(lab.folder / 'ask'))}"}
    for host, machine in lab.machines.items():
        commands[host] = f"echo {host} is down >&2; exit 1"
        if machine.up:
            commands[host] = f'export HOME=/root LC_ALL=C\nexec {shlex.join(machine.command())} "${{@:-bash}}"'
    (lab.folder / "bin").mkdir(exist_ok=True)
    for name, text in commands.items():
        file = lab.folder / "bin" / name
        file.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        file.chmod(0o755)


# -------------------------------------------------------------------------------------------------- what is asked of it


@contextlib.contextmanager
def answering(lab: Lab) -> Iterator[None]:
    """Do what the command `lab` asks for, one thing after the other."""

    class Asked(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            words = self.rfile.readline().decode("utf-8", "replace").split()
            self.wfile.write(f"{answer(lab, words)}\n".encode())

    with socketserver.UnixStreamServer(str(lab.folder / "ask"), Asked) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def answer(lab: Lab, words: list[str]) -> str:
    """Do it, and say what came of it."""
    try:
        match words:
            case ["leftovers"]:
                return "\n".join(lab.leftovers()) or "none"
            case ["where", name]:
                return "\n".join(f"{host}: {seen.words}" for host, seen in lab.whereabouts(name).items())
            case ["ticks", name]:
                return "\n".join(lab.guests[name].console().splitlines()[-5:])
            case ["make_older", host, *machines]:
                lab[host].make_older(machines)
            case [verb, host, *numbers] if verb in ON_A_HOST:
                getattr(lab[host], verb)(*map(int, numbers))
            case _:
                return "lab leftovers | where GUEST | ticks GUEST | VERB HOST, with " + ", ".join(ON_A_HOST)
        write_commands(lab)
    except (AssertionError, KeyError, OSError, TypeError, ValueError, subprocess.SubprocessError) as error:
        return f"error: {error}"
    return "done"


if __name__ == "__main__":
    main()
