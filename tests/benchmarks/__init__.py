"""Measurements, one command each: `python -m tests.benchmarks.sweep`. Figures, never tests: they depend on the machine.

Each prints a table, and JSON with `--json FILE`. Medians of several rounds, beside something else measured in the same
run: only the ratios carry over to another machine.
"""
