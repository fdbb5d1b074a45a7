"""Integrations that limit the rate, or break connections: what is sent again, and who is blamed."""

from __future__ import annotations

import itertools
import socketserver
import threading

from command_line import Vendorsim
from receiver import Connection, Receiver, Request, never, reset, status


def test_what_a_rate_limit_refuses_is_sent_again_and_told_once(vendorsim: Vendorsim) -> None:
    numbers = itertools.count()

    def limited(connection: Connection, request: Request) -> None:
        connection.send(status(429, Retry_After="0") if next(numbers) % 3 == 2 else status(200))

    with Receiver(limited) as target:
        place = ("--vendor", "messagehub", "--to", target.url())
        place += ("--pace", "900/s", "--settle", "2s", "--budget", "60s", "--timings")
        done = vendorsim("check", *place, "--only", "accepts.typical,accepts.minimal,tolerates.key_order", "--json")
    (finding,) = done.json["findings"]
    assert (done.code, finding["severity"], finding["found"]) == (0, "warning", "429")
    assert " --settle 2000ms --pace 900.0/s --only " in finding["reproduce"]
    assert {check["status"] for check in done.json["checks"]} == {"passed"}


def test_of_the_requests_under_way_only_the_one_that_breaks_the_connection_again_is_blamed(
    vendorsim: Vendorsim,
) -> None:
    broken = 0

    def crashing(connection: Connection, request: Request) -> None:
        nonlocal broken
        culprit = request.json.get("private") is True
        # The first time, the crash takes the next request with it.
        if culprit or broken == 1:
            broken += 1
            reset(connection, request)
        else:
            connection.send(status(200))

    with Receiver(crashing) as target:
        place = ("--vendor", "messagehub", "--to", target.url())
        done = vendorsim("check", *place, "--only", "accepts.forms:message_created", "--json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert finding["pointer"] == "/private"
    assert broken > 2


def test_with_a_budget_what_matters_most_comes_first(vendorsim: Vendorsim) -> None:
    with Receiver(status(200)) as target:
        place = ("--vendor", "smartsupp", "--to", target.url(), "--only", "rejects.no_object,accepts.typical")
        free = vendorsim("check", *place).out
        sent = [request.body for request in target.requests]
        bounded = vendorsim("check", *place, "--budget", "60s").out
        again = [request.body for request in target.requests[len(sent) :]]
    assert free == bounded
    assert b"null" in sent
    assert again.index(b"null") > 0


def test_a_budget_that_ends_before_anything_was_judged_is_incomplete(vendorsim: Vendorsim) -> None:
    with Receiver(never) as target:
        done = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), "--budget", "1s", "--json")
    assert (done.code, done.json["verdict"]) == (4, "incomplete")
    assert "the time was over before anything was judged" in done.json["reason"]


def test_a_budget_of_nothing_is_refused(vendorsim: Vendorsim) -> None:
    done = vendorsim("check", "--vendor", "messagehub", "--to", "http://127.0.0.1:9/", "--budget", "0s")
    assert done.code == 2
    assert "no check can be run in no time" in done.err


def test_an_integration_that_dies_fails_the_run_also_where_the_time_is_bounded(vendorsim: Vendorsim) -> None:
    def dying(connection: Connection, request: Request) -> None:
        if len(target.requests) < 5:
            connection.send(status(200))
        else:
            # First: what comes between the two would break, and be blamed for itself.
            target.stop_listening()
            reset(connection, request)

    with Receiver(dying) as target:
        place = ("--vendor", "smartsupp", "--to", target.url(), "--only", "accepts", "--json")
        done = vendorsim("check", *place, "--budget", "3s")
    assert (done.code, done.json["verdict"]) == (1, "failed")
    (finding,) = done.json["findings"]
    assert "can't be reached any more since a post_hook" in finding["message"]


class DiesWhenABodyBreaksOff(socketserver.ThreadingTCPServer):
    """Answers 200, but stops listening once a request ends before its body does."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)


class _Request(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = 0
        while (line := self.rfile.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if len(self.rfile.read(length)) < length:
            self.server.server_close()
        else:
            self.wfile.write(status(200, Connection="close"))


def test_an_integration_that_dies_when_a_body_breaks_off_is_told_so(vendorsim: Vendorsim) -> None:
    with DiesWhenABodyBreaksOff() as target:
        threading.Thread(target=target.serve_forever, daemon=True).start()
        place = ("--vendor", "smartsupp", "--to", f"http://127.0.0.1:{target.server_address[1]}/hook")
        done = vendorsim("check", *place, "--only", "rejects.truncated", "--budget", "1s", "--json")
    (finding,) = done.json["findings"]
    assert "a post_hook whose body broke off" in finding["message"]
