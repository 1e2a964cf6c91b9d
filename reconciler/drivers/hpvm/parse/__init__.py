"""What the platform's commands print, as values. Pure: text in, values out; what cannot be read is said, never guessed.

tables     tables with a rule of `=` below their titles
sizes      `16 GB`, `65536 KB`, `10.0%`
guests     the summary, the details and the entitlements of all guests
devices    one guest's disks, networks and drives
machine    version, processor, memory, identity and clock of the host
storage    LUNs, sizes of disks, room
processes  migrations that run on the host
"""
