"""Whether a guest may move, and how: pure rules and the data they rest on.

sources     the manuals that rules and rows of data rest on
data        tables by version: online paths, offline classes, processor groups, guest systems, shared devices
attributes  what the rules need of a guest beyond the common values, and what its absence means
ends        questions that both methods ask of the two hosts
online      one function a rule: may the guest move while it runs?
offline     one function a rule: may it move while it is down?
book        the rule book: both tables, and the way back
reference   docs/reference/integrity-vm-rules.md, written from the tables and docstrings above
"""
