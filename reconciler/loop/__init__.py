"""Where the pure core and the edges meet.

effects    what `advance` asks for, and what it is told
state      everything a pass knows
turn       one call of `advance` in the making
advance    `advance(state, event, now) -> (state, effects)`: the whole behaviour of a pass, without a thread or a clock
moving     the part of it that drives the moves under way
deciding   the part of it that turns looks into a plan, and the end of a pass into a report
shell      carries the effects out, with threads and a real clock
journal    intents and outcomes on disk, before and after each command
settings   the settings file
wiring     settings to repository, desired state, drivers and clock
once       one pass, as it reads in a sentence
publishing reports onto the status branch, and what they forbid to the next pass
answers/   what people ask of a fleet, answered without changing anything
"""
