"""Which events a change causes on real servers."""
