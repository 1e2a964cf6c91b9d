"""Whether a guest may move, and how: pure rules and the sources they rest on.

sources     the pages that rules rest on, and where to find them
attributes  what the rules need of a guest and of a host beyond the common values, and what its absence means
cpu         which CPU features a guest sees, and which of them a host lacks
answers     verdicts that many rules give in the same words
disks       rules on disks and drives that hold for both methods
either      all other rules that hold for both methods, and the table of both kinds
online      one function a rule: may the guest move while it runs?
offline     one function a rule: may it move while it is down?
book        the rule book: both tables, and the way back
reference   docs/reference/libvirt-rules.md, written from the tables and docstrings above
"""
