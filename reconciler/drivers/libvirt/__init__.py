"""libvirt with QEMU: `virsh` over SSH.

rulebook/      whether a guest may move, and how: pure rules and the sources they rest on
commands       verb and move record -> what runs on a host
observe.sh     what runs on a host for one look
expand.sh      what runs there when a CPU was met whose features are not known yet
parse/         their output -> guests, the host, what it offers, files
reading        one look being read, and what the settings say beside it
registrations  its answers about guests
facts          all that as `HostFacts`
foreign        migrations that somebody else began
driver         the protocol, over SSH
"""
