"""Known misbehaviour of real servers."""
