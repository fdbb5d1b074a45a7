"""MessageHub."""

from vendorsim.vendors.messagehub.vendor import VENDOR

__all__ = ["VENDOR"]
