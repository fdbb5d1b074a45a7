"""Chatvisor (now TeamViewer Engage)."""

from simulator.vendors.chatvisor.vendor import VENDOR

__all__ = ["VENDOR"]
