"""How short orders of moves are, beside what no order can beat, and what finding them costs.

instances   fleets in numbers, and the same as documents and facts: uniform ones, a fifth of whose guests moves
realistic   fleets of mixed hosts and guests, of which hosts are drained
measuring   one fleet planned and measured, in a process of its own
replay      the benchmark's own judge of a plan
any_way     what no plan can beat, whatever moves it makes
hbal        Ganeti's balancer on the same clusters
goals       what is to be reached, met or missed
tables      the figures as text
"""
