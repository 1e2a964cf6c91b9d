"""The daemon: what asks for a pass, what a pass is told from outside, how it ends. The behaviour of a pass is
loop/advance's; nothing here decides about guests.
"""
