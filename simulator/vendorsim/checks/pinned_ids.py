"""Keeps the chosen ids of the account and the inbox in bodies that a check has changed. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from vendorsim.vendorkit.profile import Profile

Names = tuple[str, ...]


class PinnedIds(Struct, frozen=True):
    """The chosen ids, by the names that lead to their fields: `("account", "id")`. Empty if none is chosen."""

    by_field: Mapping[Names, int] = field(default_factory=dict)

    @classmethod
    def of(cls, profile: Profile, account: int | None, inbox: int | None) -> PinnedIds:
        """Returns the ids with the fields in which the profile sends them."""
        chosen = ((account, profile.account_fields), (inbox, profile.inbox_fields))
        return cls({tuple(name.split("/")): id for id, names in chosen if id is not None for name in names})

    def keep(self, plain: Any, changed: Any) -> Any:
        """Returns the changed body with the ids as in the plain one.

        A field that the plain body lacks gets the chosen id. An object that holds an id, such as `account`, is not left
        out of what held it before. All other changes stay.
        """
        return self._kept(plain, changed, ()) if self.by_field else changed

    def _kept(self, plain: Any, changed: Any, names: Names) -> Any:
        if isinstance(changed, list):
            known = plain if isinstance(plain, list) else []
            rest = [None] * (len(changed) - len(known))
            return [self._kept(old, new, names) for new, old in zip(changed, [*known, *rest], strict=False)]
        if not isinstance(changed, dict):
            return changed
        before = plain if isinstance(plain, dict) else {}
        kept = {key: self._value(before.get(key), value, (*names, key)) for key, value in changed.items()}
        for key, value in before.items():
            if key not in kept and self._is_kept((*names, key)):
                kept[key] = value
        return kept

    def _value(self, before: Any, value: Any, names: Names) -> Any:
        if before is not None and (self._id(names) is not None or (self._is_kept(names) and type(value) is not dict)):
            return before
        pinned = self._id(names)
        if pinned is None or value is None:
            return self._kept(before, value, names)
        return str(pinned) if isinstance(value, str) else pinned

    def _id(self, names: Names) -> int | None:
        """Returns the id that the field has to hold, or None for any other field."""
        return next((id for field, id in self.by_field.items() if names[-len(field) :] == field), None)

    def _is_kept(self, names: Names) -> bool:
        """Whether the names lead to an id, or to the object that holds it."""
        return any(names[-len(part) :] == part for field in self.by_field for part in (field, field[:-1]) if part)


NOTHING_PINNED = PinnedIds()
