"""Userlike."""

from vendorsim.vendors.userlike.vendor import VENDOR

__all__ = ["VENDOR"]
