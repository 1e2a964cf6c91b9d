"""What is told of a fleet, and how it is written down. Values only: texts for people are made in render/.

conditions     Ready, Reconciling, Stalled for each guest, with reason codes
report         what a pass tells people
fit            what the declared end state asks of hosts that they do not have
snapshot       an observed fleet as JSON
json_values    any value of the core as JSON, and back
"""
