"""The fields of the settings page, and the settings in the form of `contracts/chatvisor/webchat.schema.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendorsim.vendors.chatvisor.widget import DAYS, WebChatSettings

_TEXTS = ("title", "welcome", "placeholder")


def as_form(settings: WebChatSettings) -> dict[str, str]:
    """The fields of a form with these settings; a box that is not checked is left out."""
    rules = settings.rules
    hours = rules.office_hours
    form = {
        "color": settings.color,
        "position": settings.position,
        **{name: getattr(settings, name) for name in _TEXTS},
        "from": _clock(hours.opens if hours else 9 * 60),
        "to": _clock(hours.closes if hours else 17 * 60),
        "timezone": hours.timezone if hours else "UTC",
        "secondsOnPage": str(rules.seconds_on_page),
    }
    checked = {
        "agentOnline": rules.agent_online,
        "agentAvailable": rules.agent_available,
        "officeHours": hours is not None,
        "secondVisit": rules.second_visit,
        **{day: number in (hours.days if hours else range(5)) for number, day in enumerate(DAYS)},
    }
    return form | {name: "on" for name, value in checked.items() if value}


def from_form(form: Mapping[str, str]) -> dict[str, Any]:
    """The settings in a form. Raises ValueError for a number that is none."""
    seconds = form.get("secondsOnPage", "0").strip() or "0"
    if not seconds.isascii() or not seconds.isdigit():
        raise ValueError("secondsOnPage: expected a number of seconds")
    rules: dict[str, Any] = {name: name in form for name in ("agentOnline", "agentAvailable", "secondVisit")}
    rules["secondsOnPage"] = int(seconds[:9])
    if "officeHours" in form:
        rules["officeHours"] = {
            "from": form.get("from", ""),
            "to": form.get("to", ""),
            "days": [day for day in DAYS if day in form],
            "timezone": form.get("timezone", "").strip(),
        }
    return {
        "color": form.get("color", ""),
        "position": form.get("position", ""),
        "texts": {name: form.get(name, "").strip() for name in _TEXTS},
        "actionRules": rules,
    }


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
