"""https: certificates are verified, other authorities and client certificates can be given."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from command_line import Vendorsim
from cryptography.hazmat.primitives import serialization
from plays import Stage, attempts, verdicts
from receiver import Connection, Receiver, Request, status

ONCE = ("--policy", "retries=none")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def stage(vendorsim: Vendorsim, tmp_path: Path) -> Stage:
    return Stage(vendorsim, tmp_path)


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
    return context


class TestVerification:
    def test_of_a_known_authority(self, stage: Stage, authority: trustme.CA, ca: Path) -> None:
        (body,) = stage.generate()
        with Receiver(tls=serving(authority)) as target:
            played = stage(target, "--ca", ca)
        assert (played.code, verdicts(played)) == (0, ["delivered"])
        assert target.bodies == [body]

    def test_by_name(self, stage: Stage, authority: trustme.CA, ca: Path) -> None:
        with Receiver(tls=serving(authority, "localhost")) as target:
            played = stage(target.url().replace("127.0.0.1", "localhost"), "--ca", ca)
        assert played.code == 0

    def test_the_connection_is_kept(self, stage: Stage, authority: trustme.CA, ca: Path) -> None:
        with Receiver(tls=serving(authority)) as target:
            stage(target, "--ca", ca, "--count", 5, "--concurrency", 1)
        assert [request.connection for request in target.requests] == [0] * 5

    def test_of_an_unknown_authority(self, stage: Stage, authority: trustme.CA) -> None:
        with Receiver(tls=serving(authority)) as target:
            played = stage(target)
        (line,) = attempts(played)
        assert line["verdict"] == "unreachable"
        assert line["reason"].startswith("the certificate is not trusted: ")
        assert played.code == 3
        assert target.requests == []

    def test_of_another_name(self, stage: Stage, authority: trustme.CA, ca: Path) -> None:
        with Receiver(tls=serving(authority, "hooks.example.com")) as target:
            played = stage(target, "--ca", ca)
        assert "the certificate is not trusted: " in attempts(played)[0]["reason"]
        assert played.code == 3

    def test_the_system_s_authorities_are_out_with_one_s_own(
        self, stage: Stage, authority: trustme.CA, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(other))
        with Receiver(tls=serving(authority)) as target:
            played = stage(target, "--ca", other)
        assert "the certificate is not trusted" in attempts(played)[0]["reason"]


class TestClientCertificates:
    @pytest.fixture
    def strict(self, authority: trustme.CA) -> ssl.SSLContext:
        """Asks for a certificate of the same authority."""
        context = serving(authority)
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
        return context

    @pytest.mark.parametrize("apart", [False, True], ids=["one file", "two files"])
    def test_are_shown(
        self, stage: Stage, authority: trustme.CA, ca: Path, strict: ssl.SSLContext, tmp_path: Path, apart: bool
    ) -> None:
        issued = authority.issue_cert("client@example.com")
        certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
        if apart:
            issued.cert_chain_pems[0].write_to_path(str(certificate))
            issued.private_key_pem.write_to_path(str(key))
        else:
            issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
        with Receiver(tls=strict) as target:
            played = stage(target, "--ca", ca, "--cert", certificate, *(("--cert-key", key) if apart else ()))
        assert played.code == 0

    def test_their_lack_is_told(self, stage: Stage, ca: Path, strict: ssl.SSLContext) -> None:
        with Receiver(tls=strict) as target:
            played = stage(target, "--ca", ca, *ONCE)
        (line,) = attempts(played)
        assert line["verdict"] in ("broken", "unreachable")
        # The alert of TLS, or our words for the reset that overtook it.
        reason = line["reason"].lower().replace("_", " ")
        assert "certificate required" in reason or "it may want a client certificate" in reason
        assert target.requests == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("option", "content"),
        [("--ca", None), ("--ca", b""), ("--ca", b"no certificate"), ("--cert", None), ("--cert", b"no certificate")],
    )
    def test_of_files(self, stage: Stage, tmp_path: Path, option: str, content: bytes | None) -> None:
        path = tmp_path / "file.pem"
        if content is not None:
            path.write_bytes(content)
        refused = stage("https://127.0.0.1:1/", option, path)
        assert refused.code == 2
        assert f"{path}: can't be used for TLS" in refused.err

    def test_of_a_key_alone(self, stage: Stage) -> None:
        refused = stage("https://127.0.0.1:1/", "--cert-key", "client.key")
        assert refused.code == 2
        assert "client.key: a key is of no use without its certificate" in refused.err

    def test_of_a_key_that_needs_a_password(self, stage: Stage, authority: trustme.CA, tmp_path: Path) -> None:
        """Instead of a prompt, for which a CI run would wait for ever."""
        issued = authority.issue_cert("client@example.com")
        key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        locked = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
        path = tmp_path / "client.pem"
        path.write_bytes(locked + issued.cert_chain_pems[0].bytes())
        refused = stage("https://127.0.0.1:1/", "--cert", path)
        assert refused.code == 2
        assert f"{path}: can't be used for TLS" in refused.err


class TestFaults:
    def test_half_a_request(self, stage: Stage, authority: trustme.CA, ca: Path) -> None:
        (body,) = stage.generate()
        with Receiver(tls=serving(authority)) as target:
            played = stage(target, "--ca", ca, "--fault", "truncate")
            halved = target.wait_for_end(0)
        assert bytes(halved.received).partition(b"\r\n\r\n")[2] == body[: len(body) // 2]
        assert target.bodies == [body]
        assert verdicts(played) == ["spoiled", "delivered"]

    def test_a_reset(self, stage: Stage, authority: trustme.CA, ca: Path) -> None:
        (body,) = stage.generate()
        with Receiver(tls=serving(authority)) as target:
            played = stage(target, "--ca", ca, "--fault", "reset")
            halved = target.wait_for_end(0)
        assert halved.ended == "reset"
        assert bytes(halved.received).partition(b"\r\n\r\n")[2] == body[: len(body) // 2]
        assert verdicts(played) == ["spoiled", "delivered"]

    @pytest.mark.parametrize("fault", ["drip=100ms", "http=chunked", "connection=new", "corrupt=oversized"])
    def test_others_work_as_without(self, stage: Stage, authority: trustme.CA, ca: Path, fault: str) -> None:
        with Receiver(tls=serving(authority)) as target:
            assert verdicts(stage(target, "--ca", ca, "--fault", fault)) == ["delivered"]

    def test_no_length(self, stage: Stage, authority: trustme.CA, ca: Path) -> None:
        """TLS knows no half-closed connection, so the answer is waited for."""
        with Receiver(status(411, Connection="close"), tls=serving(authority)) as target:
            played = stage(target, "--ca", ca, "--fault", "http=no-length")
        assert [(line["status"], line["verdict"]) for line in attempts(played)] == [(411, "spoiled")]


def test_a_redirect_from_http_to_https(stage: Stage, authority: trustme.CA, ca: Path) -> None:
    with Receiver(tls=serving(authority)) as safe, Receiver(status(308, Location=safe.url("/safe"))) as target:
        played = stage(target, "--ca", ca, "--policy", "redirects=1", "--header", "Authorization: Bearer abc")
    assert verdicts(played) == ["delivered"]
    assert safe.requests[0].line == "POST /safe HTTP/1.1"
    assert safe.requests[0].header("Authorization") is None


def test_a_connection_that_breaks_in_mid_answer(stage: Stage, authority: trustme.CA, ca: Path) -> None:
    def half(connection: Connection, request: Request) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
        connection.close()

    with Receiver(half, tls=serving(authority)) as target:
        played = stage(target, "--ca", ca, *ONCE)
    assert verdicts(played) == ["broken"]
