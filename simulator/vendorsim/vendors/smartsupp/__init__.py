"""Smartsupp."""

from vendorsim.vendors.smartsupp.vendor import VENDOR

__all__ = ["VENDOR"]
