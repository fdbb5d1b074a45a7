"""The targets of `vendorsim.yaml`: who gets which event, where the file is looked for, and what wins."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from command_line import Vendorsim
from receiver import Receiver
from stories import CHAT, EVENTS, written
from vendorsim.core.errors import DocumentError
from vendorsim.runs.config import load
from vendorsim.scenario.calls import ConversationPlace, Sink, SinkAnswer


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, two levels below the one that holds the story."""
    folder = tmp_path / "project" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    return written(tmp_path, CHAT)


def configure(folder: Path, text: str) -> Path:
    path = folder / "vendorsim.yaml"
    path.write_text(text, encoding="utf-8")
    return path


class TestSeveralTargets:
    def test_each_gets_what_it_subscribes_to(self, vendorsim: Vendorsim, chat: Path, elsewhere: Path) -> None:
        with Receiver() as everything, Receiver() as ends, Receiver() as nothing:
            configure(
                elsewhere,
                f"""
                targets:
                  userlike:
                    - {{url: "{everything.url("/all")}", headers: {{X-Api-Key: abc, User-Agent: mine}}}}
                    - {{url: "{ends.url("/ends")}", events: [conversation.ended, chat_session.end]}}
                    - {{url: "{nothing.url("/none")}", events: []}}
                  smartsupp:
                    - url: {nothing.url("/smartsupp")}
                """,
            )
            played = vendorsim("play", chat, "--vendor", "userlike", "--json")
        assert played.code == 0, played.err
        attempts = played.lines[:-1]
        by_target = defaultdict(list)
        for line in attempts:
            by_target[line["target"]].append(line["event"])
        assert by_target == {
            everything.url("/all"): EVENTS["userlike"],
            ends.url("/ends"): ["chat_session.end", "conversation.ended"],
        }
        assert nothing.connections == []
        assert [line["target"] for line in attempts[3:5]] == [everything.url("/all"), ends.url("/ends")]
        assert len({line["delivery"] for line in attempts}) == 7, "each delivery has its own id"
        assert len({line["event_id"] for line in attempts}) == 5
        assert everything.bodies[3:] == ends.bodies
        assert {request.header("x-api-key") for request in everything.requests} == {"abc"}
        assert {request.header("user-agent") for request in everything.requests} == {"mine"}
        assert {request.header("x-api-key") for request in ends.requests} == {None}
        assert played.lines[-1]["targets"] == [
            target.url(path) for target, path in ((everything, "/all"), (ends, "/ends"), (nothing, "/none"))
        ]

    def test_an_event_goes_to_all_before_the_next_one(self, vendorsim: Vendorsim, chat: Path, elsewhere: Path) -> None:
        with Receiver() as target:
            urls = [target.url("/a"), target.url("/b")]
            configure(elsewhere, f"targets: {{userlike: [{{url: '{urls[0]}'}}, {{url: '{urls[1]}'}}]}}")
            vendorsim("play", chat, "--vendor", "userlike")
        assert [request.line.split()[1] for request in target.requests] == ["/a", "/b"] * 5

    def test_agent_bots_are_not_told_of_changes_of_the_status(
        self, vendorsim: Vendorsim, chat: Path, elsewhere: Path
    ) -> None:
        with Receiver() as webhook, Receiver() as bot:
            configure(
                elsewhere,
                f"targets: {{messagehub: [{{url: '{webhook.url()}', kind: webhook}},"
                f" {{url: '{bot.url()}', kind: agent_bot}}]}}",
            )
            played = vendorsim("play", chat, "--vendor", "messagehub", "--policy", "in_flight=1")
        assert played.code == 0, played.err
        assert [request.json["event"] for request in webhook.requests] == EVENTS["messagehub"]
        told = [event for event in EVENTS["messagehub"] if event != "conversation_status_changed"]
        assert [request.json["event"] for request in bot.requests] == told

    def test_the_header_of_the_command_line_wins(self, vendorsim: Vendorsim, chat: Path, elsewhere: Path) -> None:
        with Receiver() as target:
            configure(elsewhere, f"targets: {{userlike: [{{url: '{target.url()}', headers: {{X-Key: file}}}}]}}")
            vendorsim("play", chat, "--vendor", "userlike", "--header", "x-key: line")
        assert target.requests[0].header("X-Key") == "line"


