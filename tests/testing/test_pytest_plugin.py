"""The pytest plugin, in runs of pytest of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from golden import ROOT
from vendorsim.core.errors import InputError, MissingExtraError, UnreachableError
from vendorsim.testing.hosting import hosted, is_asgi
from vendorsim.testing.played import play

pytest_plugins = ["pytester"]

# A WSGI app that keeps what it gets, answers as it is told, and calls nothing.
APP = """
import json

class App:
    def __init__(self, status="200 OK"):
        self.status, self.bodies, self.paths = status, [], []

    def __call__(self, environ, start_response):
        self.bodies.append(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        self.paths.append(environ["PATH_INFO"])
        start_response(self.status, [("Content-Length", "2")])
        return [b"{}"]
"""
TWO_VENDORS = """\
scenario: Nobody answers
vendors: [userlike, smartsupp]
seed: 3
starts: 2026-01-05T09:00:00Z
steps:
  - say: Hello?
  - miss:
    after: 2m
"""


class Integration:
    """A WSGI app that answers always the same, and remembers who was asked."""

    def __init__(self, status: str = "200 OK") -> None:
        self._status = status
        self.paths: list[str] = []
        self.teams: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.paths.append(environ["PATH_INFO"])
        self.teams.append(environ.get("HTTP_X_TEAM", ""))
        start_response(self._status, [("Content-Length", "2")])
        return [b"{}"]


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of a user, with an app to test and a strict configuration."""
    pytester.makeini(
        "[pytest]\naddopts = --strict-markers --strict-config -p no:cacheprovider\nfilterwarnings = error\n"
    )
    pytester.makepyfile(app=APP)
    return pytester


def story(folder: Path, text: str = TWO_VENDORS, name: str = "unanswered.scenario.yaml") -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


class TestPlay:
    def test_sends_a_scenario_to_an_app(self, project: pytest.Pytester) -> None:
        story(project.path, name="unanswered.yaml")
        project.makepyfile("""
            from app import App

            def test_it(vendorsim_play):
                app = App()
                played = vendorsim_play("unanswered.yaml", app, vendor="smartsupp", path="/hook")
                played.assert_passed()
                assert played.passed
                assert played.summary.verdict == "passed"
                assert [attempt.event.name for attempt in played.attempts] == ["post_hook"]
                assert app.bodies[0]["channel"]["isMissed"]
                assert app.paths == ["/hook"]
        """)
        project.runpytest().assert_outcomes(passed=1)

    def test_explains_what_fell_short(self, project: pytest.Pytester) -> None:
        story(project.path, name="unanswered.yaml")
        project.makepyfile("""
            from app import App

            def test_it(vendorsim_play):
                played = vendorsim_play("unanswered.yaml", App("500 Oops"), vendor="smartsupp",
                                        policy={"retries": "none", "accepted": [200, 204]})
                assert not played.passed
                played.assert_passed()
        """)
        project.runpytest().stdout.fnmatch_lines(
            [
                "E  *AssertionError: failed: 0 delivered, 1 failed",
                "E  *Nobody answers, as smartsupp (documented)",
                "E  *seed 3, starts 2026-01-05T09:00:00.000Z, to http://127.0.0.1:*/",
                "E  *2026-01-05T09:02:00.000Z*post_hook*500*rejected: answered 500, the vendor expects 200 or 204",
            ]
        )

    def test_finds_scenarios_beside_the_test_and_reads_text(self, project: pytest.Pytester) -> None:
        story(project.path / "deep", name="unanswered.yaml")
        project.syspathinsert()
        (project.path / "deep" / "test_it.py").write_text(
            dedent("""
            from pathlib import Path
            from app import App

            TEXT = "scenario: One\\nvendors: [chatvisor]\\nsteps:\\n  - say: Hello\\n"
            FILE = "unanswered.yaml"

            def test_file(vendorsim_play):
                vendorsim_play(FILE, App(), vendor="userlike").assert_passed()

            def test_path(vendorsim_play):
                vendorsim_play(Path(__file__).parent / FILE, App(), vendor="userlike").assert_passed()

            def test_built_in(vendorsim_play):
                assert vendorsim_play("missed-chat", App(), vendor="userlike").passed

            def test_text(vendorsim_play):
                assert vendorsim_play(TEXT, App()).run.vendor.name == "chatvisor"
        """)
        )
        project.runpytest().assert_outcomes(passed=4)

    def test_takes_defaults_from_markers_the_closest_first(self, project: pytest.Pytester) -> None:
        story(project.path, name="unanswered.yaml")
        project.makepyfile("""
            import pytest
            from app import App

            pytestmark = pytest.mark.vendorsim(vendor="userlike", seed=5)

            @pytest.mark.vendorsim(vendor="smartsupp", profile="documented")
            def test_it(vendorsim_play):
                run = vendorsim_play("unanswered.yaml", App()).run
                assert (run.vendor.name, run.profile.name, run.seed) == ("smartsupp", "documented", 5)
                assert vendorsim_play("unanswered.yaml", App(), seed=6).run.seed == 6
        """)
        project.runpytest().assert_outcomes(passed=1)

    def test_refuses_unknown_words_in_markers(self, project: pytest.Pytester) -> None:
        project.makepyfile("""
            import pytest

            @pytest.mark.vendorsim(vender="userlike")
            def test_it(vendorsim_play):
                pass
        """)
        result = project.runpytest()
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*the marker vendorsim takes vendor, profile, seed, *, by name; not vender*"])

    def test_uses_the_projects_own_app(self, project: pytest.Pytester) -> None:
        story(project.path, name="unanswered.yaml")
        project.makeconftest("""
            import pytest
            from app import App

            @pytest.fixture
            def app():
                return App()

            @pytest.fixture
            def vendorsim_app(app, vendorsim_server):
                assert vendorsim_server(app) == vendorsim_server(app)
                return vendorsim_server(app) + "/hooks/{vendor}"
        """)
        project.makepyfile("""
            def test_it(app, vendorsim_play):
                vendorsim_play("unanswered.yaml", vendor="smartsupp").assert_passed()
                assert app.paths == ["/hooks/smartsupp"]
        """)
        project.runpytest().assert_outcomes(passed=1)

    def test_knows_the_conversations_at_the_api(self, project: pytest.Pytester) -> None:
        project.makepyfile("""
            import json, urllib.request
            import pytest
            from app import App

            class Caller(App):
                def __init__(self, url):
                    super().__init__()
                    self.url = url

                def __call__(self, environ, start_response):
                    answer = super().__call__(environ, start_response)
                    if "crm-4711" in json.dumps(self.bodies[-1]):
                        session = self.bodies[-1]["id"]
                        body = json.dumps({"identifier": "crm-4711"}).encode()
                        headers = {"Content-Type": "application/json", "Authorization": "Bearer s3cret"}
                        url = f"{self.url}/apps/api/v1/chats/{session}/end_user"
                        urllib.request.urlopen(urllib.request.Request(url, body, headers)).read()
                    return answer

            STORY = '''
            scenario: Number
            vendors: [userlike]
            steps:
              - say: I am crm-4711
              - authenticate: {identifier: crm-4711, within: 20s}
            '''

            @pytest.mark.vendorsim(token="s3cret", strict=True)
            def test_it(vendorsim_play, vendorsim_api):
                played = vendorsim_play(STORY, Caller(vendorsim_api.url))
                played.assert_passed()
                assert [item.verdict for item in played.authentications] == ["as expected"]
                session = played.authentications[0].conversation
                vendorsim_api.assert_called_once_with(within=20, session_id=session, status=202)
                vendorsim_api.assert_not_called(session_id="4711")

            def test_each_test_has_its_own(vendorsim_api):
                vendorsim_api.assert_not_called()
        """)
        project.runpytest().assert_outcomes(passed=2)

    def test_waits_for_calls_from_the_background(self, project: pytest.Pytester) -> None:
        project.makepyfile("""
            import threading, urllib.error, urllib.request

            def test_it(vendorsim_api):
                def call():
                    try:
                        urllib.request.urlopen(vendorsim_api.url + "/apps/api/v1/calls/17/end_user", b"{}")
                    except urllib.error.HTTPError as error:
                        error.close()

                thread = threading.Thread(target=call)
                thread.start()
                assert vendorsim_api.assert_called_with(within=20, session_id=17).status == 401
                thread.join()
        """)
        project.runpytest().assert_outcomes(passed=1)

    def test_says_what_can_not_be_played(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="say as which vendor to play it: userlike, smartsupp"):
            play(TWO_VENDORS, "http://127.0.0.1:1")
        with pytest.raises(InputError, match="'yesterday' is not a date and time"):
            play(TWO_VENDORS, "http://127.0.0.1:1", vendor="smartsupp", start="yesterday")

    def test_sends_what_the_arguments_say(self) -> None:
        target = Integration()
        with hosted(target) as url:
            played = play(
                TWO_VENDORS,
                url + "/{vendor}",
                vendor="smartsupp",
                start="2026-02-01T00:00:00Z",
                count=2,
                spacing="1m",
                vary=False,
                headers={"X-Team": "blue"},
                faults="duplicate",
                fault_on="post_hook",
            )
        played.assert_passed()
        assert sorted(attempt.event.at for attempt in played.attempts if not attempt.copy) == [
            1_769_904_120_000,
            1_769_904_180_000,
        ]
        assert target.paths == ["/smartsupp"] * 4
        assert target.teams == ["blue"] * 4

    def test_reports_in_plain_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        with hosted(Integration("500 Oops")) as url:
            report = play(TWO_VENDORS, url, vendor="smartsupp").report()
        assert report.splitlines()[-1].startswith("failed: 0 delivered, 1 failed")
        assert "\x1b" not in report

    def test_is_no_matter_for_a_running_event_loop(self) -> None:
        async def within() -> None:
            with pytest.raises(InputError, match=r"await asyncio\.to_thread"):
                play(TWO_VENDORS, "http://127.0.0.1:1", vendor="smartsupp")
            with hosted(Integration()) as url:
                (await asyncio.to_thread(play, TWO_VENDORS, url, vendor="smartsupp")).assert_passed()

        asyncio.run(within())


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    while scope["type"] == "lifespan":
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


class Framework:
    """An ASGI app as frameworks make them."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await asgi(scope, receive, send)


class TestApps:
    @pytest.mark.parametrize("app", [asgi, Framework(), lambda scope, receive, send: asgi(scope, receive, send)])
    def test_asgi_is_told_from_wsgi(self, app: Any) -> None:
        assert is_asgi(app)

    @pytest.mark.parametrize(
        "app",
        [
            lambda environ, start_response: [b""],
            lambda environ, start_response, extra=None: [b""],
            lambda *arguments: [b""],
        ],
    )
    def test_wsgi_is_told_from_asgi(self, app: Any) -> None:
        assert not is_asgi(app)

    def test_no_app_is_refused(self) -> None:
        with pytest.raises(InputError, match="17 is no WSGI or ASGI app"), hosted(17):
            pass

    def test_asgi_needs_uvicorn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "uvicorn", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'vendorsim\[asgi\]'"), hosted(asgi):
            pass

    def test_asgi_apps_are_played_against(self) -> None:
        pytest.importorskip("uvicorn")
        with hosted(Framework()) as url:
            play(TWO_VENDORS, url, vendor="userlike").assert_passed()

    def test_asgi_apps_must_start(self) -> None:
        pytest.importorskip("uvicorn")

        async def broken(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "lifespan.startup.failed"})

        with pytest.raises(UnreachableError, match="the ASGI app does not start"), hosted(broken):
            pass


PROBED = """
scenario: Probed
vendors: [userlike]
steps:
  - say: Hello
  - probe: {/bodies: 2, within: 0s}
"""


class TestProbeSteps:
    def test_the_probe_is_an_argument(self, project: pytest.Pytester) -> None:
        story(project.path, PROBED, "probed.yaml")
        project.makepyfile("""
            import app, pytest

            @pytest.mark.parametrize(("bodies", "verdict"), [(2, "as expected"), (3, "missed")])
            def test_it(vendorsim_play, bodies, verdict):
                probe = lambda conversation_id, identifier: {"bodies": bodies}
                played = vendorsim_play("probed.yaml", app.App(), probe=probe)
                assert [item.verdict for item in played.probes] == [verdict]
                assert played.passed is (verdict == "as expected")
        """)
        project.runpytest().assert_outcomes(passed=2)

    def test_a_state_that_can_not_be_read_fails_the_test(self, project: pytest.Pytester) -> None:
        story(project.path, PROBED, "probed.yaml")
        project.makepyfile("""
            import app

            def test_it(vendorsim_play):
                vendorsim_play("probed.yaml", app.App(), probe={"a": "command: false {identifier}"}).assert_passed()
        """)
        result = project.runpytest()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["E *incomplete (a: the probe's command false ended with exit code 1)*"])

    def test_scenario_files_use_the_probe_of_the_checks(self, project: pytest.Pytester) -> None:
        story(project.path, PROBED, "probed.scenario.yaml")
        project.makeconftest("""
            import app, pytest

            @pytest.fixture
            def vendorsim_app():
                return app.App()

            @pytest.fixture
            def vendorsim_check_options():
                return {"probe": lambda conversation_id, identifier: {"bodies": 1}}
        """)
        result = project.runpytest()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*missed: /bodies: expected 2, found 1*"])


class TestScenarioFiles:
    def test_are_a_test_for_each_vendor(self, project: pytest.Pytester) -> None:
        story(project.path / "stories")
        target = Integration()
        with hosted(target) as url:
            result = project.runpytest("-v", "--vendorsim-to", url + "/hooks/{vendor}")
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(["*stories/unanswered.scenario.yaml::userlike PASSED*", "*::smartsupp PASSED*"])
        assert set(target.paths) == {"/hooks/userlike", "/hooks/smartsupp"}

    def test_fail_with_the_summary_of_the_run(self, project: pytest.Pytester) -> None:
        story(project.path)
        with hosted(Integration("400 Bad Request")) as url:
            result = project.runpytest("-k", "smartsupp", "--vendorsim-to", url)
        result.assert_outcomes(failed=1, deselected=1)
        result.stdout.fnmatch_lines(
            [
                "*unanswered.scenario.yaml as smartsupp*",
                "failed: 0 delivered, 1 failed*",
                "Nobody answers, as smartsupp (documented)",
                "seed 3, starts 2026-01-05T09:00:00.000Z, to http://127.0.0.1:*",
                "*post_hook*400*rejected: answered 400, the vendor expects 200-299*",
                "FAILED unanswered.scenario.yaml::smartsupp - failed: 0 delivered, 1 failed*",
            ]
        )

    def test_with_problems_are_errors_of_the_collection(self, project: pytest.Pytester) -> None:
        story(
            project.path / "stories",
            "scenario: A\nsteps:\n  - sai: Hello\n  - say: 1\n    afterr: 1s\n",
            "bad.scenario.yaml",
        )
        result = project.runpytest()
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(
            [
                "stories/bad.scenario.yaml:3:5: unknown verb 'sai'; did you mean 'say'?",
                "stories/bad.scenario.yaml:5:5: unknown *'afterr'*",
            ]
        )

    def test_go_where_the_setting_or_the_configuration_says(self, project: pytest.Pytester) -> None:
        story(project.path)
        first, second = Integration(), Integration()
        with hosted(first) as configured, hosted(second) as set_up, hosted(Integration("500 Oops")) as other:
            (project.path / "vendorsim.yaml").write_text(f"targets: {{userlike: [{{url: '{configured}'}}]}}\n")
            project.runpytest().assert_outcomes(passed=1, skipped=1)
            assert len(second.paths) == 0 < len(first.paths)
            first.paths.clear()
            project.runpytest("-o", f"vendorsim_to={set_up}").assert_outcomes(passed=2)
            assert len(first.paths) == 0 < len(second.paths)
            second.paths.clear()
            result = project.runpytest("-o", f"vendorsim_to={set_up}", "--vendorsim-to", other)
            result.assert_outcomes(failed=2)
            assert len(second.paths) == 0

    def test_without_a_target_are_skipped(self, project: pytest.Pytester) -> None:
        story(project.path)
        text = "scenario: A\nvendors: [ccai, userlike]\nsteps:\n  - say: Hello\n  - authenticate: crm-1\n"
        story(project.path, text, "call.scenario.yaml")
        result = project.runpytest("-rs")
        result.assert_outcomes(skipped=4)
        result.stdout.fnmatch_lines(
            [
                "SKIPPED * ccai sends no webhooks; play it in a test, with vendorsim_play and vendorsim_api",
                "SKIPPED * no target: define the fixture vendorsim_app, give --vendorsim-to URL, *",
            ],
            consecutive=False,
        )

    def test_are_skipped_if_expected_calls_can_not_be_judged(self, project: pytest.Pytester) -> None:
        text = "scenario: A\nvendors: [userlike]\nsteps:\n  - say: Hello\n  - expect_call: sink.crm\n"
        story(project.path, text)
        with hosted(Integration()) as url:
            result = project.runpytest("-rs", "--vendorsim-to", url)
        result.assert_outcomes(skipped=1)
        result.stdout.fnmatch_lines(
            ["SKIPPED * calls were expected and not judged: let the fixture vendorsim_app use *"]
        )

    def test_are_judged_by_the_calls_of_vendorsim_api(self, project: pytest.Pytester) -> None:
        text = "scenario: A\nvendors: [userlike]\nsteps:\n  - say: Hello\n"
        step = "  - expect_call: {call: sink.crm, with: {/n: %s}, within: 50ms}\n"
        story(project.path, text + step % 1)
        story(project.path, text + step % 2, "wrong.scenario.yaml")
        project.makeconftest("""
            import json
            import urllib.request

            import pytest

            @pytest.fixture
            def vendorsim_app(vendorsim_api, vendorsim_server):
                def app(environ, start_response):
                    call = urllib.request.Request(vendorsim_api.url + "/_sinks/crm", json.dumps({"n": 1}).encode())
                    urllib.request.urlopen(call, timeout=20).close()
                    start_response("200 OK", [("Content-Length", "0")])
                    return [b""]

                return vendorsim_server(app)
        """)
        result = project.runpytest()
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(
            ["*: missed: no call of sink.crm was as expected *", "*: /n: expected 2, found 1; as expected: *"]
        )

    def test_are_selected_by_the_marker(self, project: pytest.Pytester) -> None:
        story(project.path)
        project.makepyfile("def test_other(): pass")
        project.runpytest("-m", "not vendorsim").assert_outcomes(passed=1, deselected=2)

    def test_other_files_are_left_alone(self, project: pytest.Pytester) -> None:
        story(project.path, "not: a scenario\n", "values.yaml")
        project.makepyfile("def test_other(): pass")
        project.runpytest().assert_outcomes(passed=1)


@pytest.mark.thorough
def test_parallel_tests_share_nothing(project: pytest.Pytester) -> None:
    """Two processes, the same conversation id everywhere: nobody sees another's calls, ports or sessions."""
    story(project.path)
    project.makepyfile("""
        import pytest, requests
        from app import App
        from vendorsim.testing.double import vendor_api

        def call(url):
            return requests.post(url + "/apps/api/v1/chats/17/end_user", json={"identifier": "crm-4711"},
                                 headers={"Authorization": "Bearer x"}, timeout=20).json()["message"]

        @pytest.mark.parametrize("number", range(6))
        def test_served(number, vendorsim_api, vendorsim_play):
            app = App()
            played = vendorsim_play("unanswered.scenario.yaml", app, vendor="userlike")
            played.assert_passed()
            assert len(app.bodies) == len(played.attempts)
            assert call(vendorsim_api.url) == "accepted"
            vendorsim_api.end_session(17)
            vendorsim_api.assert_called_once_with(session_id=17)

        @pytest.mark.parametrize("number", range(6))
        def test_in_process(number):
            with vendor_api() as api:
                assert call(api.url) == "accepted"
                api.force(17, "error", "error")
                assert len(api.calls) == 1
    """)
    with hosted(Integration()) as url:
        result = project.runpytest_subprocess("-n", "2", "-p", "no:schemathesis", "--vendorsim-to", url)
    result.assert_outcomes(passed=14)


def test_unused_it_imports_nothing() -> None:
    code = "import vendorsim.pytest_plugin, sys; print(*[name for name in sys.modules if 'vendorsim' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "vendorsim vendorsim.pytest_plugin\n"


class TestDocument:
    """docs/pytest.md: its files are put down as they stand there, and its tests are run."""

    TEXT = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")

    def files(self) -> dict[str, str]:
        blocks = [block.partition("\n")[2].partition("```")[0] for block in self.TEXT.split("\n```")[1::2]]
        return {block.partition("\n")[0].removeprefix("# "): block for block in blocks if block.startswith("# ")}

    @pytest.mark.slow
    def test_does_what_it_says(self, pytester: pytest.Pytester) -> None:
        for name, content in self.files().items():
            file = pytester.path / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(content, encoding="utf-8")
        assert sorted(self.files()) == [
            "conftest.py",
            "pytest.ini",
            "shop.py",
            "stories/unanswered.scenario.yaml",
            "test_contract.py",
            "test_crm.py",
            "test_hooks.py",
            "test_identification.py",
            "test_identify.py",
        ]
        with hosted(Integration()) as url:
            result = pytester.runpytest_subprocess(
                "-p", "no:cacheprovider", "-W", "error", "--vendorsim-to", url + "/hooks/{vendor}"
            )
        result.assert_outcomes(passed=12)

    def test_shows_a_miss_as_it_is(self) -> None:
        from vendorsim.testing.double import VendorApi
        from werkzeug.test import Client

        api = VendorApi()
        for session, identifier in ((16, "crm-4710"), (17, "CRM-4711")):
            path = f"/apps/api/v1/chats/{session}/end_user"
            Client(api.wsgi).post(path, json={"identifier": identifier}, headers={"Authorization": "Bearer x"})
        with pytest.raises(AssertionError) as missed:
            api.assert_called_with(session_id=17, identifier="crm-4711", name="Dana")
        assert f"```text\n{missed.value}\n```\n" in self.TEXT
