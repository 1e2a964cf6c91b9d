"""Whom the daemon tells what it does, and what of it: log, notify program, and whoever else the settings name."""
