"""The imitated vendors: one folder each, found by entry point."""
