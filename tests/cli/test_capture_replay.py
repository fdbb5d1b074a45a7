"""`vendorsim capture replay`: captured webhooks again, with the deliveries of `play`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from receiver import Receiver, status

STORY = """\
scenario: Small chat
vendors: [messagehub]
starts: 2026-01-05T09:00:00Z
account: {id: 77, name: Acme}
cast: {agents: {ana: {name: Ana Novak}}}
steps:
  - say: Hello
  - say: {by: ana, text: Hi}
    after: 20s
  - close: ana
    after: 20s
"""
MESSAGEHUB = ("--vendor", "messagehub", "--profile", "observed-4.18")
DELIVERY = "0f1d8e0a-94c3-4b7e-8a51-2d3c9be07f16"


@pytest.fixture
def capture(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two conversations that go on beside each other, ten seconds apart."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "story.yaml").write_text(STORY)
    made = vendorsim("generate", "story.yaml", *MESSAGEHUB, "--count", 2, "--spacing", "10s", "--no-vary")
    path = tmp_path / "capture.jsonl"
    path.write_text(made.out)
    return path


def webhooks(capture: Path) -> list[dict[str, Any]]:
    """The captured webhooks, in the order of their times."""
    return sorted(map(json.loads, capture.read_text().splitlines()), key=lambda each: str(each["at"]))


def har(*entries: dict[str, Any]) -> str:
    return json.dumps({"log": {"entries": list(entries)}})


def entry(body: Any, *, code: int = 200, at: str = "2026-01-05T09:00:00.000Z", **headers: str) -> dict[str, Any]:
    names = [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]
    posted = {"mimeType": "application/json", "text": json.dumps(body)}
    return {
        "startedDateTime": at,
        "request": {"method": "POST", "url": "https://a.ngrok.app/hook?x=1", "headers": names, "postData": posted},
        "response": {"status": code, "headers": [], "content": {}},
    }


def replay(vendorsim: Vendorsim, capture: Path | str, target: Receiver, *options: object) -> Completed:
    return vendorsim("capture", "replay", capture, *MESSAGEHUB, "--to", target.url("/hook"), "--no-journal", *options)


def test_the_whole_capture_is_sent_in_its_order_byte_for_byte(vendorsim: Vendorsim, capture: Path) -> None:
    with Receiver() as target:
        done = replay(vendorsim, capture, target)
    assert done.code == 0, done.err
    lines = capture.read_bytes().splitlines()
    sent = [request.body for request in target.requests]
    assert len(sent) == len(lines)
    assert [body["id"] for body in map(json.loads, sent)] == [each["body"]["id"] for each in webhooks(capture)]
    assert all(any(body in line for line in lines) for body in sent)


def test_a_tunnels_headers_are_left_out_and_named(vendorsim: Vendorsim, capture: Path, tmp_path: Path) -> None:
    body = webhooks(capture)[0]["body"]
    path = tmp_path / "tunnel.har"
    path.write_text(
        har(entry(body, Host="a.ngrok.app", User_Agent="rest-client", X_Forwarded_For="192.0.2.1", X_Custom="kept"))
    )
    with Receiver() as target:
        done = replay(vendorsim, path, target)
    (request,) = target.requests
    assert request.line == "POST /hook HTTP/1.1"
    assert (request.header("User-Agent"), request.header("X-Custom")) == ("rest-client", "kept")
    assert request.header("X-Forwarded-For") is None
    assert request.header("Host") != "a.ngrok.app"
    assert "note: headers of connections and proxies are left out: host, x-forwarded-for" in done.err.replace("\n", " ")


@pytest.mark.parametrize("signs", [False, True])
def test_the_captured_signature_is_sent_or_replaced(
    vendorsim: Vendorsim, capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, signs: bool
) -> None:
    monkeypatch.setenv("THE_SECRET", "s3cret")
    signed = {
        "X_Chatwoot_Delivery": DELIVERY,
        "X_Chatwoot_Timestamp": "1767603600",
        "X_Chatwoot_Signature": "sha256=00",
    }
    path = tmp_path / "signed.har"
    path.write_text(har(entry(webhooks(capture)[0]["body"], **signed)))
    with Receiver() as target:
        done = replay(vendorsim, path, target, *(("--secret-env", "THE_SECRET") if signs else ()))
    (request,) = target.requests
    assert request.header("X-Chatwoot-Delivery") == DELIVERY
    assert (request.header("X-Chatwoot-Signature") == "sha256=00") is not signs
    assert ("refuses them; --secret-env NAME signs anew" in " ".join(done.err.split())) is not signs


def test_fresh_ids_and_times(vendorsim: Vendorsim, capture: Path) -> None:
    with Receiver() as target:
        again = ("--fresh", "--seed", 3, "--start", "2026-02-01T00:00:00Z")
        for _ in range(2):
            assert replay(vendorsim, capture, target, *again).code == 0
    bodies = [json.loads(request.body) for request in target.requests]
    count = len(bodies) // 2
    assert bodies[:count] == bodies[count:]
    old = webhooks(capture)
    assert {body["id"] for body in bodies}.isdisjoint(each["body"]["id"] for each in old)
    created = next(body for body in bodies if body["event"] == "conversation_created")
    kept = next(each["body"] for each in old if each["event"] == "conversation_created")
    assert created["inbox_id"] == kept["inbox_id"]
    assert created["created_at"] == 1_769_904_000


@pytest.mark.parametrize(("retries", "sent"), [("ours", 1), ("as-captured", 2)])
def test_captured_retries(vendorsim: Vendorsim, capture: Path, tmp_path: Path, retries: str, sent: int) -> None:
    body = webhooks(capture)[0]["body"]
    path = tmp_path / "retried.har"
    attempts = [entry(body, code=code, X_Chatwoot_Delivery=DELIVERY) for code in (503, 200)]
    path.write_text(har(*attempts))
    with Receiver(status(200)) as target:
        done = replay(vendorsim, path, target, "--retries", retries)
    assert (done.code, len(target.requests)) == (0, sent)
    assert {request.header("X-Chatwoot-Delivery") for request in target.requests} == {DELIVERY}


def test_retries_as_captured_are_the_only_ones(vendorsim: Vendorsim, capture: Path) -> None:
    with Receiver(status(500)) as target:
        options = ("--retries", "as-captured", "--json")
        done = vendorsim("capture", "replay", capture, "--vendor", "messagehub", "--to", target.url("/"), *options)
    assert done.code == 1
    assert done.lines[-1]["retries"] == 0


def test_faults_are_those_of_deliveries(vendorsim: Vendorsim, capture: Path) -> None:
    with Receiver() as target:
        options = ("--fault", "duplicate=1", "--fault-on", "message_created")
        assert replay(vendorsim, capture, target, *options).code == 0
    events = [json.loads(request.body)["event"] for request in target.requests]
    assert events.count("message_created") == 2 * sum(e["event"] == "message_created" for e in webhooks(capture))
    assert events.count("conversation_created") == 2


def test_a_reordered_webhook_waits_for_others_of_its_conversation(vendorsim: Vendorsim, capture: Path) -> None:
    with Receiver() as target:
        assert (
            replay(vendorsim, capture, target, "--fault", "reorder=1", "--fault-on", "conversation_created").code == 0
        )
    assert len(target.requests) == len(webhooks(capture))
    first = [json.loads(request.body) for request in target.requests]
    place = next(number for number, body in enumerate(first) if body["event"] == "conversation_created")
    conversation = first[place]["id"]
    assert any(body.get("conversation", {}).get("id") == conversation for body in first[:place])


def test_a_replay_at_a_speed_sends_all(vendorsim: Vendorsim, capture: Path) -> None:
    """The pauses are cut down so that the test takes no time."""
    lines = [json.loads(line) for line in capture.read_text().splitlines()]
    for number, line in enumerate(sorted(lines, key=lambda each: str(each["at"]))):
        line["at"] = f"2026-01-05T09:00:00.{number * 40:03d}Z"
    capture.write_text("\n".join(map(json.dumps, lines)))
    with Receiver() as target:
        assert replay(vendorsim, capture, target, "--speed", "60x").code == 0
    sent = sorted(json.loads(request.body)["id"] for request in target.requests)
    assert sent == sorted(each["body"]["id"] for each in webhooks(capture))


def test_it_is_in_the_journal(vendorsim: Vendorsim, capture: Path, tmp_path: Path) -> None:
    with Receiver() as target:
        vendorsim(
            "capture", "replay", capture, *MESSAGEHUB, "--to", target.url("/"), "--journal", tmp_path / "j.sqlite"
        )
    kept = vendorsim("journal", "export", "--journal", tmp_path / "j.sqlite")
    assert [line["event"] for line in kept.lines if line["type"] == "attempt"] == [
        each["event"] for each in webhooks(capture)
    ]


def test_with_the_api_served_the_capture_is_all_that_the_vendor_sends(vendorsim: Vendorsim, capture: Path) -> None:
    with Receiver() as target:
        done = replay(vendorsim, capture, target, "--serve", "--port", 0)
    assert done.code == 0, done.err
    assert len(target.requests) == len(webhooks(capture))


def test_a_log_of_bodies_is_sent_with_the_headers_of_the_vendor(
    vendorsim: Vendorsim, capture: Path, tmp_path: Path
) -> None:
    """A request without a content type is 415 for many integrations."""
    path = tmp_path / "bodies.jsonl"
    path.write_text("".join(json.dumps(each["body"]) + "\n" for each in webhooks(capture)))
    with Receiver() as target:
        done = replay(vendorsim, path, target)
    assert {request.header("Content-Type") for request in target.requests} == {"application/json"}
    assert "the capture has no headers; those that the profile states are sent" in done.err.replace("\n", " ")


def test_what_is_no_json_is_sent_as_it_is(vendorsim: Vendorsim, tmp_path: Path, capture: Path) -> None:
    path = tmp_path / "raw.har"
    odd = entry({})
    odd["request"]["postData"]["text"] = "{broken"
    path.write_text(har(odd))
    with Receiver(status(500)) as target:
        done = replay(vendorsim, path, target, "--policy", "retries=none")
    assert done.code in (1, 2)
    assert [request.body for request in target.requests] in ([b"{broken"], [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.jsonl",), "missing.jsonl: can't be read"),
        (("empty.jsonl",), "the capture holds no webhook"),
        (("capture.jsonl", "--seed", "3"), "--seed is about fresh ids and moved times; add --fresh"),
        (
            ("capture.jsonl", "--start", "2026-01-05T09:00:00Z"),
            "--start is about fresh ids and moved times; add --fresh",
        ),
        (("capture.jsonl", "--fault", "quirk=late"), "a capture holds those that were sent"),
        (("capture.jsonl", "--fault-on", "nothing", "--fault", "drop"), "unknown event 'nothing'"),
        (("capture.jsonl", "--retries", "none"), "'none' is not one of 'ours', 'as-captured'"),
    ],
)
def test_bad_input(
    vendorsim: Vendorsim, capture: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    done = vendorsim("capture", "replay", *arguments, *MESSAGEHUB, "--to", "http://localhost:1/", "--no-journal")
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())


def test_without_a_target(vendorsim: Vendorsim, capture: Path) -> None:
    done = vendorsim("capture", "replay", capture, *MESSAGEHUB)
    assert done.code == 2
    assert "no target: give --to URL" in done.err
