"""Userlike."""

from simulator.vendors.userlike.vendor import VENDOR

__all__ = ["VENDOR"]
