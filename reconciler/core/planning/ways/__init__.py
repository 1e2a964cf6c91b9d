"""The ways from host to host, and how long they take.

networks    over which migration network a guest goes
durations   the model: how long a step takes, and how long its guest is down
learned     how far the model was off, from the steps that were done
"""
