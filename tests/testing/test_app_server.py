"""The server of apps under test: how many threads run an app."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, current_thread
from typing import TYPE_CHECKING

import requests
from vendorsim.testing.app_server import app_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATIENCE = 20.0


def test_requests_that_come_together_are_answered_together() -> None:
    together = Barrier(5)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        together.wait(PATIENCE)
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with app_server(app) as server, ThreadPoolExecutor(together.parties) as clients:
        answers = list(clients.map(lambda _: requests.get(server.url, timeout=PATIENCE), range(together.parties)))
    assert [answer.status_code for answer in answers] == [200] * together.parties


def test_there_are_at_most_48_requests_in_the_app() -> None:
    most, others = 48, 4
    together = Barrier(most)
    names = set()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        names.add(current_thread().name)
        if environ["PATH_INFO"] == "/together":
            together.wait(PATIENCE)
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with app_server(app) as server, ThreadPoolExecutor(most + others) as clients:
        paths = ["/together"] * most + ["/alone"] * others
        answers = list(clients.map(lambda path: requests.get(server.url + path, timeout=PATIENCE), paths))
    assert [answer.status_code for answer in answers] == [200] * (most + others)
    assert len(names) <= most
