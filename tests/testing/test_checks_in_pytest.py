"""The contract tests of an integration inside pytest: `vendorsim_check`, and checks that are collected as tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from vendorsim.checks.registry import all_checks
from vendorsim.core.errors import InputError
from vendorsim.testing import Checked, check
from vendorsim.testing.collected import EACH_EVENT
from vendorsim.testing.hosting import hosted
from vendorsim.vendorkit import registry

pytest_plugins = ["pytester"]

Wsgi = Callable[[dict[str, Any], Any], list[bytes]]

# The apps of the tests below, and of the projects in them: one that takes everything that is JSON and keeps it by
# chat, one that refuses keys it does not know, and one that keeps what it should overwrite.
APPS = """
import json

def app(judge, chats=None):
    def answer(environ, start_response):
        if environ["REQUEST_METHOD"] == "GET":
            found = (chats or {}).get(environ["PATH_INFO"].rpartition("/")[2])
            return reply(start_response, "404 Not Found" if found is None else "200 OK", found)
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            return reply(start_response, "400 Bad Request")
        return reply(start_response, judge(body))
    return answer

def reply(start_response, status, body=None):
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]

def takes_everything(body):
    return "200 OK"

def refuses_unknown_keys(body):
    return "500 Oops" if "vendorsim" in json.dumps(body) else "200 OK"

def appending(chats):
    def keep(body):
        if isinstance(body, dict) and isinstance(body.get("channel"), dict):
            chats.setdefault(str(body["channel"].get("id")), []).append(body["channel"].get("duration"))
        return "200 OK"
    return keep
"""
_names: dict[str, Any] = {}
exec(APPS, _names)  # The same text is a module of the projects.
serve, takes_everything, refuses_unknown_keys, appending = (
    _names[name] for name in ("app", "takes_everything", "refuses_unknown_keys", "appending")
)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of a user with those apps, a strict configuration, and Smartsupp's checks collected."""
    pytester.makeini("""
        [pytest]
        addopts = --strict-markers --strict-config -p no:cacheprovider
        filterwarnings = error
        vendorsim_check = smartsupp
    """)
    pytester.makepyfile(apps=APPS)
    return pytester


def conftest(project: pytest.Pytester, judge: str, options: str = "{}") -> None:
    project.makeconftest(f"""
        import pytest
        import apps

        CHATS = {{}}
        APP = apps.app(apps.{judge}, CHATS)

        def probe(conversation_id, identifier):
            return CHATS.get(conversation_id)

        @pytest.fixture
        def vendorsim_app():
            return APP

        @pytest.fixture
        def vendorsim_check_options():
            return {options}
    """)


class TestFixture:
    def test_judges_an_app(self, project: pytest.Pytester) -> None:
        project.makepyfile("""
            import apps

            def test_it(vendorsim_check):
                checked = vendorsim_check(apps.app(apps.takes_everything), vendor="smartsupp", only="accepts",
                                          require="accepts")
                checked.assert_passed()
                assert checked.passed
                assert {result.check.family for result in checked.verdict.results} == {"accepts"}
        """)
        project.runpytest("-k", "test_it").assert_outcomes(passed=1)

    def test_fails_with_the_findings_and_how_to_reproduce_them(self, project: pytest.Pytester) -> None:
        project.makepyfile("""
            import pytest, apps

            @pytest.mark.vendorsim(vendor="smartsupp", seed=3)
            def test_it(vendorsim_check):
                vendorsim_check(apps.app(apps.refuses_unknown_keys), path="/hook", only="tolerates").assert_passed()
        """)
        result = project.runpytest("-k", "test_it")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "E *AssertionError: failed: *",
                "E * smartsupp (documented) against http://127.0.0.1:*/hook, seed 3",
                "E * error tolerates.unknown_field: * finding*",
                "E * remedy: Ignore fields you don't know.",
                "E * found 500*",
                "E * reproduce: vendorsim check --vendor smartsupp --to URL/hook --seed 3 "
                "--only tolerates.unknown_field:post_hook:*",
                "E * run it again: pytest test_fails_with_the_findings_and_how_to_reproduce_them.py::test_it",
            ]
        )

    def test_is_made_in_one_account(self, project: pytest.Pytester) -> None:
        project.makepyfile("""
            import apps, pytest

            @pytest.mark.vendorsim(vendor="smartsupp", account=311)
            def test_it(vendorsim_check):
                mine = apps.app(lambda body: "200 OK" if body["accountId"] == 311 else "403 Forbidden")
                vendorsim_check(mine, only="accepts.typical").assert_passed()
                found = vendorsim_check(mine, only="accepts.typical", account=312).findings
                assert " --account 312 " in found[0].reproduce

            def test_a_scenario_too(vendorsim_play):
                mine = apps.app(lambda body: "200 OK" if body["accountId"] == 311 else "403 Forbidden")
                vendorsim_play("missed-chat", mine, vendor="smartsupp", account=311).assert_passed()
        """)
        project.runpytest("-k", "test_it or test_a_scenario_too").assert_outcomes(passed=2)

    def test_reads_the_state_by_a_function(self, project: pytest.Pytester) -> None:
        project.makepyfile("""
            import apps

            def test_it(vendorsim_check):
                chats = {}
                checked = vendorsim_check(apps.app(apps.appending(chats)), vendor="smartsupp", only="retry_safe",
                                          probe=lambda conversation_id, identifier: chats.get(conversation_id))
                assert [finding.check for finding in checked.findings] == ["retry_safe"]
        """)
        project.runpytest("-k", "test_it").assert_outcomes(passed=1)

    def test_takes_the_projects_own_app_and_its_path(self, project: pytest.Pytester) -> None:
        conftest(project, "takes_everything")
        project.makepyfile("""
            def test_it(vendorsim_check):
                checked = vendorsim_check(vendor="smartsupp", only="accepts.typical")
                assert checked.verdict.target.endswith("/hooks/smartsupp")
        """)
        project.runpytest("-k", "test_it", "-o", "vendorsim_path=/hooks/{vendor}").assert_outcomes(passed=1)

    @pytest.mark.slow
    def test_answers_the_calls_of_the_integration(self, project: pytest.Pytester) -> None:
        project.makepyfile("""
            import apps

            def test_it(vendorsim_check, vendorsim_api):
                checked = vendorsim_check(apps.app(apps.takes_everything), vendor="userlike", only="calls_api.called")
                assert {finding.check for finding in checked.findings} == {"calls_api.called"}
        """)
        project.runpytest("-k", "test_it").assert_outcomes(passed=1)


