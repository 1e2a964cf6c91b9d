"""`python -m reconciler`: the same as the executable, where that is not on the path."""

from __future__ import annotations

from reconciler.cli import main

main()
