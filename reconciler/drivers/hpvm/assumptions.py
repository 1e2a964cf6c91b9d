"""What no source told us about the platform's commands: what is assumed, which variants are understood as well, and
what happens on a host where neither holds.

Read by the page docs/reference/integrity-vm-assumptions.md and by `reconciler check`; the hosts that the tests use
print what is assumed here, and its variants. Decides nothing: the parsers do.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Assumption:
    """One thing that is assumed. `about` is the command or the word it is about."""

    id: str
    about: str
    assumed: str
    variants: str
    """What is understood besides."""
    otherwise: str
    """What becomes of a host where it is otherwise: always less, never a guess."""


ASSUMPTIONS = (
    Assumption(
        "version-form",
        "hpvminfo -v",
        "a line with `Version` and the version behind it in the form `B.04.20.05`, read as 4.2.5; `B.04.30` as 4.3",
        "any text around it; `HPVM B.04.20`; `4.2.5`",
        "the version is unknown and nothing moves; state it in the settings (`drivers.hpvm.hosts.NAME.version`)",
    ),
    Assumption(
        "summary-columns",
        "hpvmstatus, since 4.0",
        "the columns of 3.5, or those of 6.3 with `Type` behind `VM #`; found by the rule of `=` and their titles",
        "further columns anywhere; names longer than their column; no `Runsysid`",
        "the host counts as not read",
    ),
    Assumption(
        "detail-labels",
        "hpvmstatus -V",
        "`label : value` lines, one block a guest that begins with `Virtual Machine Name`; without -P all guests",
        "any case, order and padding; further lines and sections; `Virtual Machine Details` in the singular",
        "a guest without a UUID makes its host count as not read",
    ),
    Assumption(
        "runnable-label",
        "hpvmstatus -V",
        "`Runnable Status : Runnable` or `Not Runnable`, beside the state `Off (NR)` of the summary",
        "`Enabled`, `Disabled`, `Yes`, `No`; no such line: the summary decides",
        "a word that is none of these makes the guest one in transition: hands off",
    ),
    Assumption(
        "online-label",
        "hpvmstatus -V",
        "`Online Migration : Enabled` or `Disabled`",
        "no such line: enabled, as the platform has it by default; `hpvmmigrate -s` is asked in any case",
        "a word that is neither bars the guest from moving online",
    ),
    Assumption(
        "boot-label",
        "hpvmstatus -V",
        "no line tells when a guest was booted. Where one is labelled `Boot Time`, its value marks this very boot",
        "none",
        "no online move back to an older version, but for guests that the settings attest (`boot_attestations`)",
    ),
    Assumption(
        "kit-label",
        "hpvmstatus -V",
        "`Guest Kit : Installed` or `Not Installed`; else a dynamic memory driver that is `STARTED` proves the kit",
        "no such line: not known, unless the settings say that all guests have it (`drivers.hpvm.guest_kit`)",
        "not known, so the guest does not move online",
    ),
    Assumption(
        "transition-states",
        "State in hpvmstatus",
        "`On (EFI)` while a guest boots, `On (MGS)` and `On (MGT)` on both ends of a migration",
        "any other word in brackets",
        "a guest in transition: nothing is done to it",
    ),
    Assumption(
        "migrate-check",
        "hpvmmigrate -s",
        "exit status 0 where the guest can go, another one with a message where it cannot; without -o it answers for a "
        "move of the stopped guest, also while it runs",
        "any output",
        "the move is refused, with what was printed",
    ),
    Assumption(
        "migrate-copy",
        "hpvmmigrate -m RESOURCE -C",
        "copies the contents of a file, a logical volume or a local disk to the target, under a path of its choosing",
        "any path",
        "the job fails, and the guest is started again where it was",
    ),
    Assumption(
        "migrate-progress",
        "hpvmmigrate -o",
        "`hpvmmigrate: NAME phase (step N) - progress P%`, of which only the Frozen phase was ever seen",
        "no such line: no progress is shown",
        "nothing: progress is only shown",
    ),
    Assumption(
        "exit-status",
        "all hpvm commands",
        "0 after success, another one after failure",
        "0 after failure and 1 after success: state decides",
        "nothing: it never decides anything but a check",
    ),
    Assumption(
        "attributes-left-behind",
        "hpvmmigrate",
        "whether a guest starts with its host (`-B`) is not carried along",
        "carried along",
        "nothing: it is read at the target and set there where it differs",
    ),
    Assumption(
        "host-memory",
        "machinfo",
        "the VM Host keeps 750 MiB and 7.5 % of the memory that it prints; the rest is for guests",
        "a figure in the settings (`drivers.hpvm.hosts.NAME.memory_mib`)",
        "`hpvmmigrate -s` and the platform's own check on the target refuse what does not fit",
    ),
    Assumption(
        "san-by-wwid",
        "scsimgr",
        "a whole disk with a WWID may be seen by other hosts, one without is local",
        "none",
        "a move to a host that does not list the WWID is blocked",
    ),
    Assumption(
        "copy-room",
        "bdf",
        "copies of local disks take their room in one file system of the target (`drivers.hpvm.copy_folder`)",
        "any file system",
        "the platform's check refuses what does not fit",
    ),
    Assumption(
        "vswitch-up",
        "hpvmnet",
        "a virtual switch whose State is `Up` can take guests",
        "none",
        "it counts as not there",
    ),
    Assumption(
        "stop-flags",
        "hpvmstop",
        "`-g` asks the guest to shut down, `-F` asks no question back; `-F` without `-g` cuts its power",
        "none",
        "the guest runs on at the deadline, and the move fails as its document says",
    ),
    Assumption(
        "modify-memory",
        "hpvmmodify -x ram_target=N",
        "N in MiB is the memory that a guest with dynamic memory shall have",
        "none",
        "the figure does not change and the step fails",
    ),
)
"""In the order of the page."""

PAGE = """\
# Integrity VM: what is assumed

<!-- Generated by `python -m reconciler.drivers.hpvm.assumptions`. Edit the table there, not this page. -->

HP's manuals and the output that people have published tell much of the platform's commands, not all of it. What they
do not tell is assumed, and stands here. `reconciler check` says which of these hold on your hosts, as far as looking
tells; the tests run against hosts that print what is assumed, and each variant besides. Where an assumption does not
hold, less is done, never more.

| name | about | assumed | understood besides | where it is otherwise |
| --- | --- | --- | --- | --- |
"""


def page() -> str:
    """docs/reference/integrity-vm-assumptions.md."""
    rows = (
        f"| `{entry.id}` | {entry.about} | {entry.assumed} | {entry.variants} | {entry.otherwise} |"
        for entry in ASSUMPTIONS
    )
    return PAGE + "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
