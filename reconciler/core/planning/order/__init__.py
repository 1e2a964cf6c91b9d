"""Which leg begins when, so that no host is ever overcommitted: first an order that is possible, then the times.

accounts    what can run short, as numbers: memory, CPU, disk, places that rules leave
sequence    an order in which all legs can be made, one after another
clearing    who rests elsewhere where full hosts wait on each other
places      on which third host, and when
detours     what documents and platforms allow of that
diary       about when hosts are busy, as far as the order goes
exhaustive  every order of a few journeys, where nothing quicker finds one
times/      when each leg of the order begins
bounds      what no order can beat
room        room traced to where it came from; what there is no room for in the end
drafts      all of it, with who stays where it is
search      the best of several drafts
"""
