"""Values in, values out: the whole decision, without a look at clock, disk, network or chance.

names          what may be a name, and foreign text on one line
quantities     4GiB, 15m and back
model          the words all others share: power, method, storage kind, processor, load
desired/       what the documents declare, and what that breaks of its own placement rules
observed       what the hosts say, `Unreachable` included
records        the move record that lies on both hosts while a move is under way
commands       what a host can be told, and what it answers
diff           desired against observed, guest by guest
compatibility  verdicts of a platform's rules, combined to online, offline or blocked
capacity       what a host holds, and what it may take
planning/      which steps in which order, and a separate proof that the order is safe
proposing/     what documents could say instead: drain, balance, park; and documents where there are none
execution/     a run under way: what to do next for a move, outcomes, brakes, evidence
reports/       what a pass tells people, its conditions, and a fleet or any other value here as JSON
"""
