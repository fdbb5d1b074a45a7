"""vendorsim: plays chat vendors against your integration.

The public names of Python are those of `vendorsim`, `vendorsim.testing` and `vendorsim.vendorkit`; all others may
change with any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vendorsim.core.errors import (
        ContractError,
        DocumentError,
        InputError,
        MissingExtraError,
        UnknownNameError,
        UnreachableError,
        VendorsimError,
    )
    from vendorsim.core.version import __version__

__all__ = [
    "ContractError",
    "DocumentError",
    "InputError",
    "MissingExtraError",
    "UnknownNameError",
    "UnreachableError",
    "VendorsimError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used: pytest imports this package at every start."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vendorsim.core import errors, version

    return getattr(version if name == "__version__" else errors, name)
