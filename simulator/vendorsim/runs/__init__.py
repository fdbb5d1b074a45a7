"""Plans runs, and computes the events of a scenario that is played as a vendor. Without a network."""
