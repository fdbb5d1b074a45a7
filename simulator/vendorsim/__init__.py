"""vendorsim: plays chat vendors against your integration."""

__version__ = "0.1.0"
