"""The bodies that real servers send. Pure functions."""
