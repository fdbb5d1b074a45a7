"""A whole server for one test, and a client that speaks to its control API as any program would."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from short_story import STORY
from vendorsim.server.control.settings import Settings
from vendorsim.server.hub import Hub
from vendorsim.server.serving import serve_app

API = "/_vendorsim/api"
# Far beyond what any test needs: a test that waits this long has failed.
PATIENCE = 20.0

SECRET = "wh-s3cr3t-w0rd"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document that it is; anything else is an error."""
        assert self.headers["Content-Type"] == "application/problem+json", self.text
        document: dict[str, Any] = self.json
        assert document["status"] == self.status
        assert document["title"]
        assert document["detail"]
        return document


@dataclass(frozen=True)
class Client:
    """Speaks to one namespace. `prefix` names it by path, `headers` are sent with every request."""

    port: int
    prefix: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Any request to the server; `path` is whole."""
        body = raw if raw is not None else None if document is None else json.dumps(document).encode()
        sent = ({} if body is None else {"Content-Type": "application/json"}) | dict(self.headers) | dict(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, self.prefix + path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def __call__(self, method: str, path: str, document: Any = None, **more: Any) -> Answer:
        """A request to the control API; `path` is the part behind its prefix."""
        return self.request(method, API + path, document, **more)

    def get(self, path: str, **query: Any) -> Any:
        """What stands there."""
        answer = self("GET", path + (f"?{urlencode(query)}" if query else ""))
        assert answer.status == 200, answer.text
        return answer.json

    def done(self, method: str, path: str, document: Any = None) -> Any:
        """What came of a request that is expected to succeed."""
        answer = self(method, path, document)
        assert answer.status in (200, 201, 204), answer.text
        return answer.json if answer.body else None

    def refused(self, method: str, path: str, document: Any = None, **more: Any) -> dict[str, Any]:
        """The problem document of a request that is expected to fail."""
        return self(method, path, document, **more).problem

    def start(self, to: str | None = None, **wanted: Any) -> dict[str, Any]:
        """Starts a run: the short story as Userlike, unless it says otherwise."""
        if "scenario" not in wanted:
            wanted.setdefault("yaml", STORY)
        wanted.setdefault("vendor", "userlike")
        run: dict[str, Any] = self.done("POST", "/runs", wanted | ({} if to is None else {"to": to}))
        return run

    def followed(self, run: int, *states: str) -> dict[str, Any]:
        """The run as soon as it is in one of these states; `finished` if none is named."""
        wanted = states or ("finished",)
        return self.until(lambda: self.get(f"/runs/{run}"), lambda document: document["status"] in wanted)

    def play(self, to: str | None = None, **wanted: Any) -> dict[str, Any]:
        """A run from start to end."""
        return self.followed(self.start(to, **wanted)["id"])

    def deliveries(self, count: int, **query: Any) -> list[dict[str, Any]]:
        """The newest deliveries, the oldest first, as soon as there are so many."""
        items = self.until(lambda: self.get("/deliveries", **query)["items"], lambda found: len(found) >= count)
        assert len(items) == count, items
        return items[::-1]

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        following: dict[str, str] = {}
        while True:
            page = self.get(path, **query, **following)
            found += page["items"]
            if page["next"] is None:
                return found
            following = {"cursor": page["next"]}

    def end_user(self, session: str, identifier: str = "crm-4711", comm_type: str = "chats") -> Answer:
        """A call of the vendor's API, as an integration makes it."""
        path = f"/apps/api/v1/{comm_type}/{quote(session, safe='')}/end_user"
        return self.request("POST", path, {"identifier": identifier}, headers={"Authorization": "Bearer t"})

    @staticmethod
    def until(look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
        """What `look` sees as soon as it is good."""
        ends = time.monotonic() + PATIENCE
        while not good(found := look()):
            assert time.monotonic() < ends, found
            time.sleep(0.01)
        return found


@contextmanager
def serving(journal: Path, **settings: Any) -> Iterator[Client]:
    """A server on a free port, and a client of its default namespace."""
    with Hub(Settings(**settings), journal) as hub, serve_app(hub.app) as server:
        yield Client(server.port)
