"""Sinks: what they take, what they answer, and to which conversation their calls belong."""

from __future__ import annotations

from typing import Any

import pytest
from vendorsim.core.errors import InputError
from vendorsim.runs.sinks import chosen_sinks, sink_of
from vendorsim.scenario.calls import ConversationPlace, Sink, SinkAnswer
from vendorsim.server import sinks
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.server.sinks import Sinks
from vendorsim.vendorkit.api_call import ApiCall
from werkzeug.test import Client


class Served:
    """A server with sinks, in process. Each conversation that `open` begins is known to it."""

    def __init__(self, *declared: Sink) -> None:
        self.slept: list[float] = []
        self.backend = ServerBackend(sinks=declared, sleep=self.slept.append)
        self.client = Client(create_app(self.backend))

    def open(self) -> str:
        return self.backend.stage("messagehub").open().id

    def __call__(self, path: str, *, method: str = "POST", **how: Any) -> Any:
        return self.client.open(path, method=method, **how)

    @property
    def last(self) -> ApiCall:
        return self.backend.ledger.calls()[-1]

    def session(self, path: str = "", **how: Any) -> str:
        """The conversation to which a call of the sink `crm` belongs."""
        self(f"/_sinks/crm{path}", **how)
        return self.last.session_id


@pytest.fixture
def served() -> Any:
    opened = Served(Sink("crm"))
    yield opened
    opened.backend.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT"])
@pytest.mark.parametrize("path", ["/_sinks/crm", "/_sinks/crm/", "/_sinks/crm//v3/con%20tacts"])
def test_takes_any_call_below_its_path(served: Served, method: str, path: str) -> None:
    answer = served(path, method=method, data=b"\xff", content_type="application/x-thing")
    assert (answer.status_code, answer.json) == (200, {})
    call = served.last
    assert (call.name, call.method, call.path) == ("sink.crm", method, path.replace("%20", " "))
    assert (call.body, call.status) == (b"\xff", 200)


def test_a_call_of_no_sink_is_refused(served: Served) -> None:
    answer = served("/_sinks/cmr/contacts")
    assert (answer.status_code, answer.json) == (404, {"message": "there is no sink 'cmr'"})
    assert served.backend.ledger.calls() == []


def test_keeps_no_credentials_and_no_query(served: Served) -> None:
    served("/_sinks/crm/a?api_key=hush", headers={"Authorization": "Bearer s3cret", "X-Token": "hush"})
    kept = repr([getattr(served.last, name) for name in ApiCall.__struct_fields__])
    assert served.last.credentials == "bearer"
    assert "s3cret" not in kept
    assert "hush" not in kept


def test_a_body_over_the_limit_is_refused_and_told(served: Served) -> None:
    answer = served("/_sinks/crm", data=b"x" * (1024 * 1024 + 1))
    assert (answer.status_code, answer.json) == (413, {"message": "the body is larger than 1 MiB"})
    assert (served.last.status, served.last.body) == (413, None)


def test_answers_come_in_order_and_the_last_goes_on() -> None:
    retry = SinkAnswer(429, "slow down", 200, {"Retry-After": "1"})
    served = Served(Sink("crm", (retry, SinkAnswer(201, {"id": 7}), SinkAnswer(204))))
    answers = [served("/_sinks/crm") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 201, 204, 204]
    assert answers[0].text == "slow down"
    assert (answers[0].headers["Retry-After"], answers[0].mimetype) == ("1", "text/plain")
    assert (answers[1].json, answers[1].mimetype) == ({"id": 7}, "application/json")
    assert answers[2].data == b""
    assert served.slept == [0.2]


def test_a_conversation_can_have_answers_of_its_own(served: Served) -> None:
    here, elsewhere = served.open(), served.open()
    served.backend.sinks.answer("crm", [SinkAnswer(503), SinkAnswer(201)], here)
    told = [
        served(f"/_sinks/crm/{where}").status_code
        for where in (elsewhere, here, "contacts", here, elsewhere, "contacts")
    ]
    assert told == [200, 503, 201, 201, 200, 201], "calls of no conversation get the newest answers"


