"""The deterministic simulation: the real `advance`, the real planner and procedure, on a simulated world with faults.

One seed is one history. Run it by hand with `python -m tests.simulation --seeds 1000` or `--seed 42 --trace`.
"""
