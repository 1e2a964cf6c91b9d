"""What stands in the way of moves between Integrity VM hosts. Read only.

findings    one look at a host -> findings. Pure
needs       what guests need that hosts lack -> findings. Pure
ways        what came of trying the ways between hosts -> findings. Pure
assumed     which labelled assumptions hold on a host. Pure
between.sh  what runs on a host to try the ways to others
examine     asks the hosts, side by side
"""
