"""Chatvisor (now TeamViewer Engage)."""

from vendorsim.vendors.chatvisor.vendor import VENDOR

__all__ = ["VENDOR"]
