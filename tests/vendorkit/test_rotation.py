"""Secrets while they are rotated: what is sent with two of them, what is refused, and that none is ever shown.

No code of the program makes the expected signatures.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest
from command_line import Vendorsim
from plays import Stage
from receiver import Receiver, Request, status
from vendorsim.vendorkit.signing import schemes

OLD_KEY, NEW_KEY = b"an-old-key-of-24-bytes!!", b"a-new-key-of-24-bytes!!!"
TEXTS = {"OLD": "the-old-secret-of-all", "NEW": "the-new-secret-of-all", "THIRD": "one-secret-too-many"}
KEYS = {
    "OLD_KEY": "whsec_" + base64.b64encode(OLD_KEY).decode(),
    "NEW_KEY": "whsec_" + base64.b64encode(NEW_KEY).decode(),
    "THIRD_KEY": "whsec_" + base64.b64encode(b"a-third-key-of-24-bytes!").decode(),
}
SIGNING = sorted(name for name, scheme in schemes().items() if scheme.signs)
TWO, ONE = ("ccai", "standard-webhooks"), ("chatwoot", "smartsupp")
NOWHERE = "http://127.0.0.1:1/"


@pytest.fixture
def stage(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    for name, value in {**TEXTS, **KEYS}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Stage(vendorsim, tmp_path)


def variables(scheme: str, *names: str) -> list[str]:
    """The environment variables with secrets in the form of a scheme."""
    return [f"{name}_KEY" if scheme == "standard-webhooks" else name for name in names]


def signed(scheme: str, *names: str) -> list[str]:
    given = [option for name in variables(scheme, *names) for option in ("--secret-env", name)]
    return ["--policy", f"signing={scheme}", *given]


def mac(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def expected(scheme: str, request: Request, *names: str) -> str:
    """What the header with the signatures must say, given the request's own id and time."""
    if scheme == "standard-webhooks":
        sent = f"{request.header('webhook-id')}.{request.header('webhook-timestamp')}.".encode() + request.body
        keys = {"OLD": OLD_KEY, "NEW": NEW_KEY}
        return " ".join(f"v1,{mac(keys[name], sent)}" for name in names)
    sent = (request.header("X-Signature-Timestamp") or "").encode() + request.body
    words = zip(("primary", "secondary"), names, strict=False)
    return " ".join(f"{word}={mac(TEXTS[name].encode(), sent)}" for word, name in words)


HEADER = {"standard-webhooks": "webhook-signature", "ccai": "X-Signature"}


def test_the_schemes_of_these_tests_are_all_there_are() -> None:
    assert sorted(TWO + ONE) == SIGNING


class TestTwoSecrets:
    @pytest.mark.parametrize("scheme", TWO)
    @pytest.mark.parametrize("names", [("OLD",), ("NEW",), ("OLD", "NEW"), ("NEW", "OLD")], ids=" ".join)
    def test_a_signature_by_each_in_the_order_of_the_options(
        self, stage: Stage, scheme: str, names: tuple[str, ...]
    ) -> None:
        with Receiver() as target:
            assert stage(target, *signed(scheme, *names)).code == 0
        (request,) = target.requests
        assert request.header(HEADER[scheme]) == expected(scheme, request, *names)

    @pytest.mark.parametrize("scheme", TWO)
    @pytest.mark.parametrize(
        ("written", "names"),
        [("{0}", ("OLD",)), ("[{0}]", ("OLD",)), ("[{0}, {1}]", ("OLD", "NEW")), ("[{1}, {0}]", ("NEW", "OLD"))],
    )
    def test_in_the_file(self, stage: Stage, scheme: str, written: str, names: tuple[str, ...]) -> None:
        listed = written.format(*variables(scheme, "OLD", "NEW"))
        story = Path("talk.yaml")
        story.write_text("scenario: S\nvendors: [smartsupp]\nsteps: [offline_message: Hello]\n")
        with Receiver() as target:
            Path("vendorsim.yaml").write_text(
                f"targets: {{smartsupp: [{{url: '{target.url()}', secret_env: {listed}}}]}}\n"
                f"policy: {{smartsupp: {{signing: {scheme}}}}}\n"
            )
            assert stage.run(story, "--vendor", "smartsupp").code == 0
        (request,) = target.requests
        assert request.header(HEADER[scheme]) == expected(scheme, request, *names)

    @pytest.mark.parametrize("scheme", TWO)
    def test_each_attempt_is_signed_anew_with_both(self, stage: Stage, scheme: str) -> None:
        with Receiver(status(500), status(200)) as target:
            stage(target, *signed(scheme, "OLD", "NEW"), "--pin-clock")
        first, again = target.requests
        for request in (first, again):
            assert request.header(HEADER[scheme]) == expected(scheme, request, "OLD", "NEW")
        assert first.header(HEADER[scheme]) != again.header(HEADER[scheme])

    @pytest.mark.parametrize("scheme", TWO)
    def test_a_wrong_signature_is_wrong_for_both(self, stage: Stage, scheme: str) -> None:
        with Receiver(status(401)) as target:
            stage(target, *signed(scheme, "OLD", "NEW"), "--fault", "signature=wrong")
        (request,) = target.requests
        right = expected(scheme, request, "OLD", "NEW").split()
        sent = (request.header(HEADER[scheme]) or "").split()
        assert sent
        assert not set(sent) & set(right)


