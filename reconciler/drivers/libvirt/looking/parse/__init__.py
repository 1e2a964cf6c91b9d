"""What libvirt and Linux print, as values. Pure: text in, values out; what cannot be read is said, never guessed.

trees    XML that may be read
figures  numbers, and lists of UUIDs
domain   a guest's definition, live or stored
devices  what of it its host, and a migration, cannot do without
states   states and memory of all guests, a migration under way
machine  the host: identity, processor, memory, version, machine types
offers   CPU models and features that guests can be given here
files    file systems, files behind disks, free room
"""
