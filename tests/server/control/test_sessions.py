"""Sessions of `end_user`: set by hand, ended, without CRM, with forced answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from receiver import Receiver

from control.client import Client, serving


def answers(api: Client, *sessions: str) -> list[tuple[int, str]]:
    """What calls for these sessions are told, one after the other, each for another identifier."""
    found = [api.end_user(session, f"crm-{number}") for number, session in enumerate(sessions)]
    return [(answer.status, answer.json["message"]) for answer in found]


ACCEPTED = (202, "accepted")
ENDED = (400, "Chat is already ended")


class TestByHand:
    def test_are_created_and_ended(self, api: Client) -> None:
        created = api.done("POST", "/sessions", {"id": "s-1"})
        assert created == {
            "id": "s-1",
            "channel": None,
            "played": False,
            "ended": False,
            "crm_supported": True,
            "answers": [],
            "end_user": None,
        }
        assert answers(api, "s-1") == [ACCEPTED]
        assert api.done("PATCH", "/sessions/s-1", {"ended": True})["ended"] is True
        assert answers(api, "s-1", "s-2") == [ENDED, ACCEPTED]
        assert api.refused("POST", "/sessions", {"id": "s-1"})["status"] == 409

    def test_who_was_identified_is_kept(self, api: Client) -> None:
        api.done("POST", "/sessions", {"id": "s-1"})
        assert api.end_user("s-1", "crm-4711").status == 202
        assert api.get("/sessions/s-1")["end_user"] == {"identifier": "crm-4711"}

    def test_a_session_that_nobody_created_is_remembered(self, api: Client) -> None:
        assert api.end_user("s-1", "crm-4711").status == 202
        assert api.get("/sessions/s-1")["end_user"] == {"identifier": "crm-4711"}
        assert [session["id"] for session in api.get("/sessions")["items"]] == ["s-1"]

    def test_a_session_that_is_refused_identifies_nobody(self, api: Client) -> None:
        api.done("POST", "/sessions", {"id": "s-1", "crm_supported": False})
        assert answers(api, "s-1") == [(400, "Unsupported CRM request")]
        assert api.get("/sessions/s-1")["end_user"] is None

    def test_support_of_the_crm_is_switched_off_and_on(self, api: Client) -> None:
        api.done("PATCH", "/sessions/s-1", {"crm_supported": False})
        assert answers(api, "s-1") == [(400, "Unsupported CRM request")]
        api.done("PATCH", "/sessions/s-1", {"crm_supported": True})
        assert answers(api, "s-1") == [ACCEPTED]

    def test_a_session_that_a_run_plays_is_known_and_can_be_ended(self, api: Client, target: Receiver) -> None:
        api.start(target.url(), paused=True, speed="1x")
        name = api.deliveries(2)[0]["conversation"]
        session = api.get(f"/sessions/{name}")
        assert (session["played"], session["channel"], session["ended"]) == (True, "chat", False)
        api.done("PATCH", f"/sessions/{name}", {"ended": True})
        assert answers(api, name) == [ENDED]

    def test_a_strict_server_knows_those_that_were_created(self, journal: Path) -> None:
        with serving(journal, strict=True) as api:
            assert answers(api, "s-1") == [(404, "Not Found")]
            assert api.refused("GET", "/sessions/s-1")["status"] == 404
            api.done("POST", "/sessions", {"id": "s-1"})
            assert answers(api, "s-1") == [ACCEPTED]

    def test_are_listed_page_by_page(self, api: Client) -> None:
        for number in range(5):
            api.done("POST", "/sessions", {"id": f"s-{number}"})
        found = [session["id"] for session in api.all("/sessions", limit=2)]
        assert found == ["s-4", "s-3", "s-2", "s-1", "s-0"]


class TestForcedAnswers:
    def test_of_one_session_are_used_up_one_by_one(self, api: Client) -> None:
        api.done("POST", "/sessions", {"id": "s-1", "answers": ["duplicate", "error"]})
        assert [status for status, _ in answers(api, "s-1", "s-2", "s-1", "s-1")] == [400, 202, 500, 202]
        assert api.get("/sessions/s-1")["answers"] == []

    def test_of_any_session_are_used_up_by_whoever_calls(self, api: Client) -> None:
        assert api.done("PUT", "/end-user/answers", {"answers": ["not-found", "ended"]}) == {
            "answers": ["not-found", "ended"]
        }
        assert answers(api, "s-1") == [(404, "Not Found")]
        assert api.get("/end-user/answers")["answers"] == ["ended"]
        assert answers(api, "s-2", "s-3") == [ENDED, ACCEPTED]

    def test_of_one_session_win_and_leave_the_others_for_later(self, api: Client) -> None:
        api.done("PUT", "/end-user/answers", {"answers": ["not-found"]})
        api.done("POST", "/sessions", {"id": "s-1", "answers": ["error"]})
        assert [status for status, _ in answers(api, "s-1", "s-1", "s-1")] == [500, 404, 202]

    def test_are_all_known(self, idle: Client) -> None:
        known = idle.get("/end-user/answers")["known"]
        assert {"accepted", "ended", "unsupported-crm", "Chat is already ended"} <= set(known)

    def test_none_switches_them_off(self, api: Client) -> None:
        api.done("PUT", "/end-user/answers", {"answers": ["error"]})
        api.done("PUT", "/end-user/answers", {"answers": []})
        assert answers(api, "s-1") == [ACCEPTED]


@pytest.mark.parametrize(
    ("method", "path", "document", "reason"),
    [
        ("POST", "/sessions", {}, "id"),
        ("POST", "/sessions", {"id": ""}, "/id"),
        ("POST", "/sessions", {"id": "x" * 201}, "/id"),
        ("POST", "/sessions", {"id": "a/b"}, "/id"),
        ("POST", "/sessions", {"id": "s-9", "ended": "yes"}, "/ended"),
        ("POST", "/sessions", {"id": "s-9", "answers": ["endde"]}, "did you mean 'ended'"),
        ("PATCH", "/sessions/s-9", {"crm": True}, "crm"),
        ("PATCH", "/sessions/s-9", {"answers": "ended"}, "/answers"),
        ("PUT", "/end-user/answers", {"answers": ["nothing"]}, "nothing"),
        ("PUT", "/end-user/answers", {}, "answers"),
    ],
)
def test_what_is_refused(idle: Client, method: str, path: str, document: dict[str, Any], reason: str) -> None:
    problem = idle.refused(method, path, document)
    assert problem["status"] == 422
    assert reason in problem["detail"]
    assert idle.get("/sessions")["items"] == []