class TestWhereTheFileIs:
    @pytest.mark.parametrize("up", [0, 1, 2])
    def test_upwards_from_the_working_directory(
        self, vendorsim: Vendorsim, chat: Path, elsewhere: Path, up: int
    ) -> None:
        with Receiver() as target:
            configure([elsewhere, *elsewhere.parents][up], f"targets: {{userlike: [{{url: '{target.url()}'}}]}}")
            assert vendorsim("play", chat, "--vendor", "userlike").code == 0
        assert len(target.requests) == 5

    def test_the_nearest_one_counts(self, vendorsim: Vendorsim, chat: Path, elsewhere: Path) -> None:
        with Receiver() as near, Receiver() as far:
            configure(elsewhere, f"targets: {{userlike: [{{url: '{near.url()}'}}]}}")
            configure(elsewhere.parent, f"targets: {{userlike: [{{url: '{far.url()}'}}]}}")
            vendorsim("play", chat, "--vendor", "userlike")
        assert len(near.requests) == 5
        assert far.connections == []

    def test_config_names_another(self, vendorsim: Vendorsim, chat: Path, elsewhere: Path, tmp_path: Path) -> None:
        with Receiver() as named, Receiver() as near:
            configure(elsewhere, f"targets: {{userlike: [{{url: '{near.url()}'}}]}}")
            other = tmp_path / "other.yml"
            other.write_text(f"targets: {{userlike: [{{url: '{named.url()}'}}]}}")
            vendorsim("play", chat, "--vendor", "userlike", "--config", other)
        assert len(named.requests) == 5
        assert near.connections == []

    def test_a_named_one_must_be_there(self, vendorsim: Vendorsim, chat: Path) -> None:
        refused = vendorsim(
            "play", chat, "--vendor", "userlike", "--to", "http://127.0.0.1:1/", "--config", "gone.yaml"
        )
        assert refused.code == 2
        assert refused.err.startswith("gone.yaml:1:1: can't be read")


class TestWhatWins:
    @pytest.mark.parametrize(
        ("line", "environment", "winner"),
        [(True, True, "line"), (True, False, "line"), (False, True, "environment"), (False, False, "file")],
    )
    def test_the_line_then_the_environment_then_the_file(
        self,
        vendorsim: Vendorsim,
        chat: Path,
        elsewhere: Path,
        monkeypatch: pytest.MonkeyPatch,
        line: bool,
        environment: bool,
        winner: str,
    ) -> None:
        with Receiver() as target:
            configure(elsewhere, f"targets: {{userlike: [{{url: '{target.url('/file')}'}}]}}")
            if environment:
                monkeypatch.setenv("VENDORSIM_TO", target.url("/environment"))
            arguments = ("--to", target.url("/line")) if line else ()
            assert vendorsim("play", chat, "--vendor", "userlike", *arguments).code == 0
        assert {request.line.split()[1] for request in target.requests} == {f"/{winner}"}

    def test_other_options_stand_in_the_environment_too(
        self, vendorsim: Vendorsim, chat: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VENDORSIM_VENDOR", "messagehub")
        monkeypatch.setenv("VENDORSIM_SEED", "11")
        expected = vendorsim("generate", chat, "--vendor", "messagehub", "--seed", 11)
        assert vendorsim("generate", chat).out == expected.out
        assert vendorsim("generate", chat, "--seed", 12).out != expected.out


class TestNoTarget:
    def test_without_a_file(self, vendorsim: Vendorsim, chat: Path) -> None:
        refused = vendorsim("play", chat, "--vendor", "userlike")
        assert refused.code == 2
        assert "--to URL" in refused.err
        assert "vendorsim.yaml (there is none here)" in refused.err

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "targets: {}",
            "targets: {userlike: []}",
            "targets: {smartsupp: [{url: 'http://127.0.0.1:1/'}]}",
        ],
    )
    def test_with_a_file_that_names_none(self, vendorsim: Vendorsim, chat: Path, elsewhere: Path, text: str) -> None:
        path = configure(elsewhere, text)
        refused = vendorsim("play", chat, "--vendor", "userlike")
        assert refused.code == 2
        assert "userlike" in refused.err
        assert str(path) in refused.err


