"""`--wait` and `--start` (on `play`, `--launch`): the integration is awaited, started, started again, and ended."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Completed, Vendorsim
from ports import free_port
from receiver import Receiver, status
from recorders import until
from vendorsim.http.endpoint import endpoint
from vendorsim.http.readiness import Readiness

# An integration that writes its pid and that of its child to files, and does what its second argument says.
PROGRAM = """
import itertools, json, os, socketserver, subprocess, sys
from http.server import BaseHTTPRequestHandler
port, does = int(sys.argv[1]), sys.argv[2]
print("it starts with", json.dumps({k: v for k, v in os.environ.items() if k.endswith("_URL")}), flush=True)
with open("pids", "a") as pids:
    print(os.getpid(), file=pids)
first = len(open("pids").readlines()) == 1
if does == "fails":
    sys.exit("there is no module named fancy")
if does == "sleeps":
    import time
    time.sleep(1000)
if does == "forks":
    subprocess.Popen([sys.executable, __file__, sys.argv[1], "serves"])
    sys.exit()
if does == "parent":
    sys.exit(subprocess.call([sys.executable, __file__, sys.argv[1], "serves"]))

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served = itertools.count(1)

    def log_message(self, *arguments): pass

    def answer(self, code):
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self): self.answer(204 if self.path == "/health" else 503)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        number = next(Handler.served)
        if does == "crashes" and "vendorsim_unknown_field" in json.loads(body):
            print("it crashes", flush=True)
            os._exit(7)
        self.answer(200)
        if does == "ends" and first and number == 3:
            print("it ends", flush=True)
            os._exit(9)

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

