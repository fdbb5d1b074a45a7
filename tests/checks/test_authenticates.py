"""Who is not the vendor is refused, and who is, is accepted: `check` against receivers that verify in one wrong way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from flask import Flask, request
from helpdesk import Store, create_app
from vendorsim.checks.authenticates import unusual
from vendorsim.testing.app_server import app_server
from vendorsim.vendorkit.signing import Signer, schemes, signer

SECRET = "c2VjcmV0LW9mLXRoZS10ZXN0cw=="
ALL = ("accepted", "missing", "wrong", "stale", "replayed", "body_only", "reserialised")

# (raw body, headers, signer) → the status of the answer
Verify = Callable[[bytes, Mapping[str, str], Signer], int]


def is_signed(raw: bytes, headers: Mapping[str, str], known: Signer) -> bool:
    """Whether the signature is right, by any scheme."""
    stamp = headers.get(header_of(known, "{timestamp}"), "0")
    if not stamp.isdecimal():
        return False
    name = header_of(known, "{signatures}")
    right = known.headers(headers.get(header_of(known, "{id}"), ""), int(stamp), raw)[name]
    return hmac.compare_digest(right.encode(), headers.get(name, "").encode())


def header_of(known: Signer, part: str) -> str:
    return next((name for name, text in known.scheme.headers.items() if part in text), "")


def correct(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    stamp = headers.get(header_of(known, "{timestamp}"), str(int(time.time())))
    fresh = stamp.isdecimal() and abs(time.time() - int(stamp)) < 300
    return 200 if fresh and is_signed(raw, headers, known) else 401


def refuses_with_400(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    return 200 if correct(raw, headers, known) == 200 else 400


def refuses_everything(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    return 401


def verifies_nothing(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    return 200


def lets_unsigned_through(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    return correct(raw, headers, known) if headers.get("X-Chatwoot-Signature") else 200


def falls_over_nonsense(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    try:
        bytes.fromhex(headers.get("X-Chatwoot-Signature", "").removeprefix("sha256="))
    except ValueError:
        return 500
    return correct(raw, headers, known)


def takes_old_ones(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    return 200 if is_signed(raw, headers, known) else 401


def takes_body_only(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    right = "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    return 200 if correct(raw, headers, known) == 200 or right == headers.get("X-Chatwoot-Signature") else 401


def wants_body_only(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    right = "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    return 200 if right == headers.get("X-Chatwoot-Signature") else 401


def wants_base64(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    text = headers.get("X-Chatwoot-Timestamp", "").encode() + b"." + raw
    right = base64.b64encode(hmac.digest(SECRET.encode(), text, "sha256")).decode()
    return 200 if right == headers.get("X-Chatwoot-Signature") else 401


def wants_another_header(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    """Copied from a receiver of GitHub's webhooks."""
    right = "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    return 200 if right == headers.get("X-Hub-Signature-256") else 401


