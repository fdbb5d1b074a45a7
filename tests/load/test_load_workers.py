"""Load from several processes, by Locust and without it: the same set of bytes as from one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from load.stages import EVENTS, digest, generated, written
from ports import free_port
from processes import children
from receiver import Receiver

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no processes can be forked there")


def started(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """A command of its own: Locust prints where file descriptors point to."""
    return subprocess.Popen(
        [sys.executable, "-m", "vendorsim", "load", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The report, once it has ended. What Locust prints is among what a failing test shows."""
    out, err = process.communicate(timeout=60)
    assert out, err
    report: dict[str, Any] = json.loads(out)
    assert report["exit_code"] == process.returncode, err
    return report


def by_locust() -> tuple[object, ...]:
    here = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port := free_port())
    there = ("--master-host", "127.0.0.1", "--master-port", port, "--only-summary", "--loglevel", "WARNING")
    return ("--locust", "--", "--headless", "--processes", 2, *here, *there)


every_way = pytest.mark.parametrize("engine", [lambda: ("--workers", 2), by_locust], ids=["without Locust", "Locust"])


@every_way
@pytest.mark.slow
def test_several_workers_send_what_generate_prints(
    vendorsim: Vendorsim, tmp_path: Path, engine: Callable[[], tuple[object, ...]]
) -> None:
    page = tmp_path / "load.html"
    path = written(tmp_path, count=100)
    with Receiver() as target:
        report = ended(started(path, "--to", target.url(), "--json", "--html", page, *engine()))
    bodies = generated(vendorsim, 100)
    assert (report["verdict"], report["workers"], report["reason"]) == ("passed", 2, None)
    assert Counter(target.bodies) == Counter(bodies)
    assert report["bodies"] == digest(bodies)
    assert report["conversations"]["finished"] == 100
    assert sum(event["sent"] for event in report["events"]) == 100 * EVENTS
    assert b"2 workers" in page.read_bytes()


@every_way
@pytest.mark.thorough
def test_an_interrupted_run_has_its_report(tmp_path: Path, engine: Callable[[], tuple[object, ...]]) -> None:
    path = written(tmp_path, count=1_000_000)
    with Receiver() as target:
        process = started(path, "--to", target.url(), "--json", *engine())
        target.wait_for(2 * EVENTS)
        process.send_signal(signal.SIGINT)
        report = ended(process)
    assert (report["verdict"], report["exit_code"]) == ("interrupted", 130)
    assert 0 < report["conversations"]["arrived"] < 1_000_000
    assert report["bodies"]["count"] == len(target.requests)


def test_a_worker_that_is_killed_makes_the_run_incomplete(tmp_path: Path) -> None:
    path = written(tmp_path, count=1_000_000)
    with Receiver() as target:
        process = started(path, "--to", target.url(), "--workers", 2, "--json")
        target.wait_for(2 * EVENTS)
        _, second = sorted(children(process.pid))
        os.kill(second, signal.SIGKILL)
        report = ended(process)
    assert (report["verdict"], report["exit_code"], report["workers"]) == ("incomplete", 3, 2)
    assert report["reason"].startswith(f"worker 2 of 2 (process {second}) was ended by SIGKILL")
    assert 0 < report["requests"]["sent"] <= len(target.requests)


@pytest.mark.thorough
def test_a_worker_with_another_traffic_file_stops_the_test(tmp_path: Path) -> None:
    """Master and workers are started by hand, as on several hosts."""
    port = free_port()
    (tmp_path / "other").mkdir()
    with Receiver() as target:
        rest = ("--to", target.url(), "--locust")
        here = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port)
        there = ("--master-host", "127.0.0.1", "--master-port", port)
        path = written(tmp_path, count=1_000_000)
        master = started(path, *rest, "--json", "--", "--master", "--headless", "--expect-workers", 2, *here)
        workers = [
            started(each, *rest, "--", "--worker", *there) for each in (path, written(tmp_path / "other", count=21))
        ]
        report = ended(master)
        for worker in workers:
            out, err = worker.communicate(timeout=60)
            assert (worker.returncode, out) == (0, ""), err
    assert (report["verdict"], report["exit_code"], report["workers"]) == ("incomplete", 3, 2)
    assert "its traffic file, scenarios or versions differ from the master's" in report["reason"]
    assert report["bodies"]["count"] == len(target.requests)


@pytest.mark.thorough
def test_locust_itself_can_start_the_file(vendorsim: Vendorsim, tmp_path: Path) -> None:
    """Without workers one process is everything. Locust's own figures go by the names of the events."""
    file = vendorsim("load", "--locustfile").out.strip()
    report, figures = tmp_path / "report.json", tmp_path / "figures.json"
    with Receiver() as target:
        environment = {
            "VENDORSIM_TRAFFIC": str(written(tmp_path)),
            "VENDORSIM_TO": target.url(),
            "VENDORSIM_LOAD_REPORT": str(report),
        }
        ran = subprocess.run(
            [sys.executable, "-m", "locust", "-f", file, "--headless", "--json-file", str(figures.with_suffix(""))],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(report.read_bytes())
    assert told["bodies"] == digest(generated(vendorsim, 20))
    sent = {each["name"]: each["num_requests"] for each in json.loads(figures.read_bytes())}
    assert {f"userlike {name}": count for name, count in sent.items()} == {
        each["event"]: each["sent"] for each in told["events"]
    }


def test_without_locust_the_extra_is_named(
    vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "locust", None)
    shown = vendorsim("load", written(tmp_path), "--to", "http://127.0.0.1:9/", "--locust")
    assert shown.code == 3
    assert "pip install 'vendorsim[load]'" in shown.err