Server(("127.0.0.1", port), Handler).serve_forever()
"""

Started = Callable[..., Completed]


def command(port: int, does: str) -> str:
    return shlex.join([sys.executable, "program.py", str(port), does])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the program in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def check(vendorsim: Vendorsim) -> Started:
    """`check("serves", "--only", …)` starts the program and checks it."""

    def run(does: str, *arguments: object) -> Completed:
        port = free_port()
        url = f"http://127.0.0.1:{port}/hook"
        return vendorsim("check", "--vendor", "smartsupp", "--to", url, "--start", command(port, does), *arguments)

    return run


def pids(folder: Path) -> list[int]:
    """The processes that were started."""
    file = folder / "pids"
    return list(map(int, file.read_text().split())) if file.exists() else []


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that has ended is there until its parent asks.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if Path("/proc/self/status").exists() else True


def test_a_program_that_goes_on_in_the_background_is_ended_too(check: Started, folder: Path) -> None:
    done = check("forks", "--only", "accepts.typical")
    assert (done.code, done.err) == (0, "")
    assert len(pids(folder)) == 2
    assert not any(map(is_running, pids(folder)))


@pytest.mark.parametrize("does", ["serves", "parent"])
def test_it_is_started_checked_and_ended_with_all_that_it_started(check: Started, folder: Path, does: str) -> None:
    done = check(does, "--only", "accepts.typical")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "passed: 1 passed"
    started = pids(folder)
    assert len(started) == {"serves": 1, "parent": 2}[does]
    assert not any(map(is_running, started))


def test_a_crash_is_a_finding_and_the_checks_go_on(check: Started, folder: Path) -> None:
    done = check("crashes", "--only", "accepts.typical,tolerates.unknown_field,tolerates.key_order", "--json")
    assert done.code == 1
    statuses = {result["id"]: result["status"] for result in done.json["checks"]}
    assert statuses == {
        "accepts.typical": "passed",
        "tolerates.unknown_field": "failed",
        "tolerates.key_order": "passed",
    }
    (finding,) = done.json["findings"]
    assert finding["message"].endswith("vendorsim_unknown_field: closed the connection without an answer")
    times = len(pids(folder)) - 1
    assert f" ended {times} times by itself (exit code 7); it printed:\n  | it starts with {{}}\n" in done.err
    assert done.err.endswith("\n  | it crashes\n")


def test_an_end_that_no_request_explains_is_a_finding_too(check: Started) -> None:
    done = check("ends", "--only", "accepts.typical", "--json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert finding["message"] == (
        "the integration's program ended by itself during this check (exit code 9) and was started again"
    )
    assert "--start" in shlex.split(finding["reproduce"])
    assert done.err.endswith("ended once by itself (exit code 9); it printed:\n  | it starts with {}\n  | it ends\n")


def test_a_program_that_fails_is_told_with_what_it_printed(check: Started, folder: Path) -> None:
    done = check("fails", "--report", "report.xml")
    assert (done.code, done.out) == (3, "")
    assert " fails ended with exit code 1, before it was ready; it printed:\n" in done.err
    assert done.err.endswith("  | there is no module named fancy\n")
    assert not (folder / "report.xml").exists()


def test_a_program_that_does_not_come_up_is_ended(check: Started, folder: Path) -> None:
    done = check("sleeps", "--wait", "1s")
    assert done.code == 3
    assert done.err.startswith("Error: not ready after 1 s: http://127.0.0.1:")
    assert "/hook: Connection refused; it printed" in done.err
    assert not any(map(is_running, pids(folder)))


def test_it_knows_where_the_apis_and_sinks_are(check: Started) -> None:
    done = check("fails", "--serve", "0", "--sink", "crm-two")
    url = done.err.splitlines()[0].rpartition(" ")[2]
    told = f'{{"VENDORSIM_API_URL": "{url}", "VENDORSIM_SINK_CRM_TWO_URL": "{url}/_sinks/crm-two"}}'
    assert f"it starts with {told}" in done.err


def test_another_program_on_its_port_is_not_checked(vendorsim: Vendorsim, folder: Path) -> None:
    with Receiver() as other:
        start = command(other.port, "serves")
        done = vendorsim("check", "--vendor", "smartsupp", "--to", other.url(), "--start", start)
        assert other.requests == []
    assert done.code == 3
    assert done.err == (
        f"Error: {other.url()} answers already, though nothing is started yet: end what listens there\n"
    )
    assert pids(folder) == []


def test_ctrl_c_ends_it_too(folder: Path) -> None:
    port = free_port()
    words = ["check", "--vendor", "smartsupp", "--to", f"http://127.0.0.1:{port}/hook", "--wait", "1m"]
    started = [sys.executable, "-m", "vendorsim", *words, "--start", command(port, "sleeps")]
    with subprocess.Popen(started, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: pids(folder) or process.poll() is not None, "the program is started")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.strip()) == (130, "Interrupted.")
    assert not any(map(is_running, pids(folder)))


def test_play_goes_on_when_it_is_started_again(vendorsim: Vendorsim, folder: Path) -> None:
    port = free_port()
    words = ("--vendor", "smartsupp", "--to", f"http://127.0.0.1:{port}/hook", "--count", "4", "--concurrency", "1")
    done = vendorsim("play", "returning-customer", *words, "--launch", command(port, "ends"), "--json")
    assert done.lines[-1]["delivered"] == 4
    assert len(pids(folder)) == 2
    assert done.code == 1, "what ended by itself has failed"
    assert "ended once by itself (exit code 9)" in done.err


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        ("", "it names no program; write the program and its arguments"),
        ("'unclosed", "No closing quotation; quote arguments as in a shell"),
        ("no-such-program --port 1", "there is no program 'no-such-program', or it can't be run"),
        ("make db && make serve", "no shell runs it, so '&&' would be an argument; write: sh -c 'COMMANDS'"),
        ("PORT=1 python app.py", "no shell runs it; to set PORT, write: env PORT=1 python app.py"),
    ],
)
def test_commands_that_can_not_be_started(vendorsim: Vendorsim, start: str, problem: str) -> None:
    done = vendorsim("check", "--vendor", "smartsupp", "--to", "http://127.0.0.1:9/", "--start", start)
    assert (done.code, done.out) == (2, "")
    assert problem in done.err


@pytest.mark.parametrize(
    ("wait", "problem"),
    [
        ("", "'' is not a duration"),
        ("30", "'30' is not a duration"),
        ("30s=localhost:8000", "'localhost:8000' is not a URL to send to"),
        ("=http://localhost:8000/", "'' is not a duration"),
    ],
)
def test_waits_that_are_none(vendorsim: Vendorsim, wait: str, problem: str) -> None:
    done = vendorsim("check", "--vendor", "smartsupp", "--to", "http://127.0.0.1:9/", "--wait", wait)
    assert (done.code, done.out) == (2, "")
    assert problem in done.err
    assert "write --wait 30s, or --wait 30s=http://localhost:8000/health" in done.err


def test_a_proxy_says_nothing_of_the_target(vendorsim: Vendorsim) -> None:
    options = ("--proxy", "http://127.0.0.1:9", "--wait", "1s")
    done = vendorsim("check", "--vendor", "smartsupp", "--to", "http://127.0.0.1:9/", *options)
    assert (done.code, "write --wait TIME=URL" in done.err) == (2, True)


def test_waiting_alone_ends_when_the_target_is_there(vendorsim: Vendorsim) -> None:
    port = free_port()
    late: list[Receiver] = []
    timer = threading.Timer(0.3, lambda: late.append(Receiver(status(200), port=port)))
    timer.start()
    try:
        url = f"http://127.0.0.1:{port}/hook"
        done = vendorsim("check", "--vendor", "smartsupp", "--to", url, "--wait", "20s", "--only", "accepts.typical")
    finally:
        timer.join()
        late[0].close()
    assert (done.code, done.err) == (0, "")


def test_a_health_url_has_to_answer_2xx() -> None:
    target = endpoint("http://127.0.0.1:9/hook")
    with Receiver(status(503), status(302), status(204)) as health:
        readiness = Readiness([target], endpoint(health.url("/health")))
        told = [readiness.missing() for _ in range(3)]
    assert told == [*(f"{health.url('/health')} answered {code}, not 2xx" for code in (503, 302)), None]
    assert {request.line for request in health.requests} == {"GET /health HTTP/1.1"}
    assert readiness.missing() is not None
