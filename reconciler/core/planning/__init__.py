"""From a diff to a schedule, and the separate proof that the schedule is safe.

    plan        the values: steps, what is blocked and why
    intent      what one guest shall become, and the digests that attempts and refusals are counted by
    scheduler   which step when: list scheduling, hops where full hosts wait on each other
    durations   how long a step takes, and how long its guest is down
    bounds      no schedule can be shorter than this
    verify      replays a plan from desired and observed state alone; imports nothing of the scheduler
"""
