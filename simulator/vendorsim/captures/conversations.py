"""Where the bodies of a profile name their conversation.

Vendors do not declare this: the profile's reactions are run for conversations with known ids, and the ids are looked up
in the bodies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.verb_events import QUIET, SITUATIONS, TURNING, bodies_of

# An id that no other number or text of a body equals.
_ID = 7_310_914_602


@cache
def conversation_places(profile: Profile) -> Mapping[str, tuple[str, ...]]:
    """The JSON pointers at which each event names its conversation, by event; events that name none are left out."""
    found: dict[str, set[str]] = {}
    for situation, ends in product(SITUATIONS, (QUIET, *((step,) for step in TURNING))):
        for event, body, wanted in bodies_of((*situation, *ends), profile, _ID):
            places = set(_places(body, wanted, ()))
            found[event] = found[event] & places if event in found else places
    return {
        event: tuple(sorted(places, key=lambda at: (at.count("/"), at))) for event, places in found.items() if places
    }


def conversation_of(profile: Profile, event: str, body: Any) -> str | None:
    """The conversation that a body names, as text; None if it names none, or two different ones."""
    named = set()
    for place in conversation_places(profile).get(event, ()):
        try:
            value = json_pointer.resolve(body, place)
        except LookupError:
            continue
        if isinstance(value, str | int) and not isinstance(value, bool):
            named.add(str(value))
    return named.pop() if len(named) == 1 else None


def _places(value: Any, wanted: int | str, path: json_pointer.Path) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, wanted, (*path, key))
    elif not isinstance(value, list) and value == wanted and type(value) is type(wanted):
        yield json_pointer.join(path)
