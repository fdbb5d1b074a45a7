"""The goals of "fast where people wait", each with the part that measures it. A goal that names its row by
`Goal.row` takes the row's place in the table; a row that no part has measured says so."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A row of the table of goals. `part` is the part that is to measure it."""

    part: str
    text: str


ROWS = {
    "test-play": Row("suite", "pytest: one more test that plays 13 events takes ≤ 15 ms"),
    "test-api": Row("suite", "pytest: one more test with `vendorsim_api` takes ≤ 6 ms, at most pytest-httpserver's"),
    "test-double": Row("suite", "pytest: one more `vendor_api()` takes ≤ 3 ms, at most pytest-httpserver's"),
    "test-suite": Row("suite", "pytest: 500 such tests under xdist scale with the cores, and nothing leaks"),
    "play": Row("startup", "start-up: `vendorsim play` of one scenario, cold, ≤ 0.30 s wall"),
    "first-event": Row("startup", "start-up: the first event of `play` on the wire within 0.25 s"),
    "help": Row("startup", "start-up: `vendorsim --help` ≤ 0.05 s"),
    "serve": Row("startup", "serving: first answer within 0.25 s of the command"),
    "lint": Row("startup", "start-up: `vendorsim lint` of 36 scenarios ≤ 0.5 s"),
    "check": Row("checking", "check: with a probe, a threaded receiver of 5 ms, any vendor and profile ≤ 8 s"),
    "check-single": Row("checking", "check: with a probe, a receiver of one thread ≤ 15 s"),
    "check-fuzz": Row("checking", "check: `--fuzz`, 30 bodies for each of 18 events ≤ 10 s"),
    "sending-rate": Row("delivery", "sending, everything on: ≥ 1.5 × every warm peer"),
    "sending-core": Row("delivery", "sending, everything on: ≥ 3 × the best peer per core used"),
    "end-user-1": Row("answering", "serving end_user at 1 connection: more req/s than tuned WireMock in each round"),
    "end-user-1-p99": Row("answering", "serving end_user at 1 connection: p99 below tuned WireMock's in each round"),
    "end-user-32": Row("answering", "serving end_user at 32 connections: more req/s than tuned WireMock in each round"),
    "end-user-32-p99": Row("answering", "serving end_user at 32 connections: p99 below tuned WireMock's in each round"),
    "end-user-memory": Row("answering", "serving: under 80 MB resident after a million requests"),
    "load-one": Row("load", "load: one worker sends ≥ 20,000 events/s"),
    "load-two": Row("load", "load: two workers send ≥ 1.7 × as much as one, on two cores"),
    "page-opens": Row("workbench", "workbench: a list of 100,000 rows opens within 300 ms, the slowest one"),
    "page-follows": Row("workbench", "workbench: an event is on screen within 100 ms at 1,000 events/s, median"),
    "page-follows-p95": Row("workbench", "workbench: an event is on screen within 100 ms at 1,000 events/s, p95"),
    "make-test": Row("testing", "the project's own `make test` takes ≤ 180 s on 2 cores"),
}
