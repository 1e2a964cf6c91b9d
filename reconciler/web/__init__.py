"""Health and metrics of the daemon over HTTP, for monitoring. Read only, on loopback unless settings say otherwise."""
