"""What was sent: lists and their pages, single attempts, what their bodies mean, curl, HAR, and sending again."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiver import Receiver, Request, close, status
from short_story import OF_USERLIKE
from vendorsim.server.control.curl import curl_command

from control.client import SECRET, Client

# What the HAR 1.2 specification (softwareishard.com, "HAR 1.2 Spec") does not call optional.
ENTRY = {"startedDateTime": str, "time": (int, float), "request": dict, "response": dict, "cache": dict}
ENTRY |= {"timings": dict}
REQUEST = {"method": str, "url": str, "httpVersion": str, "cookies": list, "headers": list, "queryString": list}
REQUEST |= {"headersSize": int, "bodySize": int}
RESPONSE = {"status": int, "statusText": str, "httpVersion": str, "cookies": list, "headers": list, "content": dict}
RESPONSE |= {"redirectURL": str, "headersSize": int, "bodySize": int}


class TestListing:
    def test_filters(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url(), count=2)
        other = api.play(target.url(), vendor="messagehub")
        rows = api.all("/deliveries")
        first = rows[-1]
        cases: list[tuple[dict[str, Any], Any]] = [
            ({"run": run["id"]}, lambda row: row["run"] == run["id"]),
            ({"run": other["id"]}, lambda row: row["run"] == other["id"]),
            ({"vendor": "messagehub"}, lambda row: row["vendor"] == "messagehub"),
            ({"event": "chat_session.end"}, lambda row: row["event"] == "chat_session.end"),
            ({"conversation": first["conversation"]}, lambda row: row["conversation"] == first["conversation"]),
            ({"verdict": "delivered"}, lambda row: True),
            ({"q": first["delivery"].upper()}, lambda row: row["delivery"] == first["delivery"]),
            ({"vendor": "userlike", "q": "SESSION.END"}, lambda row: row["event"] == "chat_session.end"),
        ]
        for query, belongs in cases:
            found = api.all("/deliveries", **query)
            assert found == [row for row in rows if belongs(row)] != [], query
        for query in ({"verdict": "rejected"}, {"vendor": "Userlike"}, {"run": 9_999}, {"q": "%"}, {"q": "_chat"}):
            assert api.all("/deliveries", **query) == [], query

    def test_text_is_looked_for_in_bodies(self, api: Client, target: Receiver) -> None:
        api.play(target.url())
        assert {row["event"] for row in api.all("/deliveries", q="Grüße 👋")} == {
            "chat_session.message_received",
            "chat_session.message_sent",
            "chat_session.end",
            "conversation.ended",
        }

    @pytest.mark.parametrize("limit", [1, 7, 500])
    def test_pages_have_no_gaps_and_no_repeats_while_more_arrive(
        self, api: Client, target: Receiver, limit: int
    ) -> None:
        before = api.play(target.url(), count=4)["id"]
        asked, seen, following = 0, [], None
        while asked == 0 or following is not None:
            if asked < 3:
                api.play(target.url())
            page = api.get("/deliveries", limit=limit, **({} if following is None else {"cursor": following}))
            assert len(page["items"]) <= limit
            asked, following = asked + 1, page["next"]
            seen += [row["id"] for row in page["items"]]
        assert seen == sorted(set(seen), reverse=True)
        assert {row["id"] for row in api.all("/deliveries", run=before)} <= set(seen)
        assert len(seen) >= 4 * OF_USERLIKE

    def test_what_came_after_an_id_the_oldest_first(self, api: Client, target: Receiver) -> None:
        api.play(target.url())
        known = api.get("/deliveries", limit=1)["items"][0]["id"]
        assert api.get("/deliveries", after=known) == {"items": [], "next": None, "after": known}
        api.play(target.url())
        newer = api.get("/deliveries", after=known, limit=3)["items"]
        assert [row["id"] for row in newer] == [known + 1, known + 2, known + 3]
        assert [row["id"] for row in api.get("/deliveries", after=newer[-1]["id"])["items"]] == [known + 4, known + 5]

    def test_the_newest_of_what_came_after_an_id_and_the_page_below_them(self, api: Client, target: Receiver) -> None:
        api.play(target.url(), count=2)
        head = api.get("/deliveries", limit=1)["items"][0]["id"]
        newest = api.get("/deliveries", after=0, limit=3, newest="true")
        assert [row["id"] for row in newest["items"]] == [head - 2, head - 1, head]
        assert newest["after"] == head
        below = api.get("/deliveries", limit=2, cursor=newest["next"])
        assert [row["id"] for row in below["items"]] == [head - 3, head - 4]
        assert api.get("/deliveries", after=head - 1, limit=3, newest="true")["next"] is None

    def test_a_filtered_list_goes_on_after_what_did_not_fit(self, api: Client, target: Receiver) -> None:
        api.play(target.url())
        head = api.get("/deliveries", limit=1)["items"][0]["id"]
        assert api.get("/deliveries", after=0, vendor="ccai") == {"items": [], "next": None, "after": head}

    def test_waits_for_what_is_new(self, api: Client, target: Receiver) -> None:
        known = api.get("/deliveries", after=0)["after"]
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(api.get, "/deliveries", after=known, wait=10)
            api.play(target.url())
            assert waiting.result()["items"][0]["id"] == known + 1

    def test_waits_no_longer_than_it_is_told(self, idle: Client) -> None:
        assert idle.get("/deliveries", after=0, wait=1) == {"items": [], "next": None, "after": 0}

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=501",
            "limit=ten",
            "limit=",
            "cursor=",
            "cursor=x",
            "cursor=YmVsb3cgLTE",
            f"cursor={'9' * 200}",
            "after=-1",
            f"after={2**63}",
            "after=0&newest=1",
            "after=0&wait=11",
            "wait=11",
            "newest=perhaps",
            "after=0&wait=0.5",
            "run=x",
            f"q={'x' * 301}",
        ],
    )
    def test_a_query_that_means_nothing_is_refused(self, idle: Client, query: str) -> None:
        assert idle.refused("GET", f"/deliveries?{query}")["status"] == 400


class TestOne:
    def test_shows_the_request_and_the_answer(self, api: Client) -> None:
        with Receiver(status(422, b"\xff", X_Reason="nope")) as target:
            api.play(target.url("/hook?x=1"), policy={"retries": "none"}, headers={"X-Tenant": "acme"})
            shown = api.get(f"/deliveries/{api.deliveries(OF_USERLIKE)[0]['id']}")
            assert shown["request"]["body"]["text"].encode() == target.bodies[0]
        assert "X-Tenant: acme" in shown["request"]["head"]
        assert (shown["status"], shown["verdict"]) == (422, "rejected")
        assert ["X-Reason", "nope"] in shown["answer"]["headers"]
        assert shown["answer"]["body"] == {"text": "/w==", "encoding": "base64"}

    def test_one_that_nobody_knows(self, idle: Client) -> None:
        for number in ("1", "0", "-1", "x", "1e3", "٣", "9" * 18, "9" * 400):
            for method, rest in (("GET", ""), ("GET", "/annotated"), ("GET", "/curl"), ("POST", "/resend")):
                path = f"/deliveries/{number}{rest}".replace("٣", "%D9%A3")
                assert idle.refused(method, path)["status"] == 404

    def test_a_body_is_told_field_by_field(self, api: Client, target: Receiver) -> None:
        api.play(target.url())
        number = api.deliveries(OF_USERLIKE)[0]["id"]
        told = api.get(f"/deliveries/{number}/annotated")
        assert (told["parsed"], told["error"], told["violations"]) == (True, None, [])
        fields = {field["pointer"]: field for field in told["fields"]}
        assert fields["/_event"]["source"]
        assert fields["/chat_widget/name"]["provenance"] in ("documented", "captured", "reconstructed", "assumed")

    def test_what_breaks_the_contract_has_its_place(self, api: Client, target: Receiver) -> None:
        api.play(target.url())
        number = api.deliveries(OF_USERLIKE)[0]["id"]
        body = json.loads(target.bodies[0]) | {"id": "not a number"}
        edited = api.done("POST", f"/deliveries/{number}/resend", {"body": json.dumps(body)})
        told = api.get(f"/deliveries/{edited['id']}/annotated")
        assert [violation["pointer"] for violation in told["violations"]] == ["/id"]
        assert told["violations"][0]["message"]

    @pytest.mark.parametrize("body", ["", "{", "null", "[]", '"text"', "[" * 600 + "]" * 600])
    def test_a_body_that_is_something_else(self, api: Client, target: Receiver, body: str) -> None:
        api.play(target.url())
        number = api.deliveries(OF_USERLIKE)[0]["id"]
        edited = api.done("POST", f"/deliveries/{number}/resend", {"body": body})
        told = api.get(f"/deliveries/{edited['id']}/annotated")
        assert told["error"] is not None if not told["parsed"] else told["violations"]

    DRAFTS: ClassVar[dict[str, tuple[Callable[[str], str], dict[str, Any]]]] = {
        "as it is": (lambda body: body, {"parsed": True, "violations": []}),
        "a misspelt key": (
            lambda body: body.replace('"chat_widget"', '"chat_wigdet"'),
            {
                "parsed": True,
                "violations": [
                    {
                        "pointer": "/chat_wigdet",
                        "message": "unknown key 'chat_wigdet'; did you mean 'chat_widget'?",
                    }
                ],
            },
        ),
        "no JSON": (
            lambda body: '{"id": 1,\n "ü": }',
            {"parsed": False, "error": "unexpected character, expected a JSON value", "line": 2, "column": 7},
        ),
    }

    @pytest.mark.parametrize("draft", DRAFTS)
    def test_a_draft_is_judged_and_not_sent(self, api: Client, target: Receiver, draft: str) -> None:
        api.play(target.url())
        number = api.deliveries(OF_USERLIKE)[0]["id"]
        change, expected = self.DRAFTS[draft]
        told = api.done("POST", f"/deliveries/{number}/annotated", {"body": change(target.bodies[0].decode())})
        assert told | expected == told
        assert len(target.requests) == OF_USERLIKE
        assert len(api.all("/deliveries")) == OF_USERLIKE

    def test_a_draft_needs_a_body(self, api: Client, target: Receiver) -> None:
        api.play(target.url())
        number = api.deliveries(OF_USERLIKE)[0]["id"]
        for document in ({}, {"body": 1}, {"body": "x" * 900_001}, {"body": "{}", "to": "http://127.0.0.1"}):
            assert api.refused("POST", f"/deliveries/{number}/annotated", document)["status"] == 422
        assert api.refused("POST", "/deliveries/999999/annotated", {"body": "{}"})["status"] == 404


class TestHar:
    def test_has_what_the_format_demands(self, api: Client) -> None:
        with Receiver(status(200, b"{}", Content_Type="application/json"), close) as target:
            # On a kept connection, a request that meets its end is sent once more.
            api.play(target.url(), policy={"retries": "none", "connections": "new"})
            api.deliveries(OF_USERLIKE)
        answer = api("GET", "/deliveries.har?verdict=delivered")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="vendorsim.har"'
        assert answer.json["log"]["version"] == "1.2"
        assert len(answer.json["log"]["entries"]) == 1
        log = api.get("/deliveries.har")["log"]
        assert len(log["entries"]) == OF_USERLIKE
        for entry in log["entries"]:
            for part, fields in ((entry, ENTRY), (entry["request"], REQUEST), (entry["response"], RESPONSE)):
                for name, kind in fields.items():
                    assert isinstance(part[name], kind), name
        assert [entry["request"]["postData"]["text"].encode() for entry in log["entries"]] == target.bodies


def replayed(command: str) -> None:
    """Runs a command in the shell that it is meant for."""
    ended = subprocess.run(["bash"], input=command.encode(), capture_output=True, timeout=20, check=False)
    assert ended.returncode == 0, ended.stderr


def heads(request: Request) -> list[str]:
    """The headers in an order of their own; a space behind the colon is nothing."""
    return sorted(f"{name.rstrip(':')}: {value}" for name, value in request.headers)


needs_curl = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs curl and bash")


class TestCurl:
    @needs_curl
    def test_delivers_the_same_bytes(self, api: Client, target: Receiver) -> None:
        api.play(target.url("/hook%20a;b$(c)"), headers={"X-Quoted": 'it\'s "$HOME" `id`', "X-Empty": ""})
        for row in api.deliveries(OF_USERLIKE):
            replayed(api("GET", f"/deliveries/{row['id']}/curl").text)
        sent, again = target.requests[:OF_USERLIKE], target.requests[OF_USERLIKE:]
        assert [request.body for request in again] == [request.body for request in sent]
        assert [request.line for request in again] == [request.line for request in sent]
        assert [heads(request) for request in again] == [heads(request) for request in sent]

    @needs_curl
    @pytest.mark.parametrize("body", ["@/etc/hosts", "", "'", "a\n b\r\n", "\x00\x01", "x" * 200_000, "é 👋"])
    def test_delivers_any_body(self, api: Client, target: Receiver, body: str) -> None:
        api.play(target.url())
        edited = api.done("POST", f"/deliveries/{api.deliveries(OF_USERLIKE)[0]['id']}/resend", {"body": body})
        replayed(api("GET", f"/deliveries/{edited['id']}/curl").text)
        assert target.bodies[-1] == body.encode()

    def test_what_was_never_sent_can_not_be_repeated(self, api: Client, target: Receiver) -> None:
        api.play(target.url(), faults=["drop"])
        number = api.deliveries(OF_USERLIKE)[0]["id"]
        assert api.refused("GET", f"/deliveries/{number}/curl")["status"] == 409
        assert api.refused("POST", f"/deliveries/{number}/resend")["status"] == 409

    @given(st.text(max_size=200))
    def test_every_text_is_quoted(self, value: str) -> None:
        row: Any = {
            "request_head": f"POST / HTTP/1.1\r\nX-A: {''.join(value.splitlines())}\r\n\r\n".encode(errors="replace"),
            "request_body": value.encode(errors="replace"),
            "target": "http://127.0.0.1/",
        }
        checked = subprocess.run(["bash", "-n"], input=curl_command(row).encode(), capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, b"")


def signature(body: bytes, secret: str = SECRET) -> str:
    """As Smartsupp documents it: HMAC-SHA256 of the body, in hexadecimal."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class TestResending:
    def signed_run(self, api: Client, target: Receiver) -> dict[str, Any]:
        """The first attempt of a signed run."""
        run = api.play(
            target.url(), vendor="smartsupp", profile="webhooks", secret=SECRET, headers={"X-Tenant": "acme"}
        )
        first: dict[str, Any] = api.all("/deliveries", run=run["id"])[-1]
        return first

    def test_the_same_again(self, api: Client, target: Receiver) -> None:
        api.play(target.url())
        row = api.deliveries(OF_USERLIKE)[0]
        answer = api("POST", f"/deliveries/{row['id']}/resend")
        assert answer.status == 201
        again = answer.json
        assert target.requests[-1].raw == target.requests[0].raw
        assert (again["attempt"], again["faults"], again["verdict"]) == (2, ["resent"], "delivered")
        assert (again["delivery"], again["run"], again["target"]) == (row["delivery"], row["run"], row["target"])
        path = answer.headers["Location"].partition(f":{api.port}")[2]
        assert api.request("GET", path).json == again

    def test_edited_and_signed(self, api: Client, target: Receiver) -> None:
        row = self.signed_run(api, target)
        assert target.requests[0].header("X-Smartsupp-Hmac") == signature(target.bodies[0])
        edited = api.done("POST", f"/deliveries/{row['id']}/resend", {"body": '{"edited": "é"}'})
        sent = target.requests[-1]
        assert sent.body == '{"edited": "é"}'.encode()
        assert sent.header("X-Smartsupp-Hmac") == signature(sent.body)
        assert sent.header("X-Tenant") == "acme"
        assert edited["faults"] == ["edited"]

    def test_unsigned_if_that_is_asked_for(self, api: Client, target: Receiver) -> None:
        row = self.signed_run(api, target)
        api.done("POST", f"/deliveries/{row['id']}/resend", {"sign": False, "headers": {"X-Tenant": "other"}})
        assert target.requests[-1].header("X-Smartsupp-Hmac") is None
        assert target.requests[-1].header("X-Tenant") == "other"

    def test_to_another_place(self, api: Client, target: Receiver) -> None:
        api.play(target.url())
        number = api.deliveries(OF_USERLIKE)[0]["id"]
        with Receiver(status(500)) as other:
            again = api.done("POST", f"/deliveries/{number}/resend", {"to": other.url("/elsewhere")})
            assert (again["target"], again["verdict"]) == (other.url("/elsewhere"), "rejected")
            assert other.bodies == target.bodies[:1]

    @pytest.mark.parametrize(
        ("wanted", "code"),
        [
            ({"to": "http://192.0.2.7/hook"}, 403),
            ({"to": "https://example.com/"}, 403),
            ({"to": "file:///etc/passwd"}, 422),
            ({"headers": {"Host": "a\nb"}}, 422),
            ({"headers": {"Transfer-Encoding": "chunked"}}, 422),
            ({"body": 5}, 422),
            ({"sing": True}, 422),
        ],
    )
    def test_what_is_refused(self, api: Client, target: Receiver, wanted: dict[str, Any], code: int) -> None:
        api.play(target.url())
        number = api.deliveries(OF_USERLIKE)[0]["id"]
        assert api.refused("POST", f"/deliveries/{number}/resend", wanted)["status"] == code
        assert len(target.requests) == OF_USERLIKE

    def test_many_at_once_are_each_told_of_their_own(self, api: Client, target: Receiver) -> None:
        api.play(target.url())
        number = api.deliveries(OF_USERLIKE)[0]["id"]
        told: dict[str, str] = {}

        def resend(body: str) -> None:
            told[body] = api.done("POST", f"/deliveries/{number}/resend", {"body": body})["request"]["body"]["text"]

        threads = [threading.Thread(target=resend, args=(str(number),)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told == {str(number): str(number) for number in range(8)}
