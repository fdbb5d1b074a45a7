"""Test helpers: vendors' APIs in process, apps under test, scenarios, checks.

from vendorsim.testing import vendor_api
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendorsim.core.lazy import lazy

if TYPE_CHECKING:
    from vendorsim.testing.checked import Checked, check
    from vendorsim.testing.double import ApiCall, Expected, VendorApi, vendor_api
    from vendorsim.testing.played import Played, play

__all__ = ["ApiCall", "Checked", "Expected", "Played", "VendorApi", "check", "play", "vendor_api"]

# The double needs Flask, which takes 0.1 s to import.
_CHECKED, _DOUBLE, _PLAYED = "vendorsim.testing.checked", "vendorsim.testing.double", "vendorsim.testing.played"
__getattr__ = lazy(
    __name__,
    {
        "ApiCall": _DOUBLE,
        "Checked": _CHECKED,
        "Expected": _DOUBLE,
        "Played": _PLAYED,
        "VendorApi": _DOUBLE,
        "check": _CHECKED,
        "play": _PLAYED,
        "vendor_api": _DOUBLE,
    },
)
