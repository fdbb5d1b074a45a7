"""Each operation that a vendor lists is told by that name, so that stories and tests can expect it."""

from __future__ import annotations

import pytest
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.vendorkit import registry

WITH_API = [name for name in registry.names() if registry.get(name).api is not None]


@pytest.mark.parametrize("name", WITH_API)
def test_every_operation_has_a_view_of_its_name(name: str) -> None:
    views = create_app(ServerBackend()).view_functions
    told = {view.rpartition(".")[2].rstrip("_") for view in views if view.startswith(f"{name}.")}
    assert {operation.name for operation in registry.get(name).operations} - told == set()
