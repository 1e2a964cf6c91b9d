"""What people ask of a fleet, answered without changing anything.

checking    what stands in the way of moves
explaining  the rules asked once more about one guest
naming      names that no document declares
reported    reports back from the status branch
"""
