"""Prints records and received calls as JSON Lines on standard output; the last line is the summary."""

from __future__ import annotations

import sys

import orjson

from vendorsim.delivery.records import Record, Summary
from vendorsim.journal.documents import received_call
from vendorsim.vendorkit.api_call import ApiCall


class JsonLines:
    """Writes one line per record and per call, as soon as it comes."""

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *error: object) -> None:
        sys.stdout.buffer.flush()

    def record(self, record: Record) -> None:
        sys.stdout.buffer.write(orjson.dumps(record.document()) + b"\n")
        sys.stdout.buffer.flush()

    def call(self, call: ApiCall) -> None:
        sys.stdout.buffer.write(orjson.dumps(received_call(call)) + b"\n")
        sys.stdout.buffer.flush()

    def finish(self, summary: Summary) -> None:
        sys.stdout.buffer.write(orjson.dumps(summary.document()) + b"\n")
