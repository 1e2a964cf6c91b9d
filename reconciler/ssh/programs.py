"""Texts of the programs that run on hosts: POSIX sh, kept as files beside the modules that send them."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def program(package: str, name: str) -> str:
    """The text of a program, without the comments that only its readers need."""
    lines = resources.files(package).joinpath(name).read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith("#")) + "\n"
