"""What everything else stands on: errors, times, seeds, YAML with places, shapes of values."""
