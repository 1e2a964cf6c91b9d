"""What stands in the way of moves between libvirt hosts. Read only.

try.sh    what runs on a host to try its tools, and the ways to others
findings  one look at a host, and what it was tried for -> findings. Pure
needs     what guests need that hosts lack -> findings. Pure
images    whether shared storage is the same at both ends -> findings. Pure
ways      what came of trying the ways between hosts -> findings. Pure
examine   asks the hosts, side by side
"""
