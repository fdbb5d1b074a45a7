"""The integration under test, for vendorsim's fixtures and for the checks that pytest.ini asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import desk
import pytest


@pytest.fixture
def vendorsim_app() -> Any:
    return desk.app


@pytest.fixture
def vendorsim_check_options() -> Mapping[str, Any]:
    return {"probe": "/chats/{conversation_id}"}
