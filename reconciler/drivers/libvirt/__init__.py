"""libvirt and QEMU: `virsh` over SSH.

rulebook/    whether a guest may move, and how: pure rules and the sources they rest on
"""
