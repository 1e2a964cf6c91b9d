"""What the looks at hosts of several platforms share. Called by the drivers of platforms that are reached over SSH.

look.sh    how an answer is parted, and what lies in the folder of the move records
sections   the answer, parted into those of its commands
reading    one look being read, and what could not be
told       move records and jobs in it
examined   what `check` finds in one look, whatever the platform
examining  hosts looked at and the ways between them tried, side by side
by_hand    records of migrations that somebody else began
"""
