"""The bodies of the callbacks. Pure functions."""
