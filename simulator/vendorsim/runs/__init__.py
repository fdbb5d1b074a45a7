"""A scenario played as a vendor: its events, without a network."""
