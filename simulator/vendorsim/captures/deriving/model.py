"""What is derived from a capture: a story and its steps."""

from __future__ import annotations

from msgspec import Struct

from vendorsim.captures.deriving.comparing import BodyDifference
from vendorsim.scenario.model import AccountCast, Cast
from vendorsim.scenario.verbs import Verb

DOUBTFUL = 1.0
"""What a story costs at least that may be another one."""
RAW = 60
"""What it costs to leave an event unexplained."""
MADE_UP = 0.25
"""What it costs to make a text up that the capture does not show."""


class DerivedStep(Struct, frozen=True):
    """A step that was found. `count` is the number of captured events that it explains, from `first` on; `differs` is
    what it does not explain in them. With `Emit` as verb the event is unexplained."""

    verb: Verb
    at: int
    first: int
    count: int
    quirk: str | None = None
    differs: tuple[BodyDifference, ...] = ()


class Derived(Struct, frozen=True):
    """The story of a conversation. `cost` is 0 if all that is not made up is explained. `midway` says that the capture
    begins after the conversation: what was before is taken from later bodies."""

    steps: tuple[DerivedStep, ...]
    cast: Cast
    account: AccountCast
    locale: str
    cost: float
    midway: bool = False
