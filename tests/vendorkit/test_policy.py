"""A vendor's policy as data: what is known of it, and what a user can override."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from command_line import Vendorsim
from plays import Stage, attempts, since_start, talk, verdicts
from receiver import Receiver, never, status

VENDORS = ("smartsupp", "userlike", "messagehub", "chatvisor", "ccai")
KEYS = (
    "accepted",
    "connect_timeout",
    "read_timeout",
    "retries",
    "retried",
    "redirects",
    "redirected",
    "ordering",
    "in_flight",
    "connections",
    "pause",
    "switch_off",
    "signing",
)


@pytest.fixture
def stage(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """In a folder of its own, where a `vendorsim.yaml` can stand."""
    monkeypatch.chdir(tmp_path)
    return Stage(vendorsim, tmp_path)


def configure(text: str) -> None:
    Path("vendorsim.yaml").write_text(text, encoding="utf-8")


class TestWhatIsKnown:
    @pytest.mark.parametrize("vendor", VENDORS)
    def test_every_value_says_where_it_is_known_from(self, vendorsim: Vendorsim, vendor: str) -> None:
        for profile in vendorsim("vendors", vendor, "--json").json["profiles"]:
            assert tuple(profile["policy"]) == KEYS
            for stated in profile["policy"].values():
                assert stated["value"]
                assert stated["provenance"] in ("documented", "captured", "reconstructed", "assumed")
                assert stated["source"]

    @pytest.mark.parametrize(
        ("vendor", "key", "value", "provenance"),
        [
            ("userlike", "accepted", "200", "documented"),
            ("userlike", "retries", "5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 1d", "assumed"),
            ("smartsupp", "accepted", "200-299", "assumed"),
            ("smartsupp", "connect_timeout", "5s", "assumed"),
            ("smartsupp", "read_timeout", "15s", "assumed"),
            ("chatvisor", "retries", "5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 1d", "assumed"),
            ("chatvisor", "signing", "none", "assumed"),
            ("messagehub", "read_timeout", "5s", "reconstructed"),
            ("messagehub", "connect_timeout", "5s", "reconstructed"),
            ("messagehub", "retries", "none", "reconstructed"),
            ("messagehub", "ordering", "none", "reconstructed"),
            ("messagehub", "in_flight", "10", "reconstructed"),
            ("userlike", "in_flight", "1", "assumed"),
            ("smartsupp", "in_flight", "1", "assumed"),
            ("chatvisor", "in_flight", "1", "assumed"),
            ("messagehub", "connections", "new", "reconstructed"),
            ("messagehub", "pause", "none", "reconstructed"),
            ("userlike", "pause", "none", "assumed"),
            ("chatvisor", "switch_off", "none", "assumed"),
            ("userlike", "connections", "kept", "assumed"),
        ],
    )
    def test_values(self, vendorsim: Vendorsim, vendor: str, key: str, value: str, provenance: str) -> None:
        stated = vendorsim("vendors", vendor, "--json").json["profiles"][0]["policy"][key]
        assert (stated["value"], stated["provenance"]) == (value, provenance)

    @pytest.mark.parametrize("vendor", ["smartsupp", "userlike", "chatvisor"])
    def test_assumptions_follow_standard_webhooks_and_say_so(self, vendorsim: Vendorsim, vendor: str) -> None:
        lines = vendorsim("vendors", vendor).out.splitlines()
        row = next(line for line in lines if line.startswith("retries"))
        _, assumed, number = row.rstrip().rpartition("assumed ")
        assert assumed
        assert any(line.strip().startswith(number) and "Standard Webhooks" in line for line in lines), number


class TestOverriding:
    @pytest.mark.parametrize(
        ("given", "answered", "delivered"),
        [
            ("accepted=201", 201, True),
            ("accepted=201", 200, False),
            ("accepted=200,404", 404, True),
            ("accepted=200-204", 203, True),
            ("accepted=200-204", 205, False),
            ("accepted=2xx,4XX", 418, True),
            ("accepted= 2xx , 301 ", 301, True),
        ],
    )
    def test_accepted_statuses(self, stage: Stage, given: str, answered: int, delivered: bool) -> None:
        with Receiver(status(answered)) as target:
            played = stage(target, "--policy", given, "--policy", "retries=none")
        assert verdicts(played) == ["delivered" if delivered else "rejected"]
        assert played.code == (0 if delivered else 1)

    def test_the_time_to_answer(self, stage: Stage) -> None:
        with Receiver(never) as target:
            played = stage(target, "--policy", "read_timeout=150ms", "--policy", "retries=none")
        (line,) = attempts(played)
        assert (line["verdict"], line["reason"]) == ("timed out", "no answer within 0.15 s")

    def test_the_time_to_connect(self, stage: Stage) -> None:
        with Receiver(never) as target:  # never speaks TLS
            url = target.url().replace("http://", "https://")
            played = stage(url, "--policy", "connect_timeout=150ms")
        (line,) = attempts(played)
        assert (line["verdict"], line["reason"]) == ("unreachable", "no connection within 0.15 s")
        assert played.code == 3

    @pytest.mark.parametrize(
        "written",
        [
            "{retries: [5s, 5m], read_timeout: 2s}",
            "{retries: '5s,5m'}",
            "{retries: [5s, 5m], accepted: [200, 201]}",
            "{retries: [5s, 5m], accepted: 200}",
        ],
    )
    def test_in_the_file(self, stage: Stage, written: str) -> None:
        configure(f"policy: {{smartsupp: {written}}}\n")
        with Receiver(status(500)) as target:
            played = stage(target)
        assert [since_start(line).total_seconds() for line in attempts(played)] == [0, 5, 305]

    @pytest.mark.parametrize("none", ["[]", "none"])
    def test_no_retries_in_the_file(self, stage: Stage, none: str) -> None:
        configure(f"policy: {{smartsupp: {{retries: {none}}}}}\n")
        with Receiver(status(500)) as target:
            assert len(attempts(stage(target))) == 1

    def test_the_command_line_wins_key_by_key(self, stage: Stage) -> None:
        configure("policy: {smartsupp: {retries: [5s, 5m], accepted: 202}}\n")
        with Receiver(status(200), status(202)) as target:
            played = stage(target, "--policy", "retries=7s")
        assert [since_start(line).total_seconds() for line in attempts(played)] == [0, 7]
        assert verdicts(played) == ["rejected", "delivered"]

    def test_of_another_vendor_counts_for_that_one(self, stage: Stage) -> None:
        configure("policy: {userlike: {retries: []}}\n")
        with Receiver(status(500)) as target:
            assert len(attempts(stage(target))) == 10


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("retries", "write it like retries=5s,5m"),
            ("retry=5s", "unknown key of a policy 'retry'"),
            ("retries=5", "policy retries: '5' is not a duration"),
            ("retries=5s,", "policy retries: '' is not a duration"),
            ("retries=5s;5m", "policy retries: '5s;5m' is not a duration"),
            ("read_timeout=0s", "more than 0 and at most 10 minutes"),
            ("read_timeout=11m", "more than 0 and at most 10 minutes"),
            ("connect_timeout=-1s", "'-1s' is not a duration"),
            ("accepted=ok", "'ok' is not a list of HTTP statuses"),
            ("accepted=", "'' is not a list of HTTP statuses"),
            ("accepted=99", "100 to 599"),
            ("accepted=600", "100 to 599"),
            ("accepted=200-", "is not a list of HTTP statuses"),
            ("accepted=299-200", "is not a list of HTTP statuses"),
            ("accepted=1-999999999999", "is not a list of HTTP statuses"),
            ("accepted=٢٠٠", "is not a list of HTTP statuses"),
            ("redirects=many", "'many' is not a number from 0 to 20"),
            ("redirects=21", "'21' is not a number from 0 to 20"),
            ("redirected=", "'' is not a list of redirects"),
            ("redirected=all", "'all' is not a list of redirects (301, 302, 303, 307, 308) such as 301,303:get"),
            ("redirected=300", "'300' is not a list of redirects"),
            ("redirected=304", "'304' is not a list of redirects"),
            ("redirected=301,", "'301,' is not a list of redirects"),
            ("redirected=3xx", "'3xx' is not a list of redirects"),
            ("redirected=301:", "'301:' is not a list of redirects"),
            ("redirected=301:put", "'301:put' is not a list of redirects"),
            ("redirected=٣٠١", "is not a list of redirects"),
            ("ordering=strict", "unknown ordering 'strict'"),
            ("connections=one", "unknown use of connections 'one'"),
            ("in_flight=0", "'0' is not a number from 1 to 1000"),
            ("in_flight=many", "'many' is not a number from 1 to 1000"),
            ("signing=chatwot", "did you mean 'chatwoot'"),
        ],
    )
    def test_on_the_command_line(self, stage: Stage, given: str, message: str) -> None:
        refused = stage("http://127.0.0.1:1/", "--policy", given)
        assert refused.code == 2
        assert message in refused.err
        assert refused.out == ""

    @pytest.mark.parametrize(
        ("policy", "place", "message"),
        [
            ("smartsup: {}", "1:10", "did you mean 'smartsupp'"),
            ("smartsupp: {retry: 5s}", "1:22", "did you mean 'retries'"),
            ("smartsupp: {retries: 5}", "1:31", "'5' is not a duration"),
            ("smartsupp: {retries: [5s, [5m]]}", "1:31", "expected a value or a list of values"),
            ("smartsupp: {retries: {5s: 5m}}", "1:31", "expected a value or a list of values"),
            ("smartsupp: [retries]", "1:21", "expected a mapping such as"),
        ],
    )
    def test_in_the_file(self, stage: Stage, policy: str, place: str, message: str) -> None:
        configure(f"policy: {{{policy}}}\n")
        refused = stage("http://127.0.0.1:1/")
        assert refused.code == 2
        assert f"vendorsim.yaml:{place}: " in refused.err
        assert message in refused.err


class TestRedirects:
    FOLLOW = ("--policy", "redirects=3", "--policy", "retries=none")

    @pytest.mark.parametrize("code", [301, 302, 307, 308])
    def test_are_followed_with_the_same_request(self, stage: Stage, code: int) -> None:
        with Receiver(status(code, Location="/new?a=b"), status(200)) as target:
            played = stage(target, *self.FOLLOW)
        first, second = target.requests
        assert second.line == "POST /new?a=b HTTP/1.1"
        assert second.headers == first.headers
        assert second.body == first.body
        assert verdicts(played) == ["delivered"]

    def test_with_get_where_the_answer_lies_elsewhere(self, stage: Stage) -> None:
        with Receiver(status(303, Location="/seen"), status(307, Location="/there"), status(200)) as target:
            assert verdicts(stage(target, *self.FOLLOW)) == ["delivered"]
        for request, path in zip(target.requests[1:], ("/seen", "/there"), strict=True):
            assert request.line == f"GET {path} HTTP/1.1"
            assert request.body == b""
            assert (request.header("content-length"), request.header("content-type")) == (None, None)

    @pytest.mark.parametrize(
        ("given", "answered", "asked"),
        [
            ("301,303:get", 301, "POST"),
            ("301,303:get", 303, "GET"),
            ("301,303:get", 302, None),
            ("301,303:get", 307, None),
            ("301:get,302:GET", 301, "GET"),
            (" 301: get , 302 ", 302, "POST"),
            ("303", 303, "POST"),
            ("307:get", 307, "GET"),
            ("307", 308, None),
            ("301,301:get", 301, "GET"),
        ],
    )
    def test_which_and_how_is_the_policy_s(self, stage: Stage, given: str, answered: int, asked: str | None) -> None:
        """The statuses that are followed; with `:get` the request loses its body, otherwise it is repeated."""
        with Receiver(status(answered, Location="/new"), status(200)) as target:
            played = stage(target, *self.FOLLOW, "--policy", f"redirected={given}")
        first, *followed = target.requests
        assert [request.line for request in followed] == ([] if asked is None else [f"{asked} /new HTTP/1.1"])
        assert [request.body for request in followed] == (
            [] if asked is None else [b"" if asked == "GET" else first.body]
        )
        assert verdicts(played) == ["rejected" if asked is None else "delivered"]
        if asked is None:
            assert attempts(played)[0]["reason"] == f"answered {answered}, the vendor expects 200-299"

    def test_which_are_followed_does_not_say_how_many(self, stage: Stage) -> None:
        with Receiver(status(301, Location="/new")) as target:
            played = stage(target, "--policy", "redirected=301", "--policy", "redirects=0", "--policy", "retries=none")
        assert len(target.requests) == 1
        assert verdicts(played) == ["rejected"]

    @pytest.mark.parametrize("written", ["[301, '303:get']", "'301,303:get'"])
    def test_in_the_file(self, stage: Stage, written: str) -> None:
        configure(f"policy: {{smartsupp: {{redirects: 3, retries: none, redirected: {written}}}}}\n")
        answers = (status(301, Location="/a"), status(303, Location="/b"), status(302, Location="/c"))
        with Receiver(*answers) as target:
            played = stage(target)
        assert [request.line.split()[:2] for request in target.requests] == [
            ["POST", "/hook"],
            ["POST", "/a"],
            ["GET", "/b"],
        ]
        assert attempts(played)[0]["reason"] == "answered 302, the vendor expects 200-299"

    def test_to_another_host_without_the_credentials(self, stage: Stage) -> None:
        with Receiver() as other, Receiver(status(307, Location=other.url("/x"))) as target:
            url = target.url().replace("http://", "http://dana:pass@")
            stage(url, *self.FOLLOW, "--header", "X-Api-Key: abcdef", "--header", "X-Tenant: acme")
        (first,), (second,) = target.requests, other.requests
        assert first.header("Authorization") == "Basic " + base64.b64encode(b"dana:pass").decode()
        assert (second.header("Authorization"), second.header("X-Api-Key")) == (None, None)
        assert (second.header("X-Tenant"), second.header("Host")) == ("acme", f"127.0.0.1:{other.port}")
        assert second.body == first.body

    def test_as_often_as_the_policy_says(self, stage: Stage) -> None:
        with Receiver(status(307, Location="/again")) as target:
            played = stage(target, *self.FOLLOW)
        assert len(target.requests) == 4
        assert attempts(played)[0]["reason"] == "answered 307, the vendor expects 200-299"

    @pytest.mark.parametrize(
        "location",
        [None, "", "ftp://127.0.0.1/", "http://", "http://[", "http://127.0.0.1:99999/", "//", "http://a b/"],
    )
    def test_to_nowhere_are_answers_like_any_other(self, stage: Stage, location: str | None) -> None:
        answer = status(302) if location is None else status(302, Location=location)
        with Receiver(answer) as target:
            played = stage(target, "--policy", "redirects=1", "--policy", "retries=none")
        assert verdicts(played) == ["rejected"]
        assert "answered 302" in attempts(played)[0]["reason"]

    def test_are_no_answer_by_themselves(self, stage: Stage) -> None:
        with Receiver(status(307, Location="/new")) as target:
            assert verdicts(stage(target, "--policy", "retries=none")) == ["rejected"]
        assert len(target.requests) == 1


def test_faults_are_redirected_whole(stage: Stage) -> None:
    story = talk(1)
    with Receiver(status(307, Location="/new"), status(200)) as target:
        stage(target, "--policy", "redirects=1", "--fault", "http=chunked", story=story, vendor="messagehub")
    first, second = target.requests[:2]
    assert second.line == "POST /new HTTP/1.1"
    assert second.body == first.body
