"""`vendorsim journal`: list, show, resend, export."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from journal_helpers import ONCE, Desk
from receiver import Answer, Receiver, close, reset, status


@pytest.fixture
def desk(vendorsim: Vendorsim, tmp_path: Path) -> Desk:
    return Desk(vendorsim, tmp_path)


class TestList:
    def test_for_people(self, desk: Desk) -> None:
        with Receiver(status(200), status(500), status(200)) as target:
            desk.play(target, "--fault", "connection=new")
        head, *rows = desk.journal("list").out.splitlines()
        assert head.split() == ["id", "run", "sent", "at", "event", "attempt", "status", "ms", "verdict", "faults"]
        assert len(rows) == 6
        assert rows[1].split()[0:2] == ["2", "1"]
        assert rows[1].split()[3:6] == ["chat_session.message_received", "1", "500"]
        assert rows[1].split()[7:] == ["rejected", "connection=new"]

    def test_for_programs(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target)
        listed = desk.journal("list", "--json")
        assert listed.err == ""
        assert [row["id"] for row in listed.json] == [1, 2, 3, 4, 5]


class TestShow:
    def test_as_it_went_over_the_wire(self, desk: Desk) -> None:
        with Receiver(status(500, b"no", X_Why="because")) as target:
            desk.play(target, *ONCE)
        shown = desk.journal("show", 1).out
        assert shown.startswith("# attempt 1: rejected, answered 500, the vendor expects 200\nPOST /hook HTTP/1.1")
        assert target.bodies[0].decode() in shown
        assert "\n# answered 500 after " in shown
        assert "\nX-Why: because\n" in shown
        assert shown.endswith("\nno\n")

    def test_what_was_never_sent(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target, "--fault", "drop")
        assert desk.journal("show", 1).out == "# attempt 1: dropped, dropped on purpose\n# faults: drop\n"
        assert desk.show(1)["request"] is None

    def test_what_is_no_text(self, desk: Desk) -> None:
        with Receiver(status(200, b"\xff\x00\xfe"), status(200)) as target:
            desk.play(target)
        assert "# not UTF-8, shown in base64:\n/wD+\n" in desk.journal("show", 1).out

    def test_no_such_attempt(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target)
        refused = desk.journal("show", 99)
        assert refused.code == 2
        assert f"{desk.file}: there is no attempt 99; see vendorsim journal list --all" in refused.err


class TestResend:
    def test_the_same_bytes_to_the_same_place(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target, "--header", "X-Tenant: acme")
            sent = desk.journal("resend", 2)
        assert sent.code == 0
        assert sent.out.startswith(f"attempt 2 sent again to {target.url()}: answered 200 after ")
        assert target.requests[5].raw == target.requests[1].raw

    @pytest.mark.parametrize(
        "fault",
        [
            "corrupt=deep",
            "corrupt=oversized",
            "encoding=utf-16",
            "encoding=broken",
            "content_type=missing",
            "http=chunked",
            "http=header-case",
            "drip=100ms",
        ],
    )
    def test_of_a_misbehaving_attempt(self, desk: Desk, fault: str) -> None:
        with Receiver() as target:
            desk.play(target, "--fault", fault, vendor="smartsupp")
            assert desk.journal("resend", 1).code == 0
        assert target.requests[1].raw == target.requests[0].raw

    @pytest.mark.parametrize(
        ("fault", "ended"),
        [("truncate=0.5", "closed"), ("truncate=0", "closed"), ("reset=0.3", "reset"), ("http=no-length", "closed")],
    )
    def test_of_one_that_was_cut_short(self, desk: Desk, fault: str, ended: str) -> None:
        with Receiver() as target:
            desk.play(target, "--fault", fault, *ONCE, vendor="smartsupp")
            desk.journal("resend", 1)
            first, second = (target.wait_for_end(number) for number in (0, 1))
        assert first.received == second.received
        assert (first.ended, second.ended) == (ended, ended)

    def test_to_another_place(self, desk: Desk) -> None:
        with Receiver() as target, Receiver(status(418)) as other:
            desk.play(target)
            sent = desk.journal("resend", 1, "--to", other.url("/elsewhere?a=b"), "--json")
        assert sent.json["status"] == 418
        assert sent.json["target"] == other.url("/elsewhere")
        (request,) = other.requests
        assert request.line == "POST /elsewhere?a=b HTTP/1.1"
        assert request.header("Host") == f"127.0.0.1:{other.port}"
        assert request.body == target.bodies[0]
        assert len(target.requests) == 5

    def test_masked_headers_are_filled_in(self, desk: Desk) -> None:
        header = ("--header", "X-Api-Key: s3cr3t-w0rd")
        with Receiver() as target:
            desk.play(target, *header)
            told = desk.journal("resend", 1)
            desk.journal("resend", 1, *header)
        assert "the value of X-Api-Key is masked in the journal; give it with --header 'X-Api-Key: …'" in told.err
        assert target.requests[5].header("X-Api-Key") == "***"
        assert target.requests[6].raw == target.requests[0].raw

    def test_or_come_from_the_target_of_the_file(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(desk.file.parent)
        with Receiver() as target:
            url = target.url("/hook?token=abcdef")
            Path("vendorsim.yaml").write_text(
                f"targets: {{userlike: [{{url: '{url}', headers: {{Authorization: Bearer s3cr3t-w0rd}}}}]}}\n"
            )
            desk.play(url, "--header", "Authorization: Bearer s3cr3t-w0rd")
            assert desk.journal("resend", 1).code == 0
        assert target.requests[5].raw == target.requests[0].raw

    def test_a_query_that_is_not_kept_must_be_given(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target.url("/hook?token=abcdef"))
            refused = desk.journal("resend", 1)
        assert refused.code == 2
        assert "may hold secrets and is not kept; give the whole URL with --to" in refused.err
        assert len(target.requests) == 5

    def test_what_was_never_sent(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target, "--fault", "drop")
        refused = desk.journal("resend", 1)
        assert refused.code == 2
        assert "attempt 1 was never sent" in refused.err

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (close, "closed the connection without an answer"),
            (reset, "reset the connection without an answer"),
            (b"noise\r\n\r\n", "the answer is not HTTP"),
        ],
    )
    def test_no_answer(self, desk: Desk, answer: Answer, reason: str) -> None:
        with Receiver(*[status(200)] * 5, answer) as target:
            desk.play(target)
            sent = desk.journal("resend", 1, "--json")
        assert sent.code == 3
        assert reason in sent.json["reason"]

    def test_nobody_there(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target)
        sent = desk.journal("resend", 1)
        assert sent.code == 3
        assert "no answer: connection refused" in sent.out


class TestExport:
    @pytest.mark.parametrize("form", ["jsonl", "har"])
    @pytest.mark.parametrize("vendor", ["userlike", "smartsupp", "messagehub"])
    def test_can_be_validated(self, vendorsim: Vendorsim, desk: Desk, vendor: str, form: str) -> None:
        with Receiver(status(500), status(200)) as target:
            desk.play(target, "--fault", "duplicate=1", vendor=vendor)
        exported = desk.journal("export", "--format", form)
        judged = vendorsim("validate", "--vendor", vendor, "-", "--json", input=exported.out.encode())
        assert (judged.code, judged.json["verdict"]) == (0, "passed"), judged.out
        assert judged.json["payloads"] == len(target.requests)

    def test_broken_bodies_are_found(self, vendorsim: Vendorsim, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target, "--fault", "corrupt=missing")
        exported = desk.journal("export")
        judged = vendorsim("validate", "--vendor", "userlike", "-", "--json", input=exported.out.encode())
        assert judged.code == 1
        assert len({violation["place"] for violation in judged.json["violations"]}) == 5

    def test_as_json_lines(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target)
            desk.play(target)
        exported = desk.journal("export")
        assert exported.err == ""
        assert exported.lines == [desk.show(row["id"]) for row in desk.rows()]
        assert [line["run"] for line in desk.journal("export", "--all").lines] == [1] * 5 + [2] * 5
        assert {line["run"] for line in desk.journal("export", "--run", 1).lines} == {1}

    def test_secrets_stay_masked(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target.url("/hook?token=s3cr3t-w0rd"), "--header", "Authorization: Bearer s3cr3t-w0rd")
        for form in ("jsonl", "har"):
            assert "s3cr3t-w0rd" not in desk.journal("export", "--format", form).out


# The fields that the HAR 1.2 specification (softwareishard.com, "HAR 1.2 Spec") does not call optional.
ENTRY = {
    "startedDateTime": str,
    "time": (int, float),
    "request": dict,
    "response": dict,
    "cache": dict,
    "timings": dict,
}
REQUEST = {"method": str, "url": str, "httpVersion": str, "cookies": list, "headers": list, "queryString": list}
REQUEST |= {"headersSize": int, "bodySize": int}
RESPONSE = {"status": int, "statusText": str, "httpVersion": str, "cookies": list, "headers": list, "content": dict}
RESPONSE |= {"redirectURL": str, "headersSize": int, "bodySize": int}
TIMINGS = {"send": (int, float), "wait": (int, float), "receive": (int, float)}
POSTED = {"mimeType": str, "params": list, "text": str}
CONTENT = {"size": int, "mimeType": str, "text": str}
OPTIONAL = {"comment", "postData", "encoding", "serverIPAddress", "connection", "pageref", "compression"}


def has(part: dict[str, Any], fields: dict[str, Any]) -> None:
    for name, kind in fields.items():
        assert isinstance(part[name], kind), name
    others = set(part) - set(fields) - OPTIONAL
    assert all(name.startswith("_") for name in others), f"{others}: custom fields begin with an underscore"


class TestHar:
    @pytest.fixture
    def entries(self, desk: Desk) -> list[dict[str, Any]]:
        answers = (
            status(200, b'{"ok": true}', Content_Type="application/json"),
            status(302, Location="/new"),
            close,
            close,
            status(200, b"\xff\xfe"),
        )
        with Receiver(*answers) as target:
            desk.play(target, *ONCE, "--fault", "encoding=utf-16@0.5", "--header", "X-Tenant: acme")
        document = desk.journal("export", "--format", "har").json
        assert set(document) == {"log"}
        assert document["log"]["version"] == "1.2"
        assert set(document["log"]["creator"]) == {"name", "version"}
        entries: list[dict[str, Any]] = document["log"]["entries"]
        return entries

    def test_has_what_the_format_demands(self, entries: list[dict[str, Any]]) -> None:
        assert len(entries) == 5
        for entry in entries:
            has(entry, ENTRY)
            has(entry["request"], REQUEST)
            has(entry["request"]["postData"], POSTED)
            has(entry["response"], RESPONSE)
            has(entry["response"]["content"], CONTENT)
            has(entry["timings"], TIMINGS)
            assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
            assert entry["time"] == sum(entry["timings"].values())
            for header in entry["request"]["headers"] + entry["response"]["headers"]:
                assert set(header) == {"name", "value"}
        assert [entry["startedDateTime"] for entry in entries] == sorted(entry["startedDateTime"] for entry in entries)

    def test_tells_what_happened(self, entries: list[dict[str, Any]]) -> None:
        answered, redirected, broken, last, _ = entries
        assert answered["request"]["method"] == "POST"
        assert answered["request"]["url"].endswith("/hook")
        assert {"name": "X-Tenant", "value": "acme"} in answered["request"]["headers"]
        assert (answered["response"]["status"], answered["response"]["statusText"]) == (200, "OK")
        assert answered["response"]["content"]["text"] == '{"ok": true}'
        assert answered["response"]["content"]["mimeType"] == "application/json"
        assert redirected["response"]["redirectURL"] == "/new"
        assert broken["response"]["status"] == 0
        assert "closed the connection without an answer" in broken["comment"]
        assert (last["response"]["content"]["text"], last["response"]["content"]["encoding"]) == ("//4=", "base64")

    def test_bodies_that_are_no_text(self, entries: list[dict[str, Any]]) -> None:
        encoded = [each["request"]["postData"] for each in entries if "_encoding" in each["request"]["postData"]]
        assert 0 < len(encoded) < 5
        for posted in encoded:
            assert json.loads(base64.b64decode(posted["text"]).decode("utf-16"))
