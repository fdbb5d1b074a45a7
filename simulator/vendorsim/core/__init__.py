"""Errors, times, seeds, YAML with line numbers, shapes of values."""
