"""A RunRequest becomes a run: its quirks are in the run, its other faults beside it, and its start is found."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from vendorsim.core.errors import InputError
from vendorsim.runs import library
from vendorsim.runs.planning import RunRequest, event_names, plan
from vendorsim.scenario.faults import from_option
from vendorsim.vendorkit import registry

STORY = library.load_text("scenario: A chat\nvendors: [userlike]\nsteps:\n  - say: Hello\n", "chat.yaml")
REQUEST = RunRequest(STORY, "userlike", start=1_767_603_600_000)
QUIRKY = next(
    (name, profile.name, profile.quirks[0].name)
    for name in registry.names()
    for profile in registry.get(name).profiles.values()
    if profile.quirks
)


def test_quirks_are_in_the_run_and_other_faults_beside_it() -> None:
    vendor, profile, quirk = QUIRKY
    story = replace(STORY, vendors=(vendor,))
    faults = (from_option(f"quirk={quirk}@0.5", None), from_option("duplicate@0.1", None))
    planned = plan(RunRequest(story, vendor, profile, faults=faults))
    assert [(found.name, rate) for found, rate in planned.run.quirks] == [(quirk, 0.5)]
    assert planned.faults == faults[1:]


def test_faults_hit_the_events_that_are_named() -> None:
    event = registry.get("userlike").default_profile.event_names()[0]
    request = replace(REQUEST, faults=(from_option("drop", None),), fault_on=(event,))
    assert [fault.events for fault in plan(request).faults] == [frozenset({event})]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (replace(REQUEST, fault_on=("nothing",)), "--fault-on: unknown event 'nothing'"),
        (replace(REQUEST, faults=(from_option("quirk=odd", None),)), "fault quirk: unknown quirk of userlike"),
        (replace(REQUEST, vendor="smartsupp"), "chat.yaml: 'smartsupp' is not among the scenario's vendors"),
        (replace(REQUEST, vendor="smartsupp", name="my story"), "my story: 'smartsupp' is not among"),
        (replace(REQUEST, start=4_102_444_799_000, count=3), "the last of 3 conversations would start after 2100"),
    ],
)
def test_what_cannot_be_played_is_refused(request_: RunRequest, message: str) -> None:
    with pytest.raises(InputError) as refused:
        plan(request_)
    assert message in str(refused.value)


def test_the_default_start_counts_where_nobody_names_one() -> None:
    assert plan(replace(REQUEST, default_start=5)).run.starts == 1_767_603_600_000
    assert plan(replace(REQUEST, start=None, default_start=5)).run.starts == 5
    story = replace(STORY, starts=7)
    assert plan(RunRequest(story, "userlike", default_start=5)).run.starts == 7


def test_names_of_events_are_split_at_commas() -> None:
    assert event_names(["a, b", "c,"]) == ("a", "b", "c")
