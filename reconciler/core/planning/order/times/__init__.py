"""When each leg of an order begins.

timetable   list scheduling: whatever leaves the order possible may begin before its turn
improving   the same turned round in time, and back, and with other priorities
permuting   every order of a few tasks
layout      starts, and which departures each arrival waits for
slots       how many steps may be under way at once
"""
