"""`vendorsim validate`: captured payloads, in every form they come in, against the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim

STORY = """\
scenario: Small chat
vendors: [smartsupp, messagehub]
starts: 2026-01-05T09:00:00Z
cast: {visitor: {custom: {plan: pro}}}
steps:
  - say: Hello
  - close: {by: visitor}
"""
SMARTSUPP = ("validate", "--vendor", "smartsupp")
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "story.yaml"
    path.write_text(STORY)
    return path


@pytest.fixture
def body(vendorsim: Vendorsim, story: Path) -> dict[str, Any]:
    """A body of the POST hook that keeps its contract."""
    generated: dict[str, Any] = vendorsim("generate", story, "--vendor", "smartsupp").lines[0]["body"]
    return generated


def har(*texts: str | None, mime: str = "application/json") -> bytes:
    entries = [
        {"request": {"method": "POST", **({} if text is None else {"postData": {"mimeType": mime, "text": text}})}}
        for text in texts
    ]
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


class TestForms:
    @pytest.mark.parametrize(
        ("form", "count"),
        [
            ("one document", 1),
            ("indented", 1),
            ("array", 2),
            ("lines", 2),
            ("lines with empty ones", 2),
            ("lines of Windows", 2),
            ("with a BOM", 1),
            ("lines with a BOM", 2),
            ("HAR", 2),
        ],
    )
    def test_are_understood(self, vendorsim: Vendorsim, body: dict[str, Any], form: str, count: int) -> None:
        text = json.dumps(body)
        line = text.encode()
        data = {
            "one document": line,
            "indented": json.dumps(body, indent=2).encode(),
            "array": b"[" + line + b"," + line + b"]",
            "lines": line + b"\n" + line,
            "lines with empty ones": b"\n" + line + b"\n\n  \n" + line + b"\n",
            "lines of Windows": line + b"\r\n" + line + b"\r\n",
            "with a BOM": BOM + line,
            "lines with a BOM": BOM + line + b"\n" + line + b"\n",
            "HAR": har(text, None, "", text),
        }[form]
        judged = vendorsim(*SMARTSUPP, "-", input=data)
        assert (judged.code, judged.err) == (0, "")
        assert judged.out == f"passed: {count} payload{'s' if count > 1 else ''}\n"

    def test_lines_of_generate(self, vendorsim: Vendorsim, story: Path) -> None:
        generated = vendorsim("generate", story, "--vendor", "messagehub", "--count", 2)
        judged = vendorsim("validate", "--vendor", "messagehub", "-", input=generated.out.encode())
        assert judged.code == 0
        assert judged.out == f"passed: {len(generated.lines)} payloads\n"

    def test_requests_of_a_har_that_are_no_json_are_not_meant(
        self, vendorsim: Vendorsim, body: dict[str, Any], tmp_path: Path
    ) -> None:
        entries = json.loads(har(json.dumps(body)))["log"]["entries"]
        entries += json.loads(har("a=b&c=d", mime="application/x-www-form-urlencoded"))["log"]["entries"]
        (tmp_path / "browser.har").write_text(json.dumps({"log": {"entries": entries}}))
        judged = vendorsim(*SMARTSUPP, "browser.har")
        assert (judged.code, judged.out) == (0, "passed: 1 payload\n")

    def test_several_files(self, vendorsim: Vendorsim, body: dict[str, Any], tmp_path: Path) -> None:
        (tmp_path / "good.json").write_text(json.dumps(body))
        (tmp_path / "bad.json").write_text(json.dumps(body | {"endAt": "late"}))
        judged = vendorsim(*SMARTSUPP, "good.json", "bad.json", "-", input=json.dumps(body).encode())
        assert judged.code == 1
        assert judged.out.startswith("bad.json: post_hook /endAt: ")
        assert judged.out.endswith("failed: 1 violation in 3 payloads\n")


class TestViolations:
    @pytest.mark.parametrize(
        ("data", "place"),
        [
            (b"{}", "-"),
            (b"[{}]", "-[0]"),
            (b'{"event": "post_hook", "vendor": "smartsupp", "at": "", "body": {}}', "-"),
            (b"\n{}\n{}", "-:2"),
            (har("{}"), "-#0"),
        ],
    )
    def test_name_their_place(self, vendorsim: Vendorsim, data: bytes, place: str) -> None:
        judged = vendorsim(*SMARTSUPP, "-", "--json", input=data)
        assert judged.code == 1
        assert judged.json["violations"][0]["place"] == place

    @pytest.mark.parametrize(
        ("path", "value", "pointer"),
        [
            (["endAt"], "late", "/endAt"),
            (["channel", "isChat"], 1, "/channel/isChat"),
            (["messages", 0, "content"], None, "/messages/0/content"),
            (["visitor", "variables", "a/b"], {"value": "x"}, "/visitor/variables/a~1b"),
            (["visitor", "variables", "~a~1b/"], {"value": "x"}, "/visitor/variables/~0a~01b~1"),
            (["visitor", "variables", 'ä "'], {"value": "x"}, '/visitor/variables/ä "'),
        ],
    )
    def test_have_a_json_pointer(
        self, vendorsim: Vendorsim, body: dict[str, Any], path: list[Any], value: Any, pointer: str
    ) -> None:
        *parents, last = path
        place: Any = body
        for key in parents:
            place = place[key]
        place[last] = value
        judged = vendorsim(*SMARTSUPP, "-", "--json", input=json.dumps(body).encode())
        assert judged.code == 1
        assert [violation["pointer"] for violation in judged.json["violations"]] == [pointer]
        as_text = vendorsim(*SMARTSUPP, "-", input=json.dumps(body).encode())
        assert as_text.out.startswith(f"-: post_hook {pointer}: ")

    def test_are_all_told(self, vendorsim: Vendorsim, body: dict[str, Any]) -> None:
        broken = {key: value for key, value in body.items() if key != "endAt"} | {"accountId": "x", "surprise": 1}
        judged = vendorsim(*SMARTSUPP, "-", "--json", input=json.dumps(broken).encode())
        messages = " | ".join(violation["message"] for violation in judged.json["violations"])
        assert len(judged.json["violations"]) == 3
        assert "endAt" in messages
        assert "surprise" in messages

    @pytest.mark.parametrize("document", ["[]", '"text"', "5", "null", "true"])
    def test_what_is_no_event_at_all(self, vendorsim: Vendorsim, document: str) -> None:
        judged = vendorsim(*SMARTSUPP, "-", input=f"[{document}]".encode())
        assert judged.code == 1
        assert judged.out.startswith("-[0]: /: this is no event of smartsupp (documented)\n")

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "this is no event of messagehub"),
            ({"event": "message_creatd"}, "this is no event of messagehub"),
            ({"event": 5}, "this is no event of messagehub"),
            ({"event": "message_created"}, "is a required property"),
        ],
    )
    def test_events_are_told_apart_by_their_bodies(
        self, vendorsim: Vendorsim, body: dict[str, Any], message: str
    ) -> None:
        judged = vendorsim("validate", "--vendor", "messagehub", "-", input=json.dumps(body).encode())
        assert judged.code == 1
        assert message in judged.out

    def test_an_unknown_event_of_a_line(self, vendorsim: Vendorsim) -> None:
        line = {"event": "message_creatd", "vendor": "messagehub", "at": "", "body": {}}
        judged = vendorsim("validate", "--vendor", "messagehub", "-", input=json.dumps(line).encode())
        assert judged.code == 1
        assert "unknown event 'message_creatd'; did you mean 'message_created'?" in judged.out

    def test_a_body_that_nests_without_end(self, vendorsim: Vendorsim) -> None:
        judged = vendorsim(*SMARTSUPP, "-", input=b'{"a":' * 900 + b"1" + b"}" * 900)
        assert judged.code == 1
        assert "nested too deeply" in judged.out


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (har("{}", "a=b"), "-#1: /: the body is not JSON: "),
        (
            b'{"type": "attempt", "event": "post_hook", "request": {"body": {"text": "x"}}}',
            "-: post_hook /: the body is not JSON: ",
        ),
    ],
)
def test_a_captured_body_that_is_no_json_breaks_the_contract(vendorsim: Vendorsim, data: bytes, place: str) -> None:
    judged = vendorsim(*SMARTSUPP, "-", input=data)
    assert judged.code == 1
    assert place in judged.out


def test_json_is_one_document(vendorsim: Vendorsim, body: dict[str, Any]) -> None:
    good = json.dumps(body).encode()
    assert vendorsim(*SMARTSUPP, "-", "--json", input=good).json == {
        "vendor": "smartsupp",
        "profile": "documented",
        "payloads": 1,
        "verdict": "passed",
        "violations": [],
        "fits_best": None,
        "note": None,
    }
    body["endAt"] = "late"
    failed = vendorsim(*SMARTSUPP, "-", "--json", input=json.dumps(body).encode()).json
    assert failed["verdict"] == "failed"
    (violation,) = failed["violations"]
    assert list(violation) == ["place", "event", "pointer", "message"]


class TestVersions:
    """What a violation means where a vendor's profiles are versions of one server."""

    @pytest.fixture
    def judged(self, vendorsim: Vendorsim, story: Path) -> Any:
        """Judges the first body of an event, as one version sends it, by another one."""

        def judged(event: str, sent: str, by: str, *more: str) -> Any:
            lines = vendorsim("generate", story, "--vendor", "messagehub", "--profile", sent).lines
            body = next(line["body"] for line in lines if line["event"] == event)
            by_profile = ("--profile", by) if by else ()
            return vendorsim(
                "validate", "--vendor", "messagehub", *by_profile, "-", *more, input=json.dumps(body).encode()
            )

        return judged

    @pytest.mark.parametrize(
        ("event", "sent", "by", "line"),
        [
            (
                "conversation_created",
                "observed-2.17",
                "observed-2.5",
                '/: "priority" is not allowed: this version does not send it (since observed-2.17)',
            ),
            (
                "conversation_created",
                "observed-2.17",
                "observed-2.9",
                '/: "priority" is not allowed: this version does not send it (since observed-2.17)',
            ),
            (
                "conversation_created",
                "observed-4.14.1",
                "observed-4.15",
                '/: "account" is a required property: this version always sends it (required since observed-4.14.2)',
            ),
            (
                "message_created",
                "observed-2.12",
                "observed-4.15",
                '/sender: "type" is not allowed: this version does not send it (only before observed-2.14)',
            ),
            (
                "contact_updated",
                "observed-2.14",
                "observed-2.5",
                "/: this is no event of messagehub (observed-2.5): this version does not send it (since observed-2.14)",
            ),
        ],
    )
    def test_say_since_when_they_send_it(self, judged: Any, event: str, sent: str, by: str, line: str) -> None:
        shown = judged(event, sent, by)
        assert shown.code == 1
        assert any(each.endswith(line) for each in shown.out.splitlines()), shown.out

    @pytest.mark.parametrize(
        ("event", "sent", "by", "said"),
        [
            ("conversation_created", "observed-3.1", "observed-4.15", "fits best: observed-3.0 to observed-3.8, no "),
            (
                "conversation_created",
                "observed-4.9",
                "observed-2.5",
                "fits best: observed-4.8 or observed-4.13, no violations left\n",
            ),
            ("message_created", "documented", "observed-4.15", "fits best: documented, no violations left\n"),
        ],
    )
    def test_the_one_that_fits_best_is_told(self, judged: Any, event: str, sent: str, by: str, said: str) -> None:
        assert said in judged(event, sent, by).out

    def test_what_would_be_left_with_it(self, vendorsim: Vendorsim, story: Path) -> None:
        generated = vendorsim("generate", story, "--vendor", "messagehub", "--profile", "observed-3.1").lines
        body = generated[0]["body"] | {"status": "asleep"}
        arguments = ("validate", "--vendor", "messagehub", "--profile", "observed-4.15", "-")
        data = json.dumps(body).encode()
        lines = vendorsim(*arguments, input=data).out.splitlines()
        place = lines.index("fits best: observed-3.0 to observed-3.8, 1 violation left")
        assert lines[place + 1].startswith("  -: conversation_created /status: ")
        fits = vendorsim(*arguments, "--json", input=data).json["fits_best"]
        assert fits["profiles"] == ["observed-3.0", "observed-3.2", "observed-3.3", "observed-3.7", "observed-3.8"]
        assert [violation["pointer"] for violation in fits["violations"]] == ["/status"]

    def test_a_body_that_no_other_profile_takes(self, vendorsim: Vendorsim, body: dict[str, Any]) -> None:
        judged = vendorsim(*SMARTSUPP, "-", input=json.dumps(body | {"endAt": "late"}).encode())
        assert judged.out.splitlines()[-2] == "no other profile fits better"

    @pytest.mark.parametrize("by", ["", "documented"])
    def test_a_profile_that_no_server_is_known_to_send_is_told(self, judged: Any, by: str) -> None:
        note = (
            "note: no server is known to send exactly what this profile of messagehub says; "
            "for captures use --profile observed-2.5 or observed-4.18"
        )
        for sent, code in (("documented", 0), ("observed-4.15", 1)):
            assert judged("message_created", sent, by).err == note + "\n"
            assert judged("message_created", sent, by).code == code
        assert judged("message_created", "documented", by, "--json").json["note"] == note
        assert judged("message_created", "observed-4.15", "observed-4.15").err == ""


