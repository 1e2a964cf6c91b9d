"""A run under way: values and pure decisions, fed by loop/.

outcome     how a step can end, and what follows from each end
run         the steps of a plan and how far each has come
move        one move under way, and what can be done next for it
procedure   the next action of a move, from its record and from what both hosts say
holding     taking, keeping and giving back the move records that a move is locked by
lateness    guests that ignored a stop and may stop yet
safety      the questions that are asked before something that could hurt: may it start, is the copy proven
brakes      why a plan is shown but not run
evidence    which versions this very boot of a guest has run on
"""
