"""How hosts may differ from what is assumed of them, and how they may lie: knobs of the stand-in commands.

Set by tests, read by the fleet's server and by printing. One field for each assumption that has variants; see
`reconciler.drivers.hpvm.assumptions`. Decides nothing about guests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Lie(StrEnum):
    """What a host that lost its mind answers to every stand-in command."""

    GARBAGE = "garbage"
    """Bytes that are no text."""
    ENDLESS = "endless"
    """Lines without an end."""
    SILENT = "silent"
    """Nothing, with exit status 0."""
    HANGS = "hangs"
    """Nothing, ever."""


@dataclass(frozen=True)
class Variants:
    """What the hosts of a fleet print or do otherwise. The default is what is assumed."""

    version_line: str = "HPVM Version {version}"
    """Of `hpvminfo -v`; `{version}` is `B.04.20.05`, `{plain}` is `4.2.5`."""
    extra_columns: bool = False
    """A column more in the summary table, between the others, and one at its end."""
    state_words: dict[str, str] = field(default_factory=dict)
    """In place of `On (OS)` and the like, for all guests."""
    labels: dict[str, str] = field(default_factory=dict)
    """In place of `Runnable Status` and the like in `hpvmstatus -V`; "" leaves the line out."""
    words: dict[str, str] = field(default_factory=dict)
    """In place of `Runnable`, `Installed`, `Enabled` and the like behind these labels."""
    labels_reversed: bool = False
    """The other order of lines within a guest's block, but for its first."""
    labels_upper: bool = False
    pad_labels: bool = False
    """`Label                 : value`, in one column."""
    boot_time: bool = True
    """A `Boot Time` line."""
    logical_processors: bool = True
    """A line about logical processors in `machinfo`."""
    progress: bool = True
    """Progress lines of `hpvmmigrate`."""
    success_line: bool = True
    start_type_carried: bool = False
    """`-B` goes along with a guest; else the copy has the platform's own default, `Auto`."""
    stderr_chatter: str = ""
    """Printed on stderr by every command."""
    stdout_chatter: str = ""
    """Printed on stdout by every command before its answer: `Last successful login: ...`."""
    status_after_success: int = 0
    """Of the commands that do things: start, stop, migrate, modify, remove. A check tells the truth."""
    status_after_failure: int = 1
    delay_s: float = 0.0
    """Real seconds before every answer."""
    switch_states: dict[str, str] = field(default_factory=dict)
    """Virtual switch -> the word in place of `Up`."""
    file_system: str = ""
    """The device that `bdf` names; a long one makes it wrap."""
    lies: dict[str, Lie] = field(default_factory=dict)
    """By host, for all its commands."""
    shown_names: dict[str, str] = field(default_factory=dict)
    """Guest -> the name printed in place of its own, for hosts that print rubbish."""
