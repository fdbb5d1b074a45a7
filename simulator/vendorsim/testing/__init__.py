"""For pytest: vendors' APIs in process, apps under test, played scenarios.

from vendorsim.testing import vendor_api
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vendorsim.testing.double import ApiCall, Expected, VendorApi, vendor_api

__all__ = ["ApiCall", "Expected", "VendorApi", "vendor_api"]


def __getattr__(name: str) -> Any:
    """Loads the public names when they are first used: they need Flask, which costs 0.1 s."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vendorsim.testing import double

    return getattr(double, name)
