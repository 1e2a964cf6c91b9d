"""A command on a host over SSH, within limits on time and output; connections stay open between commands.

access       how hosts are reached, which host is meant, what it said: values
trouble      why a host could not be reached, or why nothing more is known of a command
dialling     an allowed address to a socket with an SSH server at its other end
credentials  known_hosts and our own key, read again when they change
handshake    a link to a host: algorithms, the host's key, our sign-in
link         an open connection to one host, and the commands on it
exchange     one command on one channel, within its limits
connections  the way in: `Connections(access).run(target, argv)`

hostbook     the move records on a host, behind their guard: hostbook.sh, and how it is called
looks/       what the looks at hosts of several platforms share
programs     the texts of all that runs on hosts

fabric and paramiko are loaded when the first `Connections` is made: whoever reaches for no host never pays for it.
"""
