"""HP Integrity VM: the `hpvm*` commands over SSH.

rulebook/    whether a guest may move, and how: pure rules and the data they rest on
assumptions  what no source told us, as one table; printed in the docs
commands     verb and move record -> the platform's command
observe.sh   what runs on a host for one look
parse/       its output -> sections, tables, guests, devices, the host
facts        all that as `HostFacts`
driver       the protocol, over SSH
"""
