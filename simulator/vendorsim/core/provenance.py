"""Provenance: how a fact about a vendor is known. Every value about a vendor has a provenance and a source."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

DOCUMENTED = "documented"
CAPTURED = "captured"
RECONSTRUCTED = "reconstructed"
ASSUMED = "assumed"
PROVENANCES = (DOCUMENTED, CAPTURED, RECONSTRUCTED, ASSUMED)


class Stated(Struct, Generic[T], frozen=True):
    """A value about a vendor, its provenance (one of `PROVENANCES`) and its source, as text."""

    value: T
    provenance: str
    source: str

    def __post_init__(self) -> None:
        if self.provenance not in PROVENANCES:
            raise ValueError(f"provenance '{self.provenance}' is none of {', '.join(PROVENANCES)}")
