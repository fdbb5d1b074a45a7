"""What a test costs: one more test with the pytest plugin, beside pytest-httpserver; and a suite of 500 of them.

One more test is the difference between a suite of many and one of few, of processor time. Each makes one request, or
plays a story of 13 events; an empty test is there to compare with.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import peers
from processes import Cost, cost
from results import Effort, Goal, Part, Series, Table, compared

FEW, MANY = 5, 105
SUITE = 500
CALL = """
import requests
PATH = "/apps/api/v1/chats/17/end_user"
CALL = {"json": {"identifier": "crm-1"}, "headers": {"Authorization": "Bearer t"}}
"""
EMPTY, HTTPSERVER, API, DOUBLE, PLAY = "nothing", "pytest-httpserver", "vendorsim_api", "vendor_api()", "vendorsim_play"
TESTS = {
    EMPTY: "def test(number): pass",
    HTTPSERVER: f"""{CALL}
def test(number, httpserver):
    httpserver.expect_request(PATH, method="POST").respond_with_json({{"message": "accepted"}}, status=202)
    assert requests.post(httpserver.url_for(PATH), **CALL).status_code == 202
    assert len(httpserver.log) == 1
""",
    API: f"""{CALL}
def test(number, vendorsim_api):
    assert requests.post(vendorsim_api.url + PATH, **CALL).status_code == 202
    vendorsim_api.assert_called_once_with(session_id="17", identifier="crm-1")
""",
    DOUBLE: f"""{CALL}
from vendorsim.testing import vendor_api
def test(number):
    with vendor_api("https://acme.example.com") as api:
        assert requests.post("https://acme.example.com" + PATH, **CALL).status_code == 202
        api.assert_called_once_with(session_id="17", identifier="crm-1")
""",
    PLAY: """
import pytest
@pytest.fixture
def vendorsim_app():
    def app(environ, start_response):
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]
    return app
def test(number, vendorsim_play):
    played = vendorsim_play("returning-customer", vendor="userlike")
    played.assert_passed()
    assert len(played.attempts) >= 12
""",
}
# Tells what the process holds after the first tests and after the last one.
CONFTEST = """
import gc, json, os, threading
from pathlib import Path
import pytest
NUMBER = int(os.environ["NUMBER"])
done = 0
def pytest_generate_tests(metafunc):
    metafunc.parametrize("number", range(NUMBER))
@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    global done
    result = yield
    done += 1
    if done == 20 or nextitem is None:
        gc.collect()
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        held = [threading.active_count(), len(os.listdir("/proc/self/fd")), resident]
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        Path(f"held-{worker}-{'last' if nextitem is None else 'first'}.json").write_text(json.dumps(held))
    return result
"""
GOALS = {PLAY: 15.0, API: 6.0, DOUBLE: 3.0}
# The rows of `goals.py` that they measure.
ROWS = {PLAY: "test-play", API: "test-api", DOUBLE: "test-double"}
WALLS = {
    PLAY: "the run itself, and the app under test on waitress in the same process",
    API: "the library requests; then a server with a port of its own for each test: pytest-httpserver has one for all",
    DOUBLE: "the libraries requests and responses",
}


def measure(effort: Effort) -> Part:
    series = {
        name: Series(name, base=HTTPSERVER if name in (API, DOUBLE) else "", missing=_missing(name)) for name in TESTS
    }
    walls = {workers: Series(f"-n {workers}", base="-n 1" if workers > 1 else "") for workers in (1, 2)}
    spent = {workers: Series(f"-n {workers}", base="-n 1" if workers > 1 else "") for workers in (1, 2)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "pytest.ini").write_text("[pytest]\n")
        for _ in range(effort.rounds):
            for each in series.values():
                if not each.missing:
                    many, few = (_run(folder, [each.name], number).processor for number in (MANY, FEW))
                    each.values.append((many - few) / (MANY - FEW) * 1000)
            for workers in walls:
                took = _run(folder, [API, DOUBLE, PLAY], SUITE // 3 + 1, workers)
                walls[workers].values.append(took.wall)
                spent[workers].values.append(took.processor)
        growth = _growth(folder)
    tables = [
        Table("one more test", "ms of processor time", list(series.values())),
        Table(f"a suite of {SUITE}", "s", list(walls.values())),
        Table(f"a suite of {SUITE}", "s of processor time", list(spent.values())),
    ]
    goals = [
        Goal(
            f"tests: one more with `{name}` ≤ {most:g} ms",
            most,
            "ms",
            series[name].median,
            False,
            "",
            WALLS[name],
            ROWS[name],
        )
        for name, most in GOALS.items()
    ]
    for name in (API, DOUBLE):
        text = f"tests: one more with `{name}` costs at most what one with pytest-httpserver does"
        goals.append(compared(text, 1.0, series[name], series[HTTPSERVER], more_is_better=False, wall=WALLS[name]))
    text = f"tests: {SUITE} with two workers take ≤ 0.6 × as long as with one, on two cores"
    wall = "the start of pytest, xdist and a worker, which a second worker does not shorten"
    goals.append(compared(text, 0.6, walls[2], walls[1], more_is_better=False, wall=wall, row="test-suite"))
    if growth is not None:
        threads, files, megabytes = growth
        leaks = threads + files
        goals.append(Goal(f"tests: {SUITE} leave no thread and no open file", 0.0, "", leaks, False, wall="none"))
        text = f"tests: {SUITE} leave ≤ 20 MB"
        goals.append(
            Goal(text, 20.0, "MB", megabytes, False, wall="made-up people, compiled contracts, pytest's items")
        )
    note = f"One more test: the difference between {MANY} and {FEW} of them, divided. All run in one process."
    return Part("suite", "Testing with pytest", tables, goals, notes=[note])


def _missing(name: str) -> str:
    return "not installed (pip)" if name == HTTPSERVER and not (peers.HTTPSERVER / "installed").exists() else ""


def _run(folder: Path, kinds: list[str], number: int, workers: int = 0) -> Cost:
    """Runs the tests of these kinds, `number` of each; with `workers`, by pytest-xdist."""
    files = []
    for kind in kinds:
        file = folder / f"test_{''.join(filter(str.isalnum, kind))}.py"
        file.write_text(TESTS[kind])
        files.append(file.name)
    # Only the plugins that are asked for: others that happen to be here would be measured, too.
    plugins = ["-p", "vendorsim.pytest_plugin"]
    plugins += ["-p", "pytest_httpserver.pytest_plugin"] if HTTPSERVER in kinds else []
    plugins += ["-p", "xdist.plugin", "-n", str(workers)] if workers else []
    paths = [str(peers.HTTPSERVER)] if HTTPSERVER in kinds else []
    variables = {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "NUMBER": str(number),
        "PYTHONPATH": os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), *paths]),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins, *files]
    return cost(command, folder, variables)


def _growth(folder: Path) -> tuple[float, float, float] | None:
    """Returns the most threads, open files and megabytes that a process of the last suite holds more at its end than
    after its first tests; None where there is no /proc."""
    found = []
    for last in folder.glob("held-gw*-last.json"):
        first = last.with_name(last.name.replace("last", "first"))
        pairs = zip(json.loads(last.read_text()), json.loads(first.read_text()), strict=True)
        found.append([after - before for after, before in pairs])
    if not found:
        return None
    threads, files, megabytes = (max(column) for column in zip(*found, strict=True))
    return threads, files, megabytes


if __name__ == "__main__":
    from run import alone

    alone("suite")
