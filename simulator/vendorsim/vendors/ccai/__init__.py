"""Google CCAI Platform."""

from vendorsim.vendors.ccai.vendor import VENDOR

__all__ = ["VENDOR"]
