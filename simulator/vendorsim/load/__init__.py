"""A mix of scenarios at a chosen rate, measured."""
