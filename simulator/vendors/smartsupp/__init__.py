"""Smartsupp."""

from simulator.vendors.smartsupp.vendor import VENDOR

__all__ = ["VENDOR"]
