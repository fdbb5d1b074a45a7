"""Which profile of a vendor a capture is of: the one that the first bodies fit best."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

import orjson

from vendorsim.captures.exchange import CapturedExchange, Direction
from vendorsim.core.nesting import is_deeper
from vendorsim.vendorkit.contract import MOST_LEVELS
from vendorsim.vendorkit.contract_fit import Captured, Comparison
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

MOST_COMPARED = 300
"""So many bodies are compared with every profile."""


def fitting(
    vendor: Vendor, exchanges: Iterable[CapturedExchange]
) -> tuple[Profile, tuple[str, ...], Iterator[CapturedExchange]]:
    """The profile that the first bodies fit best, all profiles that fit them as well, and all exchanges again.

    Of several, the vendor's default profile is taken, else the newest; one that no server is known to send only if
    there is no other. Without a body that can be read, it is the default.
    """
    following = iter(exchanges)
    first = list(islice(following, MOST_COMPARED))
    bodies = [found for exchange in first if (found := _captured(exchange)) is not None]
    again = chain(first, following)
    if not bodies:
        return vendor.default_profile, (), again
    best = Comparison(vendor, vendor.default_profile.name, bodies).best().profiles
    default = vendor.default_profile
    sent = [name for name in best if not vendor.profile(name).unseen] or list(best)
    chosen = default if default.name in sent else vendor.profile(sent[-1])
    return chosen, best, again


def _captured(exchange: CapturedExchange) -> Captured | None:
    if exchange.direction is Direction.CALL or exchange.problem is not None:
        return None
    try:
        body = orjson.loads(exchange.body)
    except orjson.JSONDecodeError:
        return None
    return None if is_deeper(body, MOST_LEVELS) else Captured(exchange.event, body)
