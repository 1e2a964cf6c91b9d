"""Which leg begins when, so that no host is ever overcommitted.

room        who holds which room, and which departures an arrival waits for
slots       how many steps may be under way at once
timetable   list scheduling, event by event
hops        who rests on which third host where full hosts wait on each other
bounds      what no schedule can beat
"""
