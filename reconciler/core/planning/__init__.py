"""From a diff to a schedule, and the separate proof that the schedule is safe.

plan        the values: steps, what is blocked and why
intent      what one guest shall become, and the digests that attempts and refusals are counted by
ways/       over which network guests go, and how long steps take: the model, and what was learned
situation   what a plan is made in, indexed
admission   which guests get a journey, and why the others get none
attempts    what earlier attempts mean for this one
journey     one guest's way, leg by leg
order/      which leg begins when: room, slots, hops
refusals/   why room, slots or order keep a guest where it is, in words, and what would help
scheduler   all of it: `make_plan`
verify/     proves a plan from desired and observed state alone; imports nothing of the scheduler
"""
