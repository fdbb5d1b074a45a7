"""The steps that a captured event may come from, with holes for the arguments that the event shows. Pure.

A candidate is tried with texts that stand nowhere else (`Qztext`). Where they appear in a body, the captured body shows
the argument. The candidates are listed as a person would prefer them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from vendorsim.captures.deriving.comparing import HOLE, HOLE_HOST, HOLE_NUMBER, HOLE_SITE
from vendorsim.conversation.state import Conversation
from vendorsim.scenario import verbs
from vendorsim.scenario.verbs import DELIVERED, TIMEOUT, VISITOR, Attachment, Page, Verb
from vendorsim.vendorkit.profile import Quirk

Holes = Mapping[str, Any]
TEXT, TITLE, NAME, COMMENT, TYPE = (HOLE + word for word in ("text", "title", "name", "comment", "type"))
KEY, VALUE = HOLE + "key", HOLE + "value"
TEAM, LABEL = HOLE + "team", HOLE + "label"
PAGE_URL, FILE_URL = f"{HOLE_SITE}page", f"{HOLE_SITE}file.bin"
PERSON = ("name", "email", "phone", "identifier")
DIFFERENCES = "differences"
"""The name of the hole with the fields in which the captured body differs, by their names."""
_MOST_FILES = 5
# Where nothing shows which setting was edited.
_SETTING = {"name": "Website"}
_FILES = re.compile("attach|media|file_?type|data_url", re.IGNORECASE)
_NO_FILES = re.compile("avatar|thumb|refer|image|page|initial", re.IGNORECASE)
_FILE_URL = re.compile(r"https?://\S+\.\w{2,5}(\s|$)")
# One of each kind, where only the kind shows.
_FILE_NAMES = ("photo.png", "document.pdf", "voice.mp3", "film.mp4")
# Edits and deletions concern the newest messages.
_MOST_MESSAGES = 8
_SCORES = (5, 4, 3, 2, 1)


class Candidate(Struct, frozen=True):
    """A step with holes. `fill` gives the steps that the arguments make of it, the likeliest first."""

    verb: Verb
    fill: Callable[[Holes], Iterator[Verb]]
    quirk: Quirk | None = None


def shows_files(document: Any, key: str = "") -> bool:
    """Whether a body may be about a message with files."""
    if isinstance(document, dict):
        return any(shows_files(item, name) for name, item in document.items())
    if isinstance(document, list):
        return bool(document and _FILES.search(key)) or any(shows_files(item, key) for item in document)
    if not document or _NO_FILES.search(key):
        return False
    return _FILES.search(key) is not None or (isinstance(document, str) and _FILE_URL.match(document) is not None)


def candidates(
    state: Conversation, agents: Sequence[str], *, files: bool = True, settings: Mapping[str, Any] | None = None
) -> Iterator[Candidate]:
    """The candidates for the next step. `agents` are the keys of the agents who are known, and of a new one. Without
    `files`, no message has any. `settings` are those of a widget that the next body has otherwise than one before."""
    yield _text(lambda text: verbs.Say(text))
    for agent in agents:
        yield _text(partial(_say, agent))
    for count in range(1, _MOST_FILES + 1 if files else 1):
        for by in (VISITOR, *agents):
            for text in (None, TEXT):
                yield _with_files(by, text, count)
    yield _fixed(verbs.OpenWidget())
    yield _fixed(verbs.Start())
    yield _fixed(verbs.Start(pending=True))
    yield _fixed(verbs.Start("call"))
    yield Candidate(
        verbs.Start(page=Page(PAGE_URL, TITLE)), lambda holes: _pages(holes, lambda page: verbs.Start(page=page))
    )
    yield Candidate(verbs.Start(form=_person()), partial(_people, make=_filled_in))
    for agent in agents:
        yield _fixed(verbs.Join(agent))
    yield _fixed(verbs.Close(VISITOR))
    yield from (_fixed(verbs.Close(agent)) for agent in agents)
    yield _fixed(verbs.Close(TIMEOUT))
    yield _fixed(verbs.Miss())
    yield _text(lambda text: verbs.OfflineMessage(text))
    yield _fixed(verbs.Reopen())
    yield _fixed(verbs.Snooze())
    yield _fixed(verbs.Pend())
    yield _fixed(verbs.Read())
    yield _fixed(verbs.Read(VISITOR, DELIVERED))
    yield from (_fixed(verbs.Read(agent)) for agent in agents)
    for by in (VISITOR, *agents):
        yield _fixed(verbs.Typing(by))
        yield _fixed(verbs.Typing(by, active=False))
    for agent in agents:
        yield _text(partial(_note, agent))
        yield _fixed(verbs.Leave(agent))
        yield _fixed(verbs.Assign((agent, None)))
    yield from _teams(state, agents)
    yield _fixed(verbs.Assign((None, None)))
    yield Candidate(verbs.Label((LABEL,)), _labels)
    yield Candidate(verbs.Attributes({KEY: VALUE}), partial(_changed, before=state.attributes, make=verbs.Attributes))
    for score in _SCORES:
        yield _fixed(verbs.Rate(score))
        yield Candidate(verbs.Rate(score, COMMENT), partial(_texts, hole=COMMENT, make=partial(verbs.Rate, score)))
    yield _text(lambda text: verbs.Feedback(text), required=True)
    yield _text(lambda text: verbs.Survey(text), required=True)
    yield _text(lambda text: verbs.Goal(text), required=True)
    yield Candidate(verbs.Trigger(TEXT, TITLE), _trigger)
    yield Candidate(
        verbs.Navigate(Page(PAGE_URL, TITLE)), lambda holes: _pages(holes, lambda page: verbs.Navigate(page))
    )
    for agent in agents:
        yield from (_fixed(verbs.Operator(agent, goes)) for goes in ("online", "offline", "away", "back"))
    custom = {"custom": {KEY: VALUE}}
    for data in (_person(), _person() | custom, custom):
        yield Candidate(verbs.Contact(updated=data), partial(_people, make=_updated, before=state.visitor.custom))
    yield _fixed(verbs.Contact(created={}))
    for data in (_person(), _person() | custom):
        yield Candidate(verbs.Contact(created=data), partial(_people, make=_created, before=state.visitor.custom))
    messages = list(enumerate(state.messages, 1))[-_MOST_MESSAGES:]
    for number, message in reversed(messages):
        yield _text(partial(verbs.Edit, number), required=True)
        if not message.deleted:
            yield _fixed(verbs.Delete(number))
    yield _fixed(verbs.SendToApi())
    if settings:
        yield _fixed(verbs.ConfigureWidget(settings))
    for edited in ({}, _SETTING):
        yield Candidate(verbs.ConfigureWidget(edited), _settings)
    yield _fixed(verbs.Authenticate())


def _say(agent: str, text: str | None) -> Verb:
    return verbs.Say(text, agent)


def _note(agent: str, text: str | None) -> Verb:
    return verbs.Note(text, agent)


def _updated(data: dict[str, Any]) -> Verb:
    return verbs.Contact(updated=data)


def _created(data: dict[str, Any]) -> Verb:
    return verbs.Contact(created=data)


def _filled_in(data: dict[str, Any]) -> Verb:
    return verbs.Start(form=data)


def _fixed(verb: Verb) -> Candidate:
    return Candidate(verb, lambda holes: iter((verb,)))


def _text(make: Callable[[Any], Verb], *, required: bool = False) -> Candidate:
    return Candidate(make(TEXT), lambda holes: _texts(holes, TEXT, make, required=required))


def _texts(holes: Holes, hole: str, make: Callable[[Any], Verb], *, required: bool = True) -> Iterator[Verb]:
    text = holes.get(hole)
    # A scenario has no messages of white space.
    if isinstance(text, str) and text.strip():
        yield make(text)
    elif not required and hole not in holes:
        yield make(None)


def _with_files(by: str, text: str | None, count: int) -> Candidate:
    marked = tuple(
        Attachment(f"{NAME}{number}", f"{FILE_URL}?{number}", f"{TYPE}{number}", HOLE_NUMBER + number)
        for number in range(count)
    )

    def fill(holes: Holes) -> Iterator[Verb]:
        said = holes.get(TEXT) if text is not None else None
        if text is None or (isinstance(said, str) and said.strip()):
            shown = tuple(_file(holes, number) for number in range(count))
            if all(shown):
                yield verbs.Say(said, by, tuple(file for file in shown if file is not None))
            elif not any(shown):
                for name in _FILE_NAMES:
                    yield verbs.Say(said, by, (Attachment(name),) * count)

    return Candidate(verbs.Say(text, by, marked), fill)


def _file(holes: Holes, number: int) -> Attachment | None:
    """The file that the bodies show; None if they show nothing of it but its kind."""
    url = holes.get(f"{FILE_URL}?{number}")
    url = url if isinstance(url, str) and url.startswith(("http://", "https://")) else None
    name = holes.get(f"{NAME}{number}")
    if not isinstance(name, str) or not name:
        if url is None:
            return None
        name = (url or "file").partition("?")[0].rstrip("/").rpartition("/")[2] or "file"
    kind, size = holes.get(f"{TYPE}{number}"), holes.get(str(HOLE_NUMBER + number))
    file = Attachment(name, url)
    if isinstance(kind, str) and kind:
        file = replace(file, content_type=kind)
    return replace(file, size=size) if isinstance(size, int) else file


def _teams(state: Conversation, agents: Sequence[str]) -> Iterator[Candidate]:
    for agent in (None, *agents):

        def fill(holes: Holes, agent: str | None = agent) -> Iterator[Verb]:
            team = holes.get(TEAM)
            if isinstance(team, str) and team:
                yield verbs.Assign((agent, team))
            elif TEAM not in holes:
                yield verbs.Assign((agent, state.team or "Support"))

        yield Candidate(verbs.Assign((agent, TEAM)), fill)


def _labels(holes: Holes) -> Iterator[Verb]:
    found = holes.get(f"list {LABEL}")
    if isinstance(found, list) and all(isinstance(item, str) and item for item in found):
        yield verbs.Label(tuple(found))


def _changed(holes: Holes, before: Mapping[str, Any], make: Callable[[dict[str, Any]], Verb]) -> Iterator[Verb]:
    found = holes.get("object")
    if isinstance(found, dict):
        new = {key: value for key, value in found.items() if key not in before or before[key] != value}
        if new:
            yield make(new)


def _trigger(holes: Holes) -> Iterator[Verb]:
    text, title = holes.get(TEXT), holes.get(TITLE)
    yield verbs.Trigger(text if isinstance(text, str) else None, title if isinstance(title, str) and title else None)


def _settings(holes: Holes) -> Iterator[Verb]:
    """The settings are what the captured body has otherwise."""
    found = holes.get(DIFFERENCES)
    if isinstance(found, dict) and found:
        yield verbs.ConfigureWidget(found)
    yield verbs.ConfigureWidget(_SETTING)


def _pages(holes: Holes, make: Callable[[Page], Verb]) -> Iterator[Verb]:
    url, title = holes.get(PAGE_URL), holes.get(TITLE)
    if url is None and isinstance(holes.get(HOLE_HOST), str):
        url = f"https://{holes[HOLE_HOST]}/"
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        yield make(Page(url, title if isinstance(title, str) else ""))


def _person() -> dict[str, Any]:
    return {name: f"{HOLE}{name}" for name in PERSON}


def _people(
    holes: Holes, make: Callable[[dict[str, Any]], Verb], before: Mapping[str, Any] | None = None
) -> Iterator[Verb]:
    """Data of the visitor: what the bodies show. `before` are his custom data."""
    data = {name: holes[f"{HOLE}{name}"] or None for name in PERSON if f"{HOLE}{name}" in holes}
    for changed in () if before is None else _changed(holes, before, lambda custom: verbs.Contact(updated=custom)):
        assert isinstance(changed, verbs.Contact)
        data["custom"] = changed.updated
    if data:
        yield make(data)
