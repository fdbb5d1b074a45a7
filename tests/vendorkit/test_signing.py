"""Signatures, held to HMAC by hand: no code of the program makes the expected values."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from hypothesis import given
from hypothesis import strategies as st
from plays import Stage, attempts, verdicts
from receiver import Receiver, Request, status
from vendorsim.vendorkit.signing import schemes, signer

SECRET = "test-secret"
SIGNING = [name for name, scheme in schemes().items() if scheme.signs]
STANDARD_SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes of key").decode()
START = 1_767_603_600  # 2026-01-05T09:00:00Z, when the story begins


@pytest.fixture
def stage(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("STANDARD_SECRET", STANDARD_SECRET)
    return Stage(vendorsim, tmp_path)


def signed(scheme: str) -> tuple[str, ...]:
    name = "STANDARD_SECRET" if scheme == "standard-webhooks" else "HOOK_SECRET"
    return ("--policy", f"signing={scheme}", "--secret-env", name)


def sha256(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 as RFC 2104 writes it down."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()


def expected(scheme: str, request: Request) -> dict[str, str]:
    """The signature headers that a request must carry, given its own id and timestamp."""
    body = request.body
    if scheme == "standard-webhooks":
        name, sent = request.header("webhook-id") or "", request.header("webhook-timestamp") or ""
        digest = sha256(b"twenty-four bytes of key", f"{name}.{sent}.".encode() + body)
        return {"webhook-signature": "v1," + base64.b64encode(digest).decode()}
    if scheme == "chatwoot":
        sent = request.header("X-Chatwoot-Timestamp") or ""
        return {"X-Chatwoot-Signature": "sha256=" + sha256(SECRET.encode(), f"{sent}.".encode() + body).hex()}
    if scheme == "ccai":
        sent = request.header("X-Signature-Timestamp") or ""
        digest = sha256(SECRET.encode(), sent.encode() + body)
        return {"X-Signature": "primary=" + base64.b64encode(digest).decode()}
    return {"X-Smartsupp-Hmac": sha256(SECRET.encode(), body).hex()}


def is_genuine(scheme: str, request: Request) -> bool:
    return all(request.header(name) == value for name, value in expected(scheme, request).items())


class TestVectors:
    def test_chatwoot(self) -> None:
        body = rb'{"event":"message_created","id":42,"content":"a \u003cb\u003e \u0026 c"}'
        assert signer("chatwoot", [SECRET]).headers("42-0", 1_700_000_000, body) == {
            "X-Chatwoot-Delivery": "410f455a-d08c-42b1-a397-5f78e364992e",
            "X-Chatwoot-Timestamp": "1700000000",
            "X-Chatwoot-Signature": "sha256=dc7d5f4c5ca2993060475e0ad3ad6b3ec4d1fc9d949c0528726aee132ec19a9f",
        }

    def test_standard_webhooks(self) -> None:
        """The example of the specification's reference libraries (standard-webhooks/standard-webhooks)."""
        made = signer("standard-webhooks", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
        headers = made.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
        assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    @given(body=st.binary(), secret=st.text("abc-_./é", min_size=1), timestamp=st.integers(0, 2**40))
    def test_any_body_with_the_standard_library(self, body: bytes, secret: str, timestamp: int) -> None:
        made = signer("chatwoot", [secret]).headers("d", timestamp, body)["X-Chatwoot-Signature"]
        digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        assert made == f"sha256={digest}"


class TestOnTheWire:
    @pytest.mark.parametrize("scheme", SIGNING)
    def test_what_arrives_is_what_was_signed(self, stage: Stage, scheme: str) -> None:
        with Receiver() as target:
            played = stage(target, *signed(scheme))
        assert played.code == 0
        assert is_genuine(scheme, target.requests[0])

    @pytest.mark.parametrize("scheme", SIGNING)
    @pytest.mark.parametrize("fault", ["corrupt=missing", "encoding=utf-16", "http=chunked", "http=header-case"])
    def test_a_spoiled_body_is_signed_as_it_is_sent(self, stage: Stage, scheme: str, fault: str) -> None:
        with Receiver() as target:
            stage(target, *signed(scheme), "--fault", fault)
        (request,) = target.requests
        if fault == "http=chunked":
            chunks = request.body.split(b"\r\n")[1:-3:2]
            head = request.raw[: -len(request.body)]
            request = Request(head + b"".join(chunks), 0, 0.0)
        assert is_genuine(scheme, request)

    def test_a_vendor_that_does_not_sign_does_not(self, stage: Stage) -> None:
        with Receiver() as target:
            stage(target, "--secret-env", "HOOK_SECRET")
        assert not [name for name, _ in target.requests[0].headers if "signature" in name.lower()]

    def test_in_the_file(self, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        story = tmp_path / "other.yaml"
        story.write_text("scenario: S\nvendors: [smartsupp]\nsteps: [offline_message: Hello]\n")
        with Receiver() as one, Receiver() as two:
            Path("vendorsim.yaml").write_text(
                f"targets: {{smartsupp: [{{url: '{one.url()}', secret_env: HOOK_SECRET}},"
                f" {{url: '{two.url()}', secret_env: OTHER_SECRET}}]}}\npolicy: {{smartsupp: {{signing: smartsupp}}}}\n"
            )
            monkeypatch.setenv("OTHER_SECRET", "another")
            assert stage.run(story, "--vendor", "smartsupp").code == 0
        (first,), (second,) = one.requests, two.requests
        assert first.header("X-Smartsupp-Hmac") == sha256(b"test-secret", first.body).hex()
        assert second.header("X-Smartsupp-Hmac") == sha256(b"another", second.body).hex()


class TestTime:
    SCHEME = signed("standard-webhooks")

    def test_stamps_follow_the_wall_clock(self, stage: Stage) -> None:
        before = int(time.time())
        with Receiver(status(500), status(200)) as target:
            stage(target, *self.SCHEME)
        stamps = [int(request.header("webhook-timestamp") or 0) for request in target.requests]
        assert all(before <= stamp <= time.time() for stamp in stamps)

    def test_or_the_scenario_s_with_pin_clock(self, stage: Stage) -> None:
        """So the same run sends the same bytes, down to the signature; a retry is stamped anew."""
        sent = []
        for _ in range(2):
            with Receiver(status(500), status(500), status(200)) as target:
                stage(target, *self.SCHEME, "--pin-clock", "--header", "Host: hooks.example.com")
            sent.append([request.raw for request in target.requests])
        assert sent[0] == sent[1]
        stamps = [int(request.header("webhook-timestamp") or 0) for request in target.requests]
        assert stamps == [START, START + 5, START + 305]
        assert all(is_genuine("standard-webhooks", request) for request in target.requests)

    def test_attempts_share_the_id(self, stage: Stage) -> None:
        with Receiver(status(500), status(500), status(200)) as target:
            played = stage(target, *self.SCHEME)
        names = {request.header("webhook-id") for request in target.requests}
        assert names == {line["delivery"] for line in attempts(played)}
        assert len(names) == 1


class TestSpoiled:
    """`--fault signature=…`; an integration that checks signatures refuses, and is right."""

    def play(self, stage: Stage, kind: str, *answers: Any) -> tuple[list[Request], list[str]]:
        with Receiver(*answers) as target:
            played = stage(target, *signed("chatwoot"), "--pin-clock", "--fault", f"signature={kind}")
        assert played.code == 0, "it is no shortcoming to refuse it"
        return target.requests, verdicts(played)

    def test_wrong(self, stage: Stage) -> None:
        (request,), said = self.play(stage, "wrong", status(401))
        assert (request.header("X-Chatwoot-Signature") or "").startswith("sha256=")
        assert not is_genuine("chatwoot", request)
        assert said == ["spoiled"]

    def test_missing(self, stage: Stage) -> None:
        (request,), said = self.play(stage, "missing", status(401))
        assert not [name for name, _ in request.headers if "Chatwoot" in name]
        assert said == ["spoiled"]

    def test_stale(self, stage: Stage) -> None:
        (request,), said = self.play(stage, "stale", status(401))
        assert request.header("X-Chatwoot-Timestamp") == str(START - 3_600)
        assert is_genuine("chatwoot", request), "only its age is wrong"
        assert said == ["spoiled"]

    def test_replayed(self, stage: Stage) -> None:
        requests, said = self.play(stage, "replayed", status(200), status(401))
        assert requests[0].raw == requests[1].raw
        assert is_genuine("chatwoot", requests[0])
        assert said == ["delivered", "spoiled"]

    def test_what_is_replayed_later_is_a_good_delivery_at_first(self, stage: Stage) -> None:
        """So it is tried again, stamped anew; the replay is not."""
        with Receiver(status(500), status(401), status(200)) as target:
            played = stage(target, *signed("chatwoot"), "--pin-clock", "--fault", "signature=replayed")
        first, replayed, again = target.requests
        said = [(line["copy"], line["attempt"], line["verdict"]) for line in attempts(played)]
        assert said == [(0, 1, "rejected"), (1, 1, "spoiled"), (0, 2, "delivered")]
        assert replayed.raw == first.raw
        assert again.header("X-Chatwoot-Timestamp") == str(START + 5)
        assert is_genuine("chatwoot", again)


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (("--policy", "signing=chatwoot"), "name its environment variable with --secret-env NAME"),
            (("--policy", "signing=chatwoot", "--secret-env", "NO_SUCH"), "the environment variable NO_SUCH"),
            (("--policy", "signing=standard-webhooks", "--secret-env", "HOOK_SECRET"), "is not base64"),
            (("--policy", "signing=standard-webhooks", "--secret-env", "EMPTY_KEY"), "the secret is empty"),
        ],
    )
    def test_of_secrets(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], message: str
    ) -> None:
        monkeypatch.setenv("EMPTY_KEY", "whsec_")
        refused = stage("http://127.0.0.1:1/", *given)
        assert refused.code == 2
        assert message in refused.err
        assert SECRET not in refused.err + refused.out
