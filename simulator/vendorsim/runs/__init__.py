"""Plans runs and computes their events, without a network."""