def run(judge: Any, chats: dict[str, Any] | None = None, **options: Any) -> Checked:
    with hosted(serve(judge, chats)) as url:
        return check(url, vendor="smartsupp", **options)


def breaks_with_many_values(body: Any) -> str:
    """An integration that fails in another way for each field of another type."""
    keys = ("id", "duration", "messagesCount", "wordsCount", "isChat", "isMissed", "isTriggered")
    for number, key in enumerate(keys, 501):
        if not isinstance(body["channel"][key], int):
            return f"{number} Broken"
    return "200 OK"


class TestResult:
    def test_several_checks_are_selected_and_left_out(self) -> None:
        checked = run(takes_everything, only=["accepts", "tolerates.text:post_hook"], skip="accepts.maximal")
        statuses = {result.check.id: result.status for result in checked.verdict.results}
        assert statuses == {
            "accepts.typical": "passed",
            "accepts.minimal": "passed",
            "accepts.maximal": "skipped",
            "accepts.forms": "passed",
            "accepts.pairs": "passed",
            "tolerates.text": "passed",
        }
        checked.assert_passed()

    def test_what_is_required_must_be_judged(self) -> None:
        checked = run(takes_everything, only=["accepts", "retry_safe"], require=["accepts", "retry_safe", "fuzz"])
        assert not checked.passed
        with pytest.raises(AssertionError, match=r"incomplete: 5 passed, 1 not judged") as failed:
            checked.assert_passed()
        lines = str(failed.value).splitlines()
        assert [line for line in lines if line.startswith("required, but not judged: retry_safe: ")]
        assert "required, but not judged: fuzz: it was not selected" in lines

    def test_a_run_in_which_nothing_was_judged_did_not_pass(self) -> None:
        checked = run(takes_everything, only="idempotent")
        assert not checked.passed
        with pytest.raises(AssertionError, match=r"nothing judged: 2 not judged"):
            checked.assert_passed()

    def test_a_target_that_can_not_be_reached_did_not_pass(self) -> None:
        checked = check("http://127.0.0.1:9/hook", vendor="smartsupp", only=["accepts", "retry_safe"])
        with pytest.raises(AssertionError, match="unreachable"):
            checked.assert_passed()

    def test_the_message_says_how_many_findings_it_leaves_out(self) -> None:
        checked = run(breaks_with_many_values, only=["rejects.wrong_type", "rejects.no_object"])
        with pytest.raises(AssertionError) as failed:
            checked.assert_passed()
        shown = str(failed.value).count("reproduce: ")
        assert shown < len(checked.findings)
        (more,) = re.findall(r"and (\d+) more findings? \(", str(failed.value))
        assert int(more) == len(checked.findings) - shown

    def test_the_message_fits_100_columns_but_for_commands(self) -> None:
        text = run(refuses_unknown_keys, only="tolerates").explain()
        lines = [line for line in text.splitlines() if not line.strip().startswith("reproduce:")]
        assert max(map(len, lines)) <= 100

    def test_the_report_is_that_of_the_command(self) -> None:
        lines = run(takes_everything, only="accepts").report().splitlines()
        assert lines[0].startswith("smartsupp (documented) against http://127.0.0.1:")
        assert lines[-1] == "passed: 5 passed"

    def test_a_probe_on_the_integrations_own_server_is_a_path(self) -> None:
        chats: dict[str, Any] = {}
        checked = run(appending(chats), chats, only="retry_safe", probe="/chats/{conversation_id}")
        assert [finding.check for finding in checked.findings] == ["retry_safe"]
        assert "--probe 'http://127.0.0.1:" in checked.findings[0].reproduce

    def test_several_probes_have_names(self) -> None:
        chats: dict[str, Any] = {}
        probes = {"chats": "/chats/{conversation_id}", "crm": lambda conversation_id, identifier: {"of": "nobody"}}
        checked = run(appending(chats), chats, only="retry_safe", probe=probes)
        assert [finding.pointer for finding in checked.findings] == ["/chats"]
        assert "--probe 'chats=http://127.0.0.1:" in checked.findings[0].reproduce

    def test_findings_are_reproduced_with_the_policy_of_the_test(self) -> None:
        checked = run(takes_everything, only="accepts.typical", policy={"accepted": [202, 204]})
        assert {finding.found for finding in checked.findings} == {"200"}
        assert all("--policy accepted=202,204 --only" in finding.reproduce for finding in checked.findings)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"require": "idempotend"}, "require='idempotend': unknown check 'idempotend'; did you mean 'idempotent'"),
            ({"skip": "acepts"}, "--skip acepts: unknown check or event 'acepts'; did you mean 'accepts'"),
            ({"only": "acepts"}, "unknown check or event 'acepts'"),
            ({"probe": lambda conversation: None}, r"called with \(conversation_id, identifier\)"),
            ({"probe": {"a b": "json:dumps"}}, r"'a b' is no name of a probe"),
            ({"probe": "command: sh -c 'cat {conversation_id}'"}, "a shell would parse"),
            ({"headers": {"X": "a\nb"}}, "X"),
        ],
    )
    def test_wrong_arguments_are_explained(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            check("http://127.0.0.1:9", vendor="smartsupp", **options)


class TestCollected:
    def test_each_check_is_a_test_and_each_event_where_it_sends_one_about_each(self, project: pytest.Pytester) -> None:
        conftest(project, "takes_everything")
        result = project.runpytest("--collect-only", "-q", "-o", "vendorsim_check=messagehub")
        events = registry.get("messagehub").default_profile.event_names()
        ids = [line for line in result.outlines if line.startswith("conftest.py::")]
        assert [line for line in ids if "accepts.typical" in line] == [
            f"conftest.py::messagehub::accepts.typical[{event}]" for event in events
        ]
        assert "conftest.py::messagehub::retry_safe" in ids
        assert {line.split("::")[2].partition("[")[0] for line in ids} == {check.id for check in all_checks()}

    def test_every_check_that_is_told_to_be_about_each_event_exists(self) -> None:
        assert {check.id for check in all_checks()} >= EACH_EVENT

    def test_fail_with_their_findings_and_skip_what_can_not_be_judged(self, project: pytest.Pytester) -> None:
        conftest(project, "refuses_unknown_keys")
        result = project.runpytest("-rfs", "-k", "tolerates.unknown_field or tolerates.text or retry_safe")
        result.assert_outcomes(passed=1, failed=1, skipped=1, deselected=len(all_checks()) - 3)
        result.stdout.fnmatch_lines(
            [
                "*smartsupp tolerates.unknown_field?post_hook?*",
                "failed: 1 failed",
                "    reproduce: vendorsim check --vendor smartsupp --to URL/ --seed 0 "
                "--only tolerates.unknown_field:post_hook:*",
                "run it again: pytest 'conftest.py::smartsupp::tolerates.unknown_field?post_hook?'",
                "FAILED conftest.py::smartsupp::tolerates.unknown_field?post_hook? - failed: 1*",
                "SKIPPED ?1? conftest.py:1: *probe*",
            ]
        )

    def test_take_their_options_from_a_fixture(self, project: pytest.Pytester) -> None:
        conftest(project, "appending(CHATS)", '{"probe": probe}')
        result = project.runpytest("-k", "retry_safe or accepts.typical")
        result.assert_outcomes(passed=1, failed=1, deselected=len(all_checks()) - 2)

    def test_what_is_required_fails_where_it_can_not_be_judged(self, project: pytest.Pytester) -> None:
        conftest(project, "takes_everything", '{"require": ["retry_safe"]}')
        result = project.runpytest("-k", "retry_safe or idempotent")
        result.assert_outcomes(failed=1, skipped=2, deselected=len(all_checks()) - 3)
        result.stdout.fnmatch_lines(["required, but not judged: retry_safe: *"])

    def test_warnings_do_not_fail_and_are_told(self, project: pytest.Pytester) -> None:
        conftest(project, "takes_everything")
        result = project.runpytest("-rP", "-k", "rejects.content_type")
        result.assert_outcomes(passed=1, deselected=len(all_checks()) - 1)
        result.stdout.fnmatch_lines(["*vendorsim call*", "passed: 1 passed, 1 warning"])

    def test_one_is_run_alone_by_its_id_and_the_others_not_beside_other_tests(self, project: pytest.Pytester) -> None:
        conftest(project, "takes_everything")
        project.makepyfile(test_other="def test_other(): pass")
        project.runpytest("conftest.py::smartsupp::accepts.typical[post_hook]").assert_outcomes(passed=1)
        project.runpytest("test_other.py").assert_outcomes(passed=1)

    def test_are_found_beside_the_testpaths(self, project: pytest.Pytester) -> None:
        conftest(project, "takes_everything")
        (project.path / "tests").mkdir()
        (project.path / "tests" / "test_other.py").write_text("def test_other(): pass")
        result = project.runpytest("-o", "testpaths=tests", "-k", "accepts.typical or test_other")
        result.assert_outcomes(passed=2, deselected=len(all_checks()) - 1)

    def test_belong_to_the_ini_file_where_only_a_url_is_given(self, project: pytest.Pytester) -> None:
        with hosted(serve(takes_everything)) as url:
            result = project.runpytest("-v", "-k", "accepts.typical", "--vendorsim-to", url)
        result.assert_outcomes(passed=1, deselected=len(all_checks()) - 1)
        result.stdout.fnmatch_lines(["tox.ini::smartsupp::accepts.typical?post_hook? PASSED*"])

    def test_without_a_target_are_skipped(self, project: pytest.Pytester) -> None:
        result = project.runpytest("-rs", "-k", "accepts.typical")
        result.assert_outcomes(skipped=1, deselected=len(all_checks()) - 1)
        result.stdout.fnmatch_lines(["SKIPPED * no target: define the fixture vendorsim_app, *"])

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("smartsup", "vendorsim_check: unknown vendor 'smartsup'; did you mean 'smartsupp'?"),
            ("smartsupp/webhoks", "vendorsim_check: *'webhoks'; did you mean 'webhooks'?"),
        ],
    )
    def test_unknown_names_are_errors_of_the_collection(
        self, project: pytest.Pytester, line: str, message: str
    ) -> None:
        conftest(project, "takes_everything")
        result = project.runpytest("-o", f"vendorsim_check={line}")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([message])

    @pytest.mark.slow
    def test_run_in_parallel(self, project: pytest.Pytester) -> None:
        conftest(project, "refuses_unknown_keys")
        result = project.runpytest_subprocess("-n", "2", "-p", "no:schemathesis", "-k", "accepts or unknown_field")
        result.assert_outcomes(passed=5, failed=1)

    def test_share_one_started_app(self, project: pytest.Pytester) -> None:
        project.makeconftest("""
            import pytest, apps

            PORTS = set()

            def app(environ, start_response):
                PORTS.add(environ["SERVER_PORT"])
                return apps.app(apps.takes_everything)(environ, start_response)

            @pytest.fixture
            def vendorsim_app():
                return app

            def pytest_sessionfinish():
                assert len(PORTS) == 1
        """)
        project.runpytest("-k", "accepts").assert_outcomes(passed=5, deselected=len(all_checks()) - 5)


class TestScenarioFiles:
    def test_run_against_the_projects_own_app(self, project: pytest.Pytester) -> None:
        story = "scenario: Nobody answers\nvendors: [userlike, smartsupp]\nsteps:\n  - say: Hello?\n  - miss:\n"
        (project.path / "unanswered.scenario.yaml").write_text(story, encoding="utf-8")
        project.makeconftest("""
            import pytest, apps

            PATHS = []

            def app(environ, start_response):
                PATHS.append(environ["PATH_INFO"])
                return apps.app(apps.takes_everything)(environ, start_response)

            @pytest.fixture
            def vendorsim_app():
                return app

            def pytest_sessionfinish():
                assert set(PATHS) == {"/hooks/userlike", "/hooks/smartsupp"}, PATHS
        """)
        result = project.runpytest("-o", "vendorsim_path=/hooks/{vendor}", "-o", "vendorsim_check=")
        result.assert_outcomes(passed=2)
