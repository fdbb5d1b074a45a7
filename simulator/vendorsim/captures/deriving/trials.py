"""Carrying out a step on trial: would it send what was captured?"""

from __future__ import annotations

from msgspec import Struct

from vendorsim.captures.rehearsal import Rehearsal, Sent
from vendorsim.scenario.verbs import Verb
from vendorsim.vendorkit.profile import Draft, Quirk


class Trials(Struct):
    """How many steps a search has carried out, and how many it may. `subscribed` are the events
    that the capture holds of any conversation."""

    subscribed: frozenset[str]
    most: int
    count: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether only the likeliest steps are to be tried from here on."""
        return self.count >= self.most

    def drafts(self, rehearsal: Rehearsal, verb: Verb, at: int, quirk: Quirk | None = None) -> list[Draft] | None:
        """The drafts of the events of a step that the capture would hold; None if the step is impossible."""
        self.count += 1
        try:
            return [each for each in rehearsal.drafts(verb, at, None, quirk) if each.event in self.subscribed]
        except Exception:
            # A vendor's code may refuse made-up arguments in any way.
            return None

    def made(self, rehearsal: Rehearsal, drafts: list[Draft]) -> list[Sent] | None:
        """The events of these drafts; None if their bodies can't be made."""
        try:
            return rehearsal.made(drafts)
        except Exception:
            # So may the code that makes a body.
            return None
