"""Commands that run the daemon, or speak to the one that runs."""
