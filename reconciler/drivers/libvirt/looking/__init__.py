"""One look at a libvirt host: what is asked, and what its answers come to. Changes nothing there.

observe.sh     what runs on a host for one look
expand.sh      what runs there when a CPU was met whose features are not known yet
parse/         their output -> guests, the host, what it offers, files
reading        one look being read, and what the settings say beside it
storage        what lies behind disks
registrations  its answers about guests
foreign        migrations that somebody else began
facts          all that as `HostFacts`
"""
