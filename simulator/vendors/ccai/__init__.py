"""Google CCAI Platform."""

from simulator.vendors.ccai.vendor import VENDOR

__all__ = ["VENDOR"]
