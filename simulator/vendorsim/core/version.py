"""The version of vendorsim."""

__version__ = "1.0.0"
