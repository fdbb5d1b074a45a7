"""Provenance: how a fact about a vendor is known. Every value about a vendor has a provenance and a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

DOCUMENTED = "documented"
CAPTURED = "captured"
RECONSTRUCTED = "reconstructed"
ASSUMED = "assumed"
PROVENANCES = (DOCUMENTED, CAPTURED, RECONSTRUCTED, ASSUMED)


@dataclass(frozen=True, slots=True)
class Stated(Generic[T]):
    """A value about a vendor, its provenance (one of `PROVENANCES`) and its source, as text."""

    value: T
    provenance: str
    source: str

    def __post_init__(self) -> None:
        if self.provenance not in PROVENANCES:
            raise ValueError(f"provenance '{self.provenance}' is none of {', '.join(PROVENANCES)}")
