"""Test helpers: vendors' APIs in process, apps under test, scenarios.

from vendorsim.testing import vendor_api
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendorsim.core.lazy import lazy

if TYPE_CHECKING:
    from vendorsim.testing.double import ApiCall, Expected, VendorApi, vendor_api
    from vendorsim.testing.played import Played, play

__all__ = ["ApiCall", "Expected", "Played", "VendorApi", "play", "vendor_api"]

# The double needs Flask, which takes 0.1 s to import.
_DOUBLE, _PLAYED = "vendorsim.testing.double", "vendorsim.testing.played"
__getattr__ = lazy(
    __name__,
    {
        "ApiCall": _DOUBLE,
        "Expected": _DOUBLE,
        "Played": _PLAYED,
        "VendorApi": _DOUBLE,
        "play": _PLAYED,
        "vendor_api": _DOUBLE,
    },
)
