"""The calls of MessageHub's API that the bot makes (Chatwoot's application API)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

# Seconds to wait for an answer. Without a limit, one answer that never comes stops a thread for good.
TIMEOUT = 10.0
LARGEST_ANSWER = 8 * 1024 * 1024


class NoAnswer(Exception):
    """There was no complete answer. Whether the call was carried out is unknown."""


class Refused(Exception):
    """An answer that is not 2xx: the call was not carried out."""

    def __init__(self, status: int, retry_after: float) -> None:
        super().__init__(f"the API answered {status}")
        self.status, self.retry_after = status, retry_after

    @property
    def final(self) -> bool:
        """Whether the same call will be refused again. 401 is not final: it ends when someone mends the token."""
        return 400 <= self.status < 500 and self.status not in (401, 408, 429)


@dataclass(frozen=True)
class MessageHub:
    """`url` is that of the server, `token` an agent's access token, `timeout` is in seconds.

    Each method raises NoAnswer or Refused.
    """

    url: str
    token: str
    timeout: float = TIMEOUT

    def conversation(self, account: int, conversation: int) -> dict[str, Any]:
        found: dict[str, Any] = self._call("GET", self._path(account, conversation))
        return found

    def messages(self, account: int, conversation: int) -> list[dict[str, Any]]:
        """The newest messages of a conversation."""
        found: list[dict[str, Any]] = self._call("GET", self._path(account, conversation, "/messages"))["payload"]
        return found

    def reply(self, account: int, conversation: int, text: str, source_id: str) -> None:
        body = {"content": text, "message_type": "outgoing", "private": False, "source_id": source_id}
        self._call("POST", self._path(account, conversation, "/messages"), body)

    def _path(self, account: int, conversation: int, rest: str = "") -> str:
        return f"/api/v1/accounts/{account}/conversations/{conversation}{rest}"

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        target = urlsplit(self.url)
        connect = HTTPSConnection if target.scheme == "https" else HTTPConnection
        connection = connect(target.hostname or "", target.port, timeout=self.timeout)
        headers = {"api_access_token": self.token, "Content-Type": "application/json"}
        try:
            connection.request(
                method, target.path.rstrip("/") + path, None if body is None else json.dumps(body), headers
            )
            answer = connection.getresponse()
            content = answer.read(LARGEST_ANSWER)
            status, retry_after = answer.status, answer.headers.get("Retry-After", "")
            if 200 <= status < 300:
                return json.loads(content) if content else None
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(str(error) or type(error).__name__) from error
        finally:
            connection.close()
        raise Refused(status, float(retry_after) if retry_after.isdigit() else 0.0)
