"""What all tests with `pytester` need."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from vendorsim import vendors


@pytest.fixture(autouse=True, scope="session")
def _vendors_imported() -> None:
    """Imports all of each vendor. pytester removes what is first imported in its runs, and a module that is imported
    anew has other classes than those in use."""
    for module in pkgutil.walk_packages(vendors.__path__, "vendorsim.vendors."):
        importlib.import_module(module.name)