class TestWhatCanNotBeRead:
    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "-: the file is empty; expected JSON, JSON Lines, HAR or raw requests"),
            (b" \n\n", "-: the file is empty"),
            (BOM, "-: the file is empty"),
            (b"[]", "-: there is no payload in it"),
            (har(None), "-: there is no payload in it"),
            (b"{", "-:1:2: not JSON: "),
            (b'{"a": 1,\n "b": }', "-:2:7: not JSON: "),
            (b'{"a": 1}\n{"b": }\n', "-:2:7: not JSON: "),
            (b'{"a": 1}\n\n\n{"b"\n', "-:4:5: not JSON: "),
            (b"hello\n", "-:1:1: not JSON: "),
            (b"hello\nworld\n", "-:1:1: not JSON: "),
            (b'{"a": NaN}', "-:1:7: not JSON: "),
            (b"[" * 100_000, "-:1:"),
            (b'{"a":\n "\xc3\xa4\xff"}', "-:2:4: byte 0xff is not UTF-8"),
            ("{}".encode("utf-16"), "-:1:1: byte 0xff is not UTF-8; save the file as UTF-8"),
            (b'{"log": {"entries": {}}}', "-: log.entries of the HAR is not a list"),
            (b'{"log": {"entries": [{}]}}', "-#0: the HAR entry has no request"),
            (b'{"log": {"entries": [5]}}', "-#0: the HAR entry has no request"),
            (b'{"type": "attempt", "request": {"body": {}}}', "-: the attempt has no request body"),
        ],
    )
    def test_says_where_and_why(self, vendorsim: Vendorsim, data: bytes, message: str) -> None:
        refused = vendorsim("validate", "--vendor", "messagehub", "-", input=data)
        assert refused.code == 2
        assert refused.err.startswith(f"Error: {message}")
        assert refused.out == ""

    def test_files_are_named(self, vendorsim: Vendorsim, story: Path, tmp_path: Path) -> None:
        (tmp_path / "broken.json").write_bytes(b'{"a": 1,\n "b": }')
        for name, message in {
            "broken.json": "Error: broken.json:2:7: not JSON: ",
            "gone.json": "Error: gone.json: can't be read: No such file or directory",
            ".": "Error: ./broken.json:2:7: not JSON: ",
            "nul\0byte": "Error: 'nul\\x00byte': is not a file name",
        }.items():
            refused = vendorsim(*SMARTSUPP, name)
            assert refused.code == 2
            assert refused.err.startswith(message)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--vendor", "smartsup", "-"), "did you mean 'smartsupp'?"),
            (("--vendor", "smartsupp", "--profile", "documentd", "-"), "did you mean 'documented'?"),
        ],
    )
    def test_unknown_names(self, vendorsim: Vendorsim, arguments: tuple[str, ...], message: str) -> None:
        refused = vendorsim("validate", *arguments, input=b"{}")
        assert refused.code == 2
        assert message in refused.err
