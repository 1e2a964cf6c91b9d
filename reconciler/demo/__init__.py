"""The demo: all of the product on a simulated fleet, in a temporary folder, told in plain steps.

    cast        who plays which part, from a seed
    documents   the YAML of that fleet, before and after the change
    stage       the folder: repository, simulated hosts, settings
    story       the acts, with the commands that are really run
    telling     titles, paragraphs, commands
    proof       what must have happened, or the demo fails

Called by `reconciler demo`, which hands it the command line to run: the same commands as anyone's. Nothing here has a
way of its own to a guest.
"""