def writes_compactly(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    """As `JSON.stringify` does."""
    return correct(json.dumps(json.loads(raw), separators=(",", ":"), ensure_ascii=False).encode(), headers, known)


def writes_with_spaces(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    """As `json.dumps` does: then not even a usual body is accepted."""
    return correct(json.dumps(json.loads(raw)).encode(), headers, known)


class Remembers:
    """Takes a signature that it has verified once for good."""

    __name__ = "remembers_signatures"

    def __init__(self) -> None:
        self.verified: set[str] = set()

    def __call__(self, raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
        signature = headers.get("X-Chatwoot-Signature", "")
        if signature not in self.verified and correct(raw, headers, known) != 200:
            return 401
        self.verified.add(signature)
        return 200


@pytest.fixture
def checked(vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs the family against a receiver, and gives the document."""

    def run(
        verify: Verify, *options: object, scheme: str | None = "chatwoot", only: str = "authenticates"
    ) -> dict[str, Any]:
        app = Flask("receiver")
        known = signer(scheme or "chatwoot", [SECRET])

        @app.post("/hook")
        def hook() -> tuple[str, int]:
            return "", verify(request.get_data(), request.headers, known)

        monkeypatch.setenv("CHECKED_SECRET", SECRET)
        signing = ("--policy", f"signing={scheme}", "--secret-env", "CHECKED_SECRET") if scheme else ()
        with app_server(app) as server:
            arguments = ("check", "--vendor", "messagehub", "--to", f"{server.url}/hook", "--only", only)
            done = vendorsim(*arguments, "--json", *signing, *options)
        assert done.code in (0, 1), done.err
        assert SECRET not in done.out
        document: dict[str, Any] = done.json
        return document

    return run


def statuses(document: dict[str, Any]) -> dict[str, str]:
    return {check["id"].partition(".")[2]: check["status"] for check in document["checks"]}


def found(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(finding["check"].partition(".")[2], finding["severity"]) for finding in document["findings"]}


@pytest.mark.parametrize(
    ("scheme", "not_judged"),
    [
        ("chatwoot", ()),
        ("standard-webhooks", ()),
        ("ccai", ()),
        ("smartsupp", ("stale", "body_only")),
    ],
)
def test_a_correct_receiver_passes_with_every_scheme(
    scheme: str, not_judged: tuple[str, ...], checked: Callable[..., dict[str, Any]]
) -> None:
    document = checked(correct, scheme=scheme)
    assert document["findings"] == []
    assert statuses(document) == {**dict.fromkeys(ALL, "passed"), **dict.fromkeys(not_judged, "not_judged")}


def test_every_scheme_is_tried() -> None:
    signing = {name for name, scheme in schemes().items() if scheme.signs}
    assert signing == {"chatwoot", "standard-webhooks", "ccai", "smartsupp"}


BUGS: list[tuple[Verify, set[tuple[str, str]], str]] = [
    (
        verifies_nothing,
        {("missing", "error")},
        "without a signature: it was answered 200",
    ),
    (lets_unsigned_through, {("missing", "error")}, "without a signature: it was answered 200"),
    (
        refuses_with_400,
        {("missing", "warning")},
        "without a signature: it was answered 400",
    ),
    (falls_over_nonsense, {("wrong", "error")}, "with the signature nonsense: it was answered 500"),
    (takes_old_ones, {("stale", "warning")}, "whose signature is an hour old was accepted"),
    (Remembers(), {("replayed", "error")}, "with the signature of one that was accepted before: it was answered 200"),
    (takes_body_only, {("body_only", "error")}, "the integration verifies a signature over the body only"),
    (
        wants_body_only,
        {("accepted", "error")},
        "it accepts a signature over the body alone: the vendor signs {timestamp}",
    ),
    (wants_base64, {("accepted", "error")}, "it accepts a signature in base64 and without a prefix:"),
    (
        wants_another_header,
        {("accepted", "error")},
        "it accepts a signature over the body alone and in the header X-Hub-Signature-256: the vendor signs",
    ),
    (
        writes_compactly,
        {("reserialised", "error")},
        "the integration verifies the re-serialised body, not the raw bytes",
    ),
    (writes_with_spaces, {("accepted", "error")}, "it accepts a signature over the body written anew, with spaces:"),
    (
        refuses_everything,
        {("accepted", "error")},
        "it was answered 401; it refuses 60 other ways to sign, too: does it have the secret that --secret-env names",
    ),
]


@pytest.mark.parametrize(("verify", "findings", "message"), BUGS, ids=[bug[0].__name__ for bug in BUGS])
def test_each_bug_is_found_and_named(
    verify: Verify, findings: set[tuple[str, str]], message: str, checked: Callable[..., dict[str, Any]]
) -> None:
    document = checked(verify)
    assert found(document) == findings
    assert any(message in finding["message"] for finding in document["findings"])


def test_what_says_nothing_is_not_judged(checked: Callable[..., dict[str, Any]]) -> None:
    assert statuses(checked(verifies_nothing))["body_only"] == "not_judged"
    refusing = statuses(checked(refuses_everything))
    assert {refusing[name] for name in ("replayed", "reserialised")} == {"not_judged"}


def breaks_down_on_new_conversations(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    return 500 if json.loads(raw)["event"] == "conversation_created" else 200


def test_an_event_that_is_refused_anyway_tells_nothing_of_signatures(checked: Callable[..., dict[str, Any]]) -> None:
    document = checked(breaks_down_on_new_conversations, only="authenticates,accepts.typical")
    assert {(finding["check"], *finding["checks"][1:]) for finding in document["findings"]} == {
        ("accepts.typical", "authenticates.accepted"),
        ("authenticates.missing", "authenticates.wrong"),
    }
    assert statuses(document)["body_only"] == "not_judged"
    assert statuses(document)["reserialised"] == "passed"


def wants_token(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    return 200 if headers.get("X-Api-Key") == "abc" else 403


def wants_any_token(raw: bytes, headers: Mapping[str, str], known: Signer) -> int:
    return 200 if "X-Api-Key" in headers else 401


@pytest.mark.parametrize(
    ("verify", "given", "findings"),
    [
        (wants_token, "abc", set()),
        (wants_token, "other", {("accepted", "error")}),
        (wants_any_token, "abc", {("wrong", "error")}),
        (verifies_nothing, "abc", {("missing", "error")}),
    ],
)
def test_a_secret_header_is_judged_where_nothing_is_signed(
    verify: Verify, given: str, findings: set[tuple[str, str]], checked: Callable[..., dict[str, Any]]
) -> None:
    document = checked(verify, "--header", f"X-Api-Key: {given}", scheme=None)
    assert found(document) == findings
    assert {statuses(document)[name] for name in ("stale", "replayed", "body_only", "reserialised")} == {"not_judged"}


def test_without_signature_and_secret_header_nothing_is_judged(checked: Callable[..., dict[str, Any]]) -> None:
    document = checked(verifies_nothing, "--header", "X-Tenant: acme", scheme=None)
    assert set(statuses(document).values()) == {"not_judged"}
    assert document["checks"][0]["reason"].startswith("the vendor signs nothing here")


def test_a_finding_shows_no_secret(checked: Callable[..., dict[str, Any]]) -> None:
    document = checked(verifies_nothing, "--header", "Authorization: Bearer a-very-secret-word", scheme=None)
    assert document["findings"]
    assert "a-very-secret-word" not in json.dumps(document)


def test_the_helpdesk_passes(vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHECKED_SECRET", SECRET)
    store = Store(tmp_path / "tickets.sqlite")
    with app_server(create_app(store, secrets={"messagehub": [SECRET]})) as server:
        place = ("--vendor", "messagehub", "--to", f"{server.url}/hooks/messagehub", "--only", "authenticates")
        signing = ("--policy", "signing=chatwoot", "--secret-env", "CHECKED_SECRET")
        document = vendorsim("check", *place, *signing, "--json").json
    store.close()
    assert document["findings"] == []
    assert statuses(document) == dict.fromkeys(ALL, "passed")


@pytest.mark.parametrize(
    "document", [{"a": 1}, {"url": "https://x/\\/y", "t": "<b>é</b> & ☃", "n": {"l": [], "z": None}}]
)
def test_an_unusual_body_says_the_same_in_bytes_that_no_library_writes(document: Any) -> None:
    body = unusual(document)
    assert json.loads(body) == document
    assert b"<" not in body
    for separators in ((",", ":"), (", ", ": ")):
        for in_ascii in (True, False):
            for value in (document, json.loads(body)):
                assert json.dumps(value, separators=separators, ensure_ascii=in_ascii).encode() != body
