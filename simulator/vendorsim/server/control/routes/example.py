"""The example run: a short scenario against the receiver that the server has built in."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from vendorsim.runs import library
from vendorsim.server.control import requests
from vendorsim.server.control.run_requests import start
from vendorsim.server.control.workbench import Workbench

_SCENARIO = "everyday-chat"
_CONVERSATIONS = 3
# Each delivery is retried as often as the vendor does.
_FAILING_CONVERSATIONS = 1


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/example-run`."""

    @api.post("/example-run")
    def example_run() -> tuple[Response, int, dict[str, str]]:
        failing = requests.body("ExampleRun").get("failing", False)
        started = start(
            workbench,
            {
                "scenario": _SCENARIO,
                "vendor": library.load(_SCENARIO).vendors[0],
                "to": workbench.shared.example_receiver.url(failing=failing),
                "count": _FAILING_CONVERSATIONS if failing else _CONVERSATIONS,
                # Of vendors that sign: the receiver checks nothing.
                "secret": "example",
            },
        )
        location = f"{request.root_url.rstrip('/')}{api.url_prefix}/runs/{started.id}"
        return jsonify(*workbench.runs.documents(started)), 201, {"Location": location}
