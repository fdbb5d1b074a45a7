"""The conversations that are under way, by vendor and by the id that the vendor's bodies carry."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from vendorsim.runs.conversation_handle import Handle
from vendorsim.runs.timeline import Run

# Beyond so many of a vendor the oldest is forgotten: its id is then one that nobody knows.
MOST = 20_000


class Conversations:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_vendor: dict[str, OrderedDict[str, Handle]] = {}

    def add(self, handle: Handle) -> None:
        with self._lock:
            known = self._by_vendor.setdefault(handle.vendor, OrderedDict())
            known[handle.id] = handle
            if len(known) > MOST:
                known.popitem(last=False)

    def remove(self, vendor: str, conversation: str) -> None:
        with self._lock:
            if vendor in self._by_vendor:
                self._by_vendor[vendor].pop(conversation, None)

    def forget(self, run: Run) -> None:
        """Forgets the conversations of a run."""
        with self._lock:
            known = self._by_vendor.get(run.vendor.name, OrderedDict())
            for name in [name for name, handle in known.items() if handle.live.run is run]:
                del known[name]

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._by_vendor.clear()

    def get(self, vendor: str, conversation: str) -> Handle | None:
        with self._lock:
            known = self._by_vendor.get(vendor)
            return None if known is None else known.get(conversation)

    def of(self, vendor: str) -> list[Handle]:
        """All of a vendor, oldest first."""
        with self._lock:
            known = self._by_vendor.get(vendor)
            return [] if known is None else list(known.values())
