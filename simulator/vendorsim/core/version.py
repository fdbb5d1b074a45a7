"""The version of vendorsim."""

__version__ = "0.1.0"
