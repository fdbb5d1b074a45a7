"""Speaks the Language Server Protocol with the YAML language server that editors use (npm `yaml-language-server`)."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).parents[2] / ".clients/yaml/node_modules/yaml-language-server/bin/yaml-language-server"


class LanguageServer:
    """A server, and the documents that are open in it. Positions count from 0."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._number = 0
        self._settings: dict[str, Any] = {}
        self._told: dict[str, list[dict[str, Any]]] = {}

    def start(self, folder: Path, schemas: Mapping[str, Any]) -> None:
        """Opens the folder with the setting `yaml.schemas`. No schema is fetched from anywhere."""
        folders = [{"uri": folder.as_uri(), "name": folder.name}]
        can = {"workspace": {"configuration": True, "workspaceFolders": True}}
        self._ask("initialize", processId=None, rootUri=folder.as_uri(), capabilities=can, workspaceFolders=folders)
        self._tell("initialized")
        self._settings = {"schemaStore": {"enable": False}, "hover": True, "completion": True, "validate": True}
        self._settings |= {"schemas": schemas}
        # The server asks for the settings then.
        self._tell("workspace/didChangeConfiguration", settings=None)

    def open(self, path: Path) -> list[dict[str, Any]]:
        """Opens a file; returns its diagnostics."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": path.read_text()}
        self._tell("textDocument/didOpen", textDocument=document)
        while path.as_uri() not in self._told:
            self._take()
        return self._told[path.as_uri()]

    def completions(self, path: Path, line: int, character: int) -> dict[str, dict[str, Any]]:
        """What is offered at a place, by label."""
        found = self._ask("textDocument/completion", **_place(path, line, character))
        return {item["label"]: item for item in found["items"]}

    def hover(self, path: Path, line: int, character: int) -> str:
        """The help text of a place."""
        found = self._ask("textDocument/hover", **_place(path, line, character))
        assert found is not None, "no help text"
        text: str = found["contents"]["value"]
        return text

    def _ask(self, method: str, **params: Any) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while (message := self._take()).get("id") != self._number or "method" in message:
            pass
        assert "error" not in message, message
        return message["result"]

    def _tell(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self._process.stdin.flush()

    def _take(self) -> dict[str, Any]:
        """Takes one message; answers the server's own questions: its settings, and null to all others."""
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self._told[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif message.get("method") == "workspace/configuration":
            sections = [item["section"] for item in message["params"]["items"]]
            settings = [self._settings if section == "yaml" else None for section in sections]
            self._send({"id": message["id"], "result": settings})
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": None})
        return message


def _place(path: Path, line: int, character: int) -> dict[str, Any]:
    return {"textDocument": {"uri": path.as_uri()}, "position": {"line": line, "character": character}}


@contextmanager
def language_server(folder: Path, schemas: Mapping[str, Any]) -> Iterator[LanguageServer]:
    """A server that has opened the folder, with the setting `yaml.schemas`."""
    node = shutil.which("node")
    if node is None or not SERVER.exists():
        pytest.skip("needs Node and yaml-language-server: run .ci/clients")
    with subprocess.Popen([node, str(SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            server = LanguageServer(process)
            server.start(folder, schemas)
            yield server
        finally:
            process.kill()
