"""Load: a mix of scenarios, arriving by a process of its own whatever the target does, measured as it goes."""
