"""MessageHub."""

from simulator.vendors.messagehub.vendor import VENDOR

__all__ = ["VENDOR"]
