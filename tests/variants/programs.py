"""Receivers of MessageHub on other stacks: FastAPI in this process, Node and PHP in processes of their own. They keep
the messages of a conversation, and have the paths of the helpdesk. Each has a bug by name, or none."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from helpdesk.body import BadBody, parse
from helpdesk.tickets import Message
from helpdesk.vendors import VENDORS
from ports import free_port
from vendorsim.testing.hosting import hosted

STACKS = Path(__file__).parents[1] / "stacks"
LARGEST_BODY = 1024 * 1024
# Seconds that the database takes.
GAP = 0.005

Program = Callable[[], AbstractContextManager[str]]


def _not_installed(name: str, found: object) -> str | None:
    return None if found else f"{name} is not installed"


NO_ASGI = _not_installed("fastapi or uvicorn", all(map(importlib.util.find_spec, ("fastapi", "uvicorn"))))
NO_NODE = _not_installed("node", shutil.which("node"))
NO_PHP = _not_installed("php", shutil.which("php"))


def asynchronous(bug: str = "") -> Program:
    """A FastAPI app that awaits its database between reading and writing; the correct one holds a lock meanwhile."""
    return lambda: hosted(_asynchronous_app(bug))


def _asynchronous_app(bug: str) -> Any:
    from fastapi import FastAPI, HTTPException, Request

    app = FastAPI()
    rows: dict[str, tuple[Message, ...]] = {}
    locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
    current: list[str] = [""]

    async def query() -> None:
        await asyncio.sleep(GAP)

    async def store(conversation: str, said: Message) -> None:
        current[0] = conversation
        known = rows.get(conversation, ())
        await query()
        if bug == "current":
            conversation, known = current[0], rows.get(current[0], ())
        if bug == "look" and said.key not in {each.key for each in known}:
            known = rows.get(conversation, ())
        elif said.key in {each.key for each in known}:
            return
        rows[conversation] = (*known, said)

    async def hook(request: Request) -> dict[str, str]:
        raw = await request.body()
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise HTTPException(415, "Content-Type must be application/json")
        if len(raw) > LARGEST_BODY:
            raise HTTPException(413, "the body is too large")
        try:
            body = parse(raw)
            update = VENDORS["messagehub"](body)
        except BadBody as error:
            raise HTTPException(400, str(error)) from None
        if update is not None and body._value["event"] == "message_created":
            if bug:
                await store(update.conversation_id, update.messages[0])
            else:
                async with locks[update.conversation_id]:
                    await store(update.conversation_id, update.messages[0])
        return {"message": "kept"}

    async def state(conversation: str) -> dict[str, list[str]]:
        if conversation not in rows:
            raise HTTPException(404, "no such conversation")
        return {"texts": [said.text for said in sorted(rows[conversation], key=lambda said: said.order)]}

    # The annotations of functions in a function are known here only.
    hook.__annotations__["request"] = Request
    app.post("/hooks/messagehub")(hook)
    app.get("/tickets/by-conversation/{conversation}")(state)
    return app


def node(bug: str = "") -> Program:
    """A receiver on Node, which awaits between reading and writing."""
    return lambda: _process(["node", str(STACKS / "messages.js"), bug], {})


def php(bug: str = "") -> Program:
    """A receiver on PHP's own server with several workers; its database is a folder of files."""

    @contextmanager
    def started() -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            command = ["php", "-d", "display_errors=0", "-S", f"127.0.0.1:{free_port()}", str(STACKS / "messages.php")]
            with _process(command, {"BUG": bug, "FOLDER": folder, "PHP_CLI_SERVER_WORKERS": "8"}) as url:
                yield url

    return started


@contextmanager
def _process(command: list[str], variables: dict[str, str]) -> Iterator[str]:
    """Runs a server that prints its URL when it is ready; yields that. Raises OSError if it ends before."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **variables},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:[0-9]+", line):
                break
        else:
            raise OSError(f"{command[0]} did not start: {''.join(said)}")
        # Nobody reads what it prints from now on, but a full pipe would stop it.
        reader = Thread(target=deque, args=(process.stdout, 0))
        reader.start()
        try:
            yield found[0]
        finally:
            # PHP's workers are processes of their own.
            os.killpg(process.pid, 15)
            reader.join()
