"""The language of a conversation, as its bodies tell it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vendorsim.captures.sequence import CapturedEvent
from vendorsim.scenario.locales import DEFAULT, locale_problem

_COMMON: Mapping[str, tuple[str, ...]] = {
    "en": ("en_US",),
    "ja": ("ja_JP",),
    "ar": ("ar_AA",),
    "cs": ("cs_CZ",),
    "da": ("da_DK",),
    "sv": ("sv_SE",),
}


def locale_of(events: Sequence[CapturedEvent]) -> str:
    """The locale that the bodies name, or the one of their language and country."""
    found: dict[str, str] = {}
    for event in events:
        _read_languages(event.document, found)
    if "locale" in found:
        return found["locale"]
    language = found.get("language")
    if language is None:
        return DEFAULT
    for name in (
        f"{language}_{found.get('country', '')}",
        f"{language}_{language.upper()}",
        *_COMMON.get(language, ()),
    ):
        if locale_problem(name) is None:
            return name
    return DEFAULT


def _read_languages(document: Any, found: dict[str, str]) -> None:
    if isinstance(document, dict):
        for key, value in document.items():
            name = key.lower()
            if isinstance(value, dict | list):
                _read_languages(value, found)
            elif isinstance(value, str) and len(value) == 5 and value[2] == "_" and "loc" in name:
                if locale_problem(value) is None:
                    found.setdefault("locale", value)
            elif isinstance(value, str) and len(value) == 2 and value.islower() and "lang" in name:
                found.setdefault("language", value)
            elif isinstance(value, str) and len(value) == 2 and value.isupper() and "code" in name:
                found.setdefault("country", value)
    elif isinstance(document, list):
        for item in document:
            _read_languages(item, found)
