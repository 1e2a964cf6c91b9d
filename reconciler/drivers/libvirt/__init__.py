"""libvirt with QEMU: `virsh` over SSH.

checking/  what stands in the way of moves, before the first one
rulebook/  whether a guest may move, and how: pure rules and the sources they rest on
looking/   what runs on a host for one look, and what its answers come to
commands   verb and move record -> what runs on a host
jobs/      what runs there for more than one command of virsh
settings   the driver's part of the operator's settings
driver     the protocol, over SSH
"""
