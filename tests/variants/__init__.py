"""The helpdesk of `examples/`, each time with one bug, and the check that has to name it."""

from .model import VARIANTS, Helpdesk, Variant

__all__ = ["VARIANTS", "Helpdesk", "Variant"]

from . import answers, bodies, calls, effects, signatures, states  # noqa: F401  Each module adds its variants.
