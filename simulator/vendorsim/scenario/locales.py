"""The locales of made-up people and texts: those that Faker knows."""

from __future__ import annotations

from vendorsim.core.errors import unknown

DEFAULT = "en_US"


def locale_problem(name: str) -> str | None:
    """Returns what is wrong with the name of a locale, or None if there is one of that name."""
    if name == DEFAULT:
        return None
    # Imported here, since it takes 0.1 s and most runs use the default locale.
    from faker.config import AVAILABLE_LOCALES

    return None if name in AVAILABLE_LOCALES else unknown("locale", name, sorted(AVAILABLE_LOCALES))
