"""What stands in the way of moves between Integrity VM hosts. Read only.

findings    one look at each host, and the ways between them -> findings. Pure
assumed     which labelled assumptions hold on a host. Pure
between.sh  what runs on a host to try the ways to others
examine     asks the hosts, side by side
"""
