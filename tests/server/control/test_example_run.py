"""The example run: against a receiver of the server's own, whatever the server asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from vendorsim.http.server import running_server
from vendorsim.server.control.settings import Settings
from vendorsim.server.hub import Hub

ADMIN = {"Authorization": "Bearer adm-s3cret"}
PLACES = ["", "/_ns/mine"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server that asks for tokens."""
    settings = Settings(token="vendor-s3cret", admin_token="adm-s3cret")
    with Hub(settings, None) as hub, running_server(hub.app) as running:
        yield running.url


def start(server: str, place: str, **wanted: Any) -> dict[str, Any]:
    """The run, from its start; a refusal fails the test."""
    answer = requests.post(f"{server}{place}/_vendorsim/api/example-run", json=wanted, headers=ADMIN, timeout=20)
    assert answer.status_code == 201, answer.text
    run: dict[str, Any] = answer.json()
    assert answer.headers["Location"].endswith(f"{place}/_vendorsim/api/runs/{run['id']}")
    return at_its_end(server, place, run)


def at_its_end(server: str, place: str, run: dict[str, Any]) -> dict[str, Any]:
    for _ in range(1_000):
        if run["status"] != "running":
            return run
        run = requests.get(f"{server}{place}/_vendorsim/api/runs/{run['id']}", headers=ADMIN, timeout=20).json()
    raise AssertionError("the example does not end")


@pytest.mark.parametrize("place", PLACES)
def test_it_delivers_everything(server: str, place: str) -> None:
    run = start(server, place)
    assert run["status"] == "finished"
    assert (run["summary"]["delivered"] > 0, run["summary"]["failed"]) == (True, 0)
    (target,) = run["summary"]["targets"]
    assert target.startswith("http://127.0.0.1:")
    assert target.endswith("/example-receiver")


def test_it_fails_where_that_is_wanted(server: str) -> None:
    run = start(server, "", failing=True)
    assert (run["summary"]["delivered"], run["summary"]["failed"] > 0) == (0, True)


def test_it_is_no_target_of_the_user(server: str) -> None:
    start(server, "/_ns/targets")
    found = requests.get(f"{server}/_ns/targets/_vendorsim/api/targets", headers=ADMIN, timeout=20).json()
    assert found["items"] == []


def test_its_receiver_says_what_came(server: str) -> None:
    (target,) = start(server, "")["summary"]["targets"]
    answer = requests.post(target, data=b"{}", headers={"Content-Type": "application/json"}, timeout=20)
    assert answer.json()["received"] == {"method": "POST", "type": "application/json", "bytes": 2}
    assert requests.post(f"{target}/failing", data=b"{}", timeout=20).status_code == 500
    assert requests.post(f"{target}/other", data=b"{}", timeout=20).status_code == 404


def test_it_asks_for_the_admin_token(server: str) -> None:
    assert requests.post(f"{server}/_vendorsim/api/example-run", timeout=20).status_code == 401


def test_the_receiver_ends_with_the_server() -> None:
    with Hub(Settings(), None) as hub, running_server(hub.app) as running:
        run = requests.post(f"{running.url}/_vendorsim/api/example-run", timeout=20).json()
        (target,) = run["summary"]["targets"]
        at_its_end(running.url, "", run)
        assert requests.get(target, timeout=20).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(target, timeout=5)


def test_the_first_run_is_number_1() -> None:
    with Hub(Settings(), None) as hub, running_server(hub.app) as running:
        assert requests.post(f"{running.url}/_vendorsim/api/example-run", timeout=20).json()["id"] == 1
        assert requests.post(f"{running.url}/_vendorsim/api/example-run", timeout=20).json()["id"] == 2
