"""`recovers`: how deliveries arrive after an outage, what of two states is compared, and what can't be judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from checks.helpdesk_helpers import HASTY, checked
from command_line import Vendorsim
from msgspec.structs import replace
from variants import SUSPICIOUS
from vendorsim.checks.masks import bare, masked, steady_texts
from vendorsim.checks.outages import LateArrivals, arrivals, outages

PAUSES = (5, 300)


class TestArrivals:
    @pytest.mark.parametrize(
        ("times", "window", "order", "late"),
        [
            pytest.param((0, 20, 40), (100, 200), (0, 1, 2), 0, id="not while the story goes on"),
            pytest.param((0, 20, 40), (0, 3), (0, 1, 2), 5, id="over before the first retry"),
            pytest.param((0, 20, 40), (0, 20), (1, 2, 0), 305, id="longer than the first pause"),
            pytest.param((0, 20, 40), (20, 40), (0, 2, 1), 305, id="in the middle"),
            pytest.param((0, 20, 40), (0, 300), (0, 1, 2), 305, id="the whole story"),
            pytest.param((0, 0, 40), (0, 40), (2, 0, 1), 305, id="two events of one moment keep their order"),
        ],
    )
    def test_what_is_due_in_an_outage_comes_with_the_first_retry_after_it(
        self, times: tuple[int, ...], window: tuple[int, int], order: tuple[int, ...], late: int
    ) -> None:
        assert arrivals(times, PAUSES, *window) == LateArrivals(order, late, window[1] - window[0])

    def test_a_vendor_may_give_up_before_it_is_over(self) -> None:
        assert arrivals((0, 20), PAUSES, 0, 306) is None
        assert arrivals((0, 20), (), 0, 1) is None

    def test_a_story_is_late_as_a_whole_first_and_then_in_parts(self) -> None:
        assert [way.order for way in outages((0, 20, 40), (1, 2, 3), PAUSES, ordered=False)] == [
            (0, 1, 2),
            (1, 2, 0),
            (0, 2, 1),
        ]

    def test_no_longer_than_the_vendor_tries(self) -> None:
        (first, *_) = outages((0, 20, 40), (1, 2, 3), PAUSES, ordered=False)
        assert first == LateArrivals((0, 1, 2), 305, 305)

    @pytest.mark.parametrize("keys", [(None, 2, 3), (3, 3, 3)])
    def test_what_no_body_tells_keeps_its_order(self, keys: tuple[Any, ...]) -> None:
        orders = [way.order for way in outages((0, 20, 40), keys, PAUSES, ordered=False)]
        assert (1, 2, 0) not in orders
        assert orders[0] == (0, 1, 2)

    def test_a_vendor_that_keeps_the_order_brings_it_late_in_its_order(self) -> None:
        assert [way.order for way in outages((0, 20, 40), (1, 2, 3), PAUSES, ordered=True)] == [(0, 1, 2)]

    @pytest.mark.parametrize(("times", "pauses"), [((), PAUSES), ((0, 20), ())])
    def test_without_events_or_retries_there_is_nothing(self, times: tuple[int, ...], pauses: tuple[int, ...]) -> None:
        assert list(outages(times, times, pauses, ordered=False)) == []


class TestWhatIsCompared:
    BODIES: tuple[Any, ...] = ({"id": 1, "text": "Room 12", "at": "07:15"}, {"items": [{"text": "Hello"}], "n": 3})
    OTHERS: tuple[Any, ...] = ({"id": 2, "text": "Room 12", "at": "04:40"}, {"items": [{"text": "Hello"}], "n": 3})
    STATE: ClassVar[dict[str, Any]] = {
        "id": "<0/id>",
        "messages": [{"text": "Room 12", "at": 1_700_000_000, "seen": False}, {"text": "Hello", "at": None}],
        "status": "open",
        "updated": "2026-01-05",
        "link": "/chats/<0/id>",
        "note": None,
    }

    def test_texts_that_stay_the_same_are_known_by_the_bodies(self) -> None:
        assert steady_texts(self.BODIES, self.OTHERS) == {"Room 12", "Hello"}

    def test_times_and_numbers_are_hidden_of_states_at_different_times(self) -> None:
        assert masked(self.STATE, steady_texts(self.BODIES, self.OTHERS)) == {
            "id": "<0/id>",
            "messages": [{"text": "Room 12", "at": "#", "seen": False}, {"text": "Hello", "at": None}],
            "status": "open",
            "updated": "#",
            "link": "/chats/<0/id>",
            "note": None,
        }

    def test_of_what_the_api_tells_nothing_but_texts_counts(self) -> None:
        assert bare(self.STATE, steady_texts(self.BODIES, self.OTHERS)) == {
            "messages": [{"text": "Room 12"}, {"text": "Hello"}],
            "status": "open",
        }


BY_RETRY = "recovers.by_retry"
BY_API = "recovers.by_api"
NOT_JUDGED = [
    ("messagehub", BY_RETRY, (), False, "the vendor does not retry: what an outage hits is lost, see recovers.by_api"),
    (
        "userlike",
        BY_RETRY,
        ("--policy", "retried=429"),
        False,
        "the vendor does not retry what got no answer: it is lost, see recovers.by_api",
    ),
    ("userlike", BY_API, (), True, "no operation of userlike's API that vendorsim answers tells what was missed"),
    ("chatvisor", BY_API, (), False, "give --serve PORT, and let the integration read the vendor's API there"),
    (
        "chatvisor",
        BY_API,
        (),
        True,
        "it called none of list_conversations in 1 s; "
        "if it is to catch up by the API, say by when: --recover-within 2m",
    ),
]


def test_who_reads_what_he_answers_reads_not_what_he_missed(
    vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its replies change one of the two conversations that are compared, too."""
    (bot,) = [receiver for receiver in SUSPICIOUS if receiver.bot is not None]
    if bot.missing is not None:
        pytest.skip(bot.missing)
    with checked(bot.vendor, tmp_path, monkeypatch, bot, serve=True) as run:
        place = str(run[run.index("--to") + 1]).partition("/hooks/")[0]
        probe = ("--probe", f"{place}/conversations/{{conversation_id}}")
        done = vendorsim(*run, *probe, "--only", BY_API, settings=replace(HASTY, **bot.waiting))
    (judged,) = done.json["checks"]
    assert (judged["status"], done.json["findings"]) == ("not_judged", [])
    assert judged["reason"].startswith("it called none of list_conversations, show_conversation, list_messages in ")


@pytest.mark.slow
@pytest.mark.parametrize(("vendor", "check", "options", "serve", "reason"), NOT_JUDGED)
def test_what_can_not_be_judged_says_why(
    vendor: str,
    check: str,
    options: tuple[str, ...],
    serve: bool,
    reason: str,
    vendorsim: Vendorsim,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with checked(vendor, tmp_path, monkeypatch, probe=True, serve=serve) as run:
        done = vendorsim(*run, "--only", check, *options, settings=HASTY)
    (judged,) = done.json["checks"]
    assert (judged["status"], judged["reason"]) == ("not_judged", reason)
    # The probe was for a family that was not judged.
    assert done.code == 4


@pytest.mark.parametrize("vendor", ["smartsupp", pytest.param("userlike", marks=pytest.mark.thorough), "chatvisor"])
def test_the_helpdesk_recovers_by_retries(
    vendor: str, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with checked(vendor, tmp_path, monkeypatch, probe=True) as run:
        done = vendorsim(*run, "--only", BY_RETRY, "--seed", 3, settings=HASTY)
    assert (done.code, done.json["findings"]) == (0, [])
    assert done.json["checks"][0]["cases"] > 1
