"""Which leg begins when, so that no host is ever overcommitted: first an order that is possible, then the times.

accounts    what can run short, as numbers: memory, CPU, disk, places that rules leave
sequence    an order in which all legs can be made, one after another
clearing    who rests elsewhere where full hosts wait on each other
places      on which third host, and when
detours     what documents and platforms allow of that
diary       about when hosts are busy, as far as the order goes
timetable   list scheduling: whatever leaves the order possible may begin before its turn
improving   the same turned round in time, and back
layout      starts, and which departures each arrival waits for
slots       how many steps may be under way at once
room        room traced to where it came from; what there is no room for in the end
bounds      what no order can beat
drafts      all of it, with who stays where it is
"""
