"""One file a command; each has `command`, which the program imports when it is asked for."""