class TestMoreThanTheSchemeKnows:
    CASES = [(scheme, ("OLD", "NEW"), 1) for scheme in ONE] + [(scheme, ("OLD", "NEW", "THIRD"), 2) for scheme in TWO]

    @pytest.mark.parametrize(("scheme", "names", "most"), CASES, ids=[case[0] for case in CASES])
    @pytest.mark.parametrize("command", ["play", "check"])
    def test_is_refused_before_anything_is_sent(
        self, stage: Stage, vendorsim: Vendorsim, command: str, scheme: str, names: tuple[str, ...], most: int
    ) -> None:
        if command == "play":
            refused = stage(NOWHERE, *signed(scheme, *names))
        else:
            refused = vendorsim("check", "--vendor", "smartsupp", "--to", NOWHERE, *signed(scheme, *names))
        assert (refused.code, refused.out) == (2, "")
        number = "1 secret" if most == 1 else "2 secrets"
        assert f"{scheme} signs with {number} at most, not with {len(names)}" in refused.err
        assert "secret-of-all" not in refused.err

    def test_the_second_variable_must_be_set_too(self, stage: Stage) -> None:
        refused = stage(NOWHERE, "--policy", "signing=ccai", "--secret-env", "OLD", "--secret-env", "NO_SUCH")
        assert refused.code == 2
        assert "the environment variable NO_SUCH" in refused.err

    @pytest.mark.parametrize("listed", ["[]", "[OLD, {a: b}]", "{OLD: NEW}", "7"])
    def test_what_is_no_list_of_names_is_refused(self, stage: Stage, listed: str) -> None:
        Path("vendorsim.yaml").write_text(f"targets: {{smartsupp: [{{url: '{NOWHERE}', secret_env: {listed}}}]}}\n")
        refused = stage.run("missed-chat", "--vendor", "smartsupp", "--policy", "signing=ccai")
        assert (refused.code, refused.out) == (2, "")


def hidden(*texts: str) -> None:
    """No secret stands in a text, in the form that is given nor as the key that it means."""
    secrets = [*TEXTS.values(), *(key.removeprefix("whsec_") for key in KEYS.values())]
    secrets += [
        OLD_KEY.decode(),
        NEW_KEY.decode(),
        *(base64.b64encode(text.encode()).decode() for text in TEXTS.values()),
    ]
    for text in texts:
        assert text
        assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize("scheme", SIGNING)
class TestNoSecretIsEverShown:
    def names(self, scheme: str) -> tuple[str, ...]:
        return ("OLD", "NEW") if scheme in TWO else ("NEW",)

    @pytest.mark.parametrize("answers", [(200,), (500, 401)], ids=["delivered", "refused"])
    def test_in_a_run_or_in_its_journal(
        self, stage: Stage, vendorsim: Vendorsim, tmp_path: Path, scheme: str, answers: tuple[int, ...]
    ) -> None:
        story = Path("talk.yaml")
        story.write_text("scenario: S\nvendors: [smartsupp]\nsteps: [offline_message: Hello]\n")
        options = ("--vendor", "smartsupp", *signed(scheme, *self.names(scheme)))
        with Receiver(*map(status, answers)) as target:
            for more in ((), ("--json",), ("--fault", "signature=wrong"), ("--fault", "signature=replayed")):
                played = vendorsim("play", story, "--to", target.url(), *options, *more)
                hidden(played.out + played.err)
        for arguments in (
            ("list", "--all"),
            ("list", "--all", "--json"),
            ("show", "1"),
            ("show", "1", "--json"),
            ("export", "--all"),
            ("export", "--all", "--format", "har"),
        ):
            told = vendorsim("journal", *arguments)
            assert told.code == 0, told.err
            hidden(told.out)
        hidden((tmp_path / "journal.sqlite").read_bytes().decode("latin-1"))

    def test_in_the_reports_of_check(self, stage: Stage, vendorsim: Vendorsim, scheme: str) -> None:
        """The receiver takes everything, so that there are findings with requests in them."""
        options = ("--vendor", "smartsupp", "--only", "authenticates", *signed(scheme, *self.names(scheme)))
        with Receiver() as target:
            reports = ("--junit", "r.xml", "--html", "r.html", "--sarif", "r.sarif")
            for more in (("--json",), reports):
                checked = vendorsim("check", "--to", target.url(), *options, *more)
                assert checked.code == 1
                hidden(checked.out + checked.err)
        hidden(*(Path(name).read_text(encoding="utf-8") for name in reports[1::2]))

    def test_in_a_refusal(self, stage: Stage, scheme: str) -> None:
        """One of the names is mistaken for a secret in the wrong form, or is one too many."""
        names = ("OLD", "NEW", "THIRD")
        for given in (signed(scheme, *names), ["--policy", f"signing={scheme}", *(["--secret-env", "OLD"] * 3)]):
            refused = stage(NOWHERE, *given)
            assert refused.code == 2
            hidden(refused.err)


def test_a_secret_in_the_wrong_form_is_not_shown(stage: Stage) -> None:
    refused = stage(NOWHERE, "--policy", "signing=standard-webhooks", "--secret-env", "OLD_KEY", "--secret-env", "NEW")
    assert refused.code == 2
    assert "is not base64" in refused.err
    hidden(refused.err)
