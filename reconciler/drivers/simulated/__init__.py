"""A fleet in memory or in one JSON file: the embedded platform for demos, tests and what-if.

    fleet       the state: hosts, guests, registrations, volumes, jobs, what is due when
    power       stopping, starting, booting
    migration   online and offline migrations, their checks, their ends
    recordbook  guards, claims, slots: who may write which move record
    incidents   what befalls a fleet from outside: crashes, partitions, people
    faults      what goes wrong with a command or a job, scripted or drawn from a seed
    world       all of it together: `look`, `execute`, `advance_to`, and the questions tests ask
    looks       a host as `HostFacts`
    commands    verb and record -> argv, and back
    codec       a world as JSON and back
    statefile   one file, several processes, a clock that runs faster than the wall's
    driver      the protocol, over a world or a state file

Deterministic: same calls, same world. Only statefile touches a file or the wall clock.
"""
