"""The locales of made-up people and texts: those that Faker knows."""

from __future__ import annotations

import difflib

from vendorsim.core.errors import unknown

DEFAULT = "en_US"


def locale_problem(name: str) -> str | None:
    """Returns what is wrong with the name of a locale, or None if there is one of that name.

    If there is none, the problem names those of the same language: a similar name of another language is of no use.
    """
    if name == DEFAULT:
        return None
    # Imported here, since it takes 0.1 s and most runs use the default locale.
    from faker.config import AVAILABLE_LOCALES

    if name in AVAILABLE_LOCALES:
        return None
    language, region = _parts(name)
    by_region = {_parts(known)[1]: known for known in sorted(AVAILABLE_LOCALES) if _parts(known)[0] == language}
    if not by_region:
        return unknown("locale", name, sorted(AVAILABLE_LOCALES))
    # Of two letters, one is enough.
    similar = difflib.get_close_matches(region, by_region, n=1, cutoff=0.5)
    if similar:
        return f"unknown locale '{name}'; did you mean '{by_region[similar[0]]}'?"
    return f"unknown locale '{name}'; known for '{language}': {', '.join(by_region.values())}"


def _parts(locale: str) -> tuple[str, str]:
    """Returns language and region, such as de and DE; either may be empty."""
    language, _, region = locale.replace("-", "_").partition("_")
    return language.lower(), region.upper()
