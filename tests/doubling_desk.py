"""The example helpdesk with one planted bug, until it is mended: it stores twice what is delivered twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from helpdesk import Store, create_app
from helpdesk.vendors import VENDORS
from vendorsim.http.server import running_server

VENDOR = "chatvisor"
# The checks that find the bug, and some that don't.
ONLY = ["accepts.typical", "idempotent"]


@dataclass
class DoublingDesk:
    """A running helpdesk. `to` is the URL of its webhook, `probe` that of a conversation's state."""

    url: str
    mended: bool = False
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def to(self) -> str:
        return f"{self.url}/hooks/{VENDOR}"

    @property
    def probe(self) -> str:
        return f"{self.url}/tickets/by-conversation/{{conversation_id}}"

    @property
    def request(self) -> dict[str, Any]:
        """The request that checks it."""
        return {"vendor": VENDOR, "to": self.to, "probe": self.probe, "only": ONLY}


@contextmanager
def doubling_desk(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[DoublingDesk]:
    """Runs the helpdesk on a free port, with its database in the folder."""
    read = VENDORS[VENDOR]
    store = Store(folder / "tickets.sqlite")
    with running_server(create_app(store)) as server:
        desk = DoublingDesk(server.url)

        def numbered(body: Any) -> Any:
            update = read(body)
            if update is None or desk.mended:
                return update
            return replace(update, messages=[replace(one, key=str(next(desk.numbers))) for one in update.messages])

        patch.setitem(VENDORS, VENDOR, numbered)
        yield desk
    store.close()
