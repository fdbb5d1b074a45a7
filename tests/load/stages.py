"""Small traffic files, what `vendorsim generate` makes of the same, and a light integration."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from command_line import Completed, Vendorsim

SCENARIO, VENDOR = "returning-customer", "userlike"
START = "2026-01-05T09:00:00Z"
EVENTS = 12


def written(
    folder: Path,
    *more: str,
    count: int = 20,
    arrivals: str = "{process: poisson, rate: 200/s}",
    part: str = f"scenario: {SCENARIO}, vendor: {VENDOR}",
) -> Path:
    """A traffic file in that folder; `more` are further lines."""
    path = folder / "traffic.yaml"
    lines = ["traffic: Try", "scenarios:", f"  - {{{part}}}", f"arrivals: {arrivals}", f"conversations: {count}"]
    path.write_text("\n".join([*lines, "seed: 7", f"starts: {START}", *more]) + "\n")
    return path


def generated(vendorsim: Vendorsim, count: int) -> list[bytes]:
    """The bodies of the same conversations, as the command that sends nothing prints them."""
    given = (SCENARIO, "--vendor", VENDOR, "--seed", 7, "--start", START, "--count", count)
    printed = vendorsim("generate", *given)
    assert printed.code == 0, printed.err
    return [line.partition(',"body":')[2][:-1].encode() for line in printed.out.splitlines()]


def digest(bodies: list[bytes]) -> dict[str, Any]:
    total = sum(int.from_bytes(sha256(body).digest(), "big") for body in bodies)
    return {"count": len(bodies), "sha256_sum": f"{total % 2**256:064x}"}


def report(ended: Completed) -> dict[str, Any]:
    found: dict[str, Any] = ended.json
    assert found["type"] == "load"
    assert found["exit_code"] == ended.code
    return found
