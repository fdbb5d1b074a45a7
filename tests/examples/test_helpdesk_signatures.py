"""The example integration takes only what its vendors have signed, with any of the secrets that count."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from helpdesk import Store, create_app
from helpdesk.signatures import SIGNED
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

EXAMPLES = Path(__file__).parents[2] / "examples"
OLD, NEW, OTHER = "the-old-secret", "the-new-secret", "nobody-s-secret"
RAW = '{"event":"message_created","content":"Grüße 👋"}'.encode()


def digest(secret: str, message: bytes) -> bytes:
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def messagehub(*secrets: str, raw: bytes = RAW, at: object = None) -> dict[str, str]:
    (secret,) = secrets
    stamp = str(int(time.time()) if at is None else at)
    signature = "sha256=" + digest(secret, stamp.encode() + b"." + raw).hex()
    return {"X-Chatwoot-Timestamp": stamp, "X-Chatwoot-Signature": signature}


def smartsupp(*secrets: str, raw: bytes = RAW, at: object = None) -> dict[str, str]:
    (secret,) = secrets
    return {"X-Smartsupp-Hmac": digest(secret, raw).hex()}


def ccai(*secrets: str, raw: bytes = RAW, at: object = None) -> dict[str, str]:
    stamp = str(int(time.time()) if at is None else at)
    signatures = [base64.b64encode(digest(secret, stamp.encode() + raw)).decode() for secret in secrets]
    named = " ".join(f"{name}={one}" for name, one in zip(("primary", "secondary"), signatures, strict=False))
    return {"X-Signature": named, "X-Signature-Timestamp": stamp}


SIGNS: dict[str, Callable[..., dict[str, str]]] = {"messagehub": messagehub, "smartsupp": smartsupp, "ccai": ccai}
MAIN = {"messagehub": "X-Chatwoot-Signature", "smartsupp": "X-Smartsupp-Hmac", "ccai": "X-Signature"}
TIMED = {"messagehub": "X-Chatwoot-Timestamp", "ccai": "X-Signature-Timestamp"}


def taken(vendor: str, headers: Mapping[str, str], *secrets: str, raw: bytes = RAW) -> bool:
    return SIGNED[vendor](Headers(headers), raw, secrets or (NEW,))


def test_every_vendor_that_signs_is_verified() -> None:
    assert SIGNED.keys() == SIGNS.keys()


@pytest.mark.parametrize("vendor", SIGNS)
class TestEveryScheme:
    def test_what_is_signed_is_taken(self, vendor: str) -> None:
        assert taken(vendor, SIGNS[vendor](NEW))

    def test_with_either_secret_while_they_are_rotated(self, vendor: str) -> None:
        for signed_with in (OLD, NEW):
            assert taken(vendor, SIGNS[vendor](signed_with), OLD, NEW)
        assert not taken(vendor, SIGNS[vendor](OTHER), OLD, NEW)

    def test_names_of_headers_have_no_case(self, vendor: str) -> None:
        assert taken(vendor, {name.lower(): value for name, value in SIGNS[vendor](NEW).items()})

    @pytest.mark.parametrize("change", ["another secret", "another body", "a space more", "other spelling"])
    def test_what_is_signed_otherwise_is_not(self, vendor: str, change: str) -> None:
        headers = {
            "another secret": lambda: SIGNS[vendor](OTHER),
            "another body": lambda: SIGNS[vendor](NEW, raw=b"{}"),
            "a space more": lambda: SIGNS[vendor](NEW, raw=RAW + b" "),
            "other spelling": lambda: SIGNS[vendor](NEW, raw=json.dumps(json.loads(RAW)).encode()),
        }[change]()
        assert not taken(vendor, headers)

    def test_nor_what_lacks_a_header(self, vendor: str) -> None:
        whole = SIGNS[vendor](NEW)
        for name in whole:
            assert not taken(vendor, {key: value for key, value in whole.items() if key != name})
            assert not taken(vendor, {**whole, name: ""})

    @pytest.mark.parametrize(
        "nonsense",
        ["nonsense", "=", "primary=", "primary", "sha256=", "sha256", "0" * 64, "ÿ", "\ud800", "{}", "\U0001f44b", " "],
    )
    def test_nonsense_is_refused(self, vendor: str, nonsense: str) -> None:
        for name in SIGNS[vendor](NEW):
            assert SIGNED[vendor]({**SIGNS[vendor](NEW), name: nonsense}, RAW, [NEW]) is False

    @given(raw=st.binary(max_size=50), secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
    def test_whatever_the_body_and_the_secret(self, vendor: str, raw: bytes, secret: str) -> None:
        assert taken(vendor, SIGNS[vendor](secret, raw=raw), secret, raw=raw)
        assert not taken(vendor, SIGNS[vendor](secret, raw=raw), secret + "!", raw=raw)

    @given(value=st.text())
    def test_whatever_stands_in_the_headers(self, vendor: str, value: str) -> None:
        assert SIGNED[vendor](dict.fromkeys(SIGNS[vendor](NEW), value), RAW, [NEW]) is False


@pytest.mark.parametrize("vendor", TIMED)
@pytest.mark.parametrize(("seconds", "good"), [(-3_600, False), (-310, False), (-290, True), (290, True), (310, False)])
def test_a_time_that_is_minutes_off_is_refused(vendor: str, seconds: int, good: bool) -> None:
    assert taken(vendor, SIGNS[vendor](NEW, at=int(time.time()) + seconds)) is good


@pytest.mark.parametrize("vendor", TIMED)
def test_another_time_than_the_signed_one_is_refused(vendor: str) -> None:
    headers = SIGNS[vendor](NEW)
    assert not taken(vendor, {**headers, TIMED[vendor]: str(int(headers[TIMED[vendor]]) - 1)})


class TestTheFormsOfCcai:
    @pytest.mark.parametrize(
        ("signed_with", "known", "good"),
        [
            ((OLD,), (OLD,), True),
            ((OLD, NEW), (OLD,), True),
            ((OLD, NEW), (NEW,), True),
            ((OLD, NEW), (OTHER, NEW), True),
            ((OTHER, OLD), (NEW, OLD), True),
            ((OTHER,), (OLD, NEW), False),
            ((OLD, NEW), (OTHER,), False),
        ],
    )
    def test_one_of_the_signatures_with_one_of_the_secrets(
        self, signed_with: tuple[str, ...], known: tuple[str, ...], good: bool
    ) -> None:
        assert taken("ccai", ccai(*signed_with), *known) is good

    @pytest.mark.parametrize("name", ["tertiary=", "Primary=", "sha256=", ""])
    def test_a_signature_of_another_name_is_none(self, name: str) -> None:
        headers = ccai(NEW)
        assert not taken("ccai", {**headers, "X-Signature": headers["X-Signature"].replace("primary=", name)})

    @pytest.mark.parametrize("stamp", ["2020-01-01T00:00:00Z", "1577836800000", "Wed, 01 Jan 2020 00:00:00 GMT"])
    def test_a_time_in_another_form_has_no_known_age(self, stamp: str) -> None:
        assert taken("ccai", ccai(NEW, at=stamp))


EXAMPLE = {
    "messagehub": "documented/examples/conversation_created.json",
    "smartsupp": "documented/examples/post_hook.finished.json",
    "ccai": "webhooks/examples/message_received.json",
}


def documented(vendor: str) -> bytes:
    """A body that the vendor documents."""
    path = EXAMPLES.parent / "contracts" / vendor / EXAMPLE[vendor]
    return json.dumps(json.loads(path.read_bytes())["body"]).encode()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "tickets.sqlite")
    yield store
    store.close()


@pytest.mark.parametrize("vendor", SIGNS)
def test_the_service_answers_401_and_keeps_nothing(store: Store, vendor: str) -> None:
    client = create_app(store, secrets={vendor: [OLD, NEW]}).test_client()
    raw, sign = documented(vendor), SIGNS[vendor]
    for headers, status in (({}, 401), (sign(OTHER, raw=raw), 401), (sign(NEW), 401), (sign(NEW, raw=raw), 200)):
        assert client.get("/tickets").json == []
        answer = client.post(f"/hooks/{vendor}", data=raw, content_type="application/json", headers=headers)
        assert answer.status_code == status
    assert [ticket["vendor"] for ticket in client.get("/tickets").json] == [vendor]


def test_who_has_no_secret_need_not_sign(store: Store) -> None:
    client = create_app(store, secrets={"messagehub": [NEW]}).test_client()
    raw = documented("smartsupp")
    assert client.post("/hooks/smartsupp", data=raw, content_type="application/json").status_code == 200


@pytest.mark.parametrize(
    "secrets", [{"userlike": ["a"]}, {"nobody": ["a"]}, {"smartsupp": []}, {"smartsupp": [""]}, {"ccai": ["a", ""]}]
)
def test_secrets_that_would_protect_nothing_are_refused(store: Store, secrets: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match=r"does not sign|is empty"):
        create_app(store, secrets=secrets)


def test_an_empty_secret_in_the_environment_is_refused(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path), "HELPDESK_SMARTSUPP_SECRET": f"{NEW},"}
    command = [sys.executable, str(EXAMPLES / "helpdesk"), "--port", "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith("HELPDESK_SMARTSUPP_SECRET: ")
    assert NEW not in done.stderr + done.stdout