class TestBadFile:
    @pytest.mark.parametrize(
        ("text", "place", "message"),
        [
            ("- a", "1:1", "a list"),
            ("target: {}", "1:1", "did you mean 'targets'?"),
            ("targets: here", "1:10", "expected a mapping of vendors to lists of targets"),
            ("targets: {userlik: []}", "1:11", "unknown vendor 'userlik'; did you mean 'userlike'?"),
            ("targets: {userlike: {url: 'http://a/'}}", "1:21", "a list"),
            ("targets:\n  userlike:\n    - http://a/", "3:7", "expected a mapping with url"),
            ("targets: {userlike: [{}]}", "1:22", "url"),
            ("targets: {userlike: [{url: 5}]}", "1:28", "a URL"),
            ("targets: {userlike: [{url: localhost}]}", "1:28", "neither http:// nor https://"),
            ("targets: {userlike: [{url: 'http://a/', urls: 1}]}", "1:41", "did you mean 'url'?"),
            (
                "targets: {userlike: [{url: 'http://a/', events: [chat_session.End]}]}",
                "1:50",
                "did you mean 'chat_session.end'? (names are case-sensitive)",
            ),
            ("targets: {userlike: [{url: 'http://a/', events: all}]}", "1:49", "a list"),
            ("targets: {userlike: [{url: 'http://a/', kind: agent_bot}]}", "1:47", "known: webhook"),
            ("targets: {messagehub: [{url: 'http://a/', kind: agentbot}]}", "1:49", "did you mean 'agent_bot'?"),
            ("targets: {userlike: [{url: 'http://a/', headers: {X Y: a}}]}", "1:51", "is not a header name"),
            ('targets: {userlike: [{url: "http://a/", headers: {X: "a\\nb"}}]}', "1:51", "a line break"),
            ("targets: {userlike: [{url: 'http://a/', headers: {Content-Length: '5'}}]}", "1:51", "set by vendorsim"),
            ("targets: {userlike: [{url: 'http://a/'}], userlike: []}", "1:43", "duplicate key 'userlike'"),
            ("targets: [}", "1:11", "not valid YAML"),
        ],
    )
    def test_every_problem_has_its_place(
        self, vendorsim: Vendorsim, chat: Path, elsewhere: Path, text: str, place: str, message: str
    ) -> None:
        path = configure(elsewhere, text)
        refused = vendorsim("play", chat, "--vendor", "userlike", "--to", "http://127.0.0.1:1/")
        assert refused.code == 2
        assert refused.err.startswith(f"{path}:{place}: ")
        assert message in refused.err
        assert refused.out == ""

    def test_all_problems_are_told_at_once(self, vendorsim: Vendorsim, chat: Path, elsewhere: Path) -> None:
        path = configure(elsewhere, "targets:\n  userlik: []\n  smartsupp:\n    - {url: here}\n    - {kind: web}\n")
        refused = vendorsim("play", chat, "--vendor", "userlike")
        places = [line.removeprefix(f"{path}:").split(": ")[0] for line in refused.err.splitlines()]
        assert places == ["2:3", "4:13", "5:7", "5:14"]


class TestSinks:
    def test_are_read(self, elsewhere: Path) -> None:
        found = load(
            str(
                configure(
                    elsewhere,
                    """
                    sinks:
                      crm:
                        conversation: {header: X-Conversation}
                        answers: [{status: 500}, {status: 201, body: {id: 7}, latency: 200ms}]
                      slack:
                      whatsapp: {customer: true, conversation: /chat/id}
                    """,
                )
            )
        )
        assert found.sinks == (
            Sink("crm", (SinkAnswer(500), SinkAnswer(201, {"id": 7}, 200)), ConversationPlace(header="X-Conversation")),
            Sink("slack"),
            Sink("whatsapp", conversation=ConversationPlace(pointer="/chat/id"), customer=True),
        )

    def test_wrong_ones_are_told_with_their_places(self, elsewhere: Path) -> None:
        wrong = configure(
            elsewhere, "sinks:\n  CRM: {}\n  slack: {answer: {status: 200}}\n  x: {answers: {latency: 2m}}\n"
        )
        with pytest.raises(DocumentError) as refused:
            load(str(wrong))
        assert [(problem.line, problem.column) for problem in refused.value.problems] == [(2, 3), (3, 11), (4, 26)]
        assert "unknown key in a sink 'answer'; did you mean 'answers'?" in str(refused.value)