class TestTheConversation:
    def test_is_found_where_its_id_is(self, served: Served) -> None:
        here = served.open()
        number = int(here)
        assert served.session(f"/contacts/{here}/notes") == here
        assert served.session("/notes", query_string={"chat": here}) == here
        assert served.session("/notes", json={"ticket": {"chats": [{"id": number}]}}) == here
        assert served.session("/notes", json={"text": f"New chat {here}: https://chat.example.com/a/{here}."}) == here
        assert served.session("/notes", data={"external_id": here}) == here
        assert served.session("/notes", headers={"X-Conversation": here}) == here
        assert served.session("/notes", headers={"Idempotency-Key": f"chat-{here}"}) == ""
        assert served.session("/notes", headers={"Idempotency-Key": here}) == here

    def test_is_none_where_nothing_names_it(self, served: Served) -> None:
        here = served.open()
        assert served.session("/notes", json={"id": f"{here}0", "text": f"a{here}"}) == ""
        assert served.session("/notes", headers={"Referer": here, "X-Api-Key": here}) == ""
        assert served.session("/notes", data=b"\xff" + here.encode()) == ""
        assert served.session("/notes/4711") == "", "an id that nobody knows"

    def test_is_none_where_several_are_named(self, served: Served) -> None:
        assert served.session("/notes", json={"merge": [served.open(), served.open()]}) == ""

    @pytest.mark.parametrize(
        ("place", "how"),
        [
            (ConversationPlace(pointer="/ticket/chat"), {"json": {"ticket": {"chat": 17}, "other": 18}}),
            (ConversationPlace(header="Reference"), {"headers": {"reference": "17"}}),
            (ConversationPlace(segment=2), {"path": "/chats/17/notes"}),
        ],
    )
    def test_is_what_stands_where_the_sink_says(self, place: ConversationPlace, how: dict[str, Any]) -> None:
        served = Served(Sink("crm", conversation=place))
        assert served.session(**how) == "17", "also for an id that nobody knows"
        assert served.session("/x", json={"ticket": None}) == ""

    def test_has_its_calls_as_state(self, served: Served) -> None:
        here = served.open()
        served("/_sinks/crm/contacts", json={"chat": here, "email": "dana@example.com"})
        assert served.backend.ledger.state(here) == {
            "calls": [
                {
                    "call": "sink.crm",
                    "method": "POST",
                    "path": "/_sinks/crm/contacts",
                    "body": {"chat": here, "email": "dana@example.com"},
                }
            ]
        }


class TestNames:
    @pytest.mark.parametrize("name", ["", "CRM", "1st", "a b", "a/b", "x" * 41, "a.b", "ünder"])
    def test_that_no_sink_can_have(self, name: str) -> None:
        with pytest.raises(InputError, match="is not a name of a sink"):
            Sinks([Sink(name)])

    def test_that_are_taken(self) -> None:
        with pytest.raises(InputError, match=r"^the name of the sink 'crm' is taken; choose another one$"):
            Sinks([Sink("crm"), Sink("crm")])

    def test_of_options(self) -> None:
        configured = [Sink("crm", (SinkAnswer(201),))]
        assert chosen_sinks(["crm=customer", "slack"], configured) == (
            Sink("crm", (SinkAnswer(201),), customer=True),
            Sink("slack"),
        )
        with pytest.raises(InputError, match=r"--sink crm=customer: the name 'crm' is taken by another --sink"):
            chosen_sinks(["crm", "crm=customer"])
        with pytest.raises(
            InputError, match=r"--sink crm=client: 'crm=client': after the name stands nothing, or =cust"
        ):
            chosen_sinks(["crm=client"])


def test_are_bounded(served: Served) -> None:
    for number in range(sinks.MOST_SINKS - 1):
        served.backend.sinks.ensure(f"s{number}")
    with pytest.raises(InputError, match="there are 100 sinks already; remove one"):
        served.backend.sinks.add(Sink("one-more"))


def test_a_reset_goes_back_to_the_sinks_of_the_start(served: Served) -> None:
    served.backend.sinks.change(Sink("crm", (SinkAnswer(500),)))
    served.backend.sinks.add(Sink("slack"))
    served("/_sinks/crm")
    served.backend.reset(0)
    assert served.backend.sinks.all() == [Sink("crm")]
    assert served.backend.ledger.calls() == []


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"answers": [{"status": 99}]}, "expected a whole number from 200 to 599, found the number 99"),
        ({"answer": {}}, "unknown key in a sink 'answer'; did you mean 'answers'?"),
        ({"conversation": "id"}, "expected a JSON pointer such as /message/text, found the text 'id'"),
        ({"conversation": {"header": "X", "segment": 1}}, "'conversation' needs exactly one of: header, segment"),
        ({"answers": {"headers": {"X": "a\nb"}}}, "the value of a header is printable ASCII text"),
    ],
)
def test_wrong_settings_are_told(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError) as refused:
        sink_of("crm", settings)
    assert str(refused.value) == f"sink 'crm': {problem}"
