"""vendorsim: plays chat vendors against your integration.

The public names of Python are those of `vendorsim`, `vendorsim.testing` and `vendorsim.vendorkit`; all others may
change with any release.
"""

from __future__ import annotations

from vendorsim.core.errors import (
    ContractError,
    DocumentError,
    InputError,
    UnknownNameError,
    UnreachableError,
    VendorsimError,
)
from vendorsim.core.version import __version__

__all__ = [
    "ContractError",
    "DocumentError",
    "InputError",
    "UnknownNameError",
    "UnreachableError",
    "VendorsimError",
    "__version__",
]
