"""The helpdesk of `examples/` and other receivers: each with one bug and the check that has to name it, or correct ones
that look suspicious."""

from .model import VARIANTS, Helpdesk, Receiver, Variant
from .suspicious import SUSPICIOUS

__all__ = ["SUSPICIOUS", "VARIANTS", "Helpdesk", "Receiver", "Variant"]

from . import (  # noqa: F401  Each module adds its variants.
    answers,
    bodies,
    calls,
    effects,
    outages,
    races,
    replies,
    signatures,
    states,
)
