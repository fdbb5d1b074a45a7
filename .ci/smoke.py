"""Uses an installed vendorsim as a user would: plays, checks, serves. Imports only the standard library.

ENVIRONMENT/bin/python -I .ci/smoke.py VERSION
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

PROGRAM = str(Path(sys.executable).with_name("vendorsim"))
STORY = """\
scenario: A number
cast: {visitor: {name: Dana Kessler}}
steps: [say: My customer number is crm-4711]
"""


class Integration(BaseHTTPRequestHandler):
    """Accepts JSON objects at /, and answers 500 everywhere else."""

    protocol_version = "HTTP/1.1"
    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        body = self.body()
        self.bodies.append(body)
        try:
            sound = isinstance(json.loads(body), dict)
        except (ValueError, RecursionError):
            sound = False
        self.send_response((200 if sound else 400) if self.path == "/" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def vendorsim(code: int, *arguments: str) -> str:
    """Runs a command, which has to end with this exit code. Returns all that it printed."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != code:
        sys.exit(f"vendorsim {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def require(sound: bool, what: str) -> None:
    if not sound:
        sys.exit(f"not as expected: {what}")


def main() -> None:
    version = sys.argv[1]
    require(f"vendorsim {version}," in vendorsim(0, "--version"), "the version")
    Path("story.yaml").write_text(STORY)
    vendorsim(0, "lint", "story.yaml")
    events = vendorsim(0, "generate", "story.yaml", "--vendor", "messagehub", "--seed", "1")
    require("crm-4711" in events, "the generated events")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Integration)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    vendorsim(0, "play", "returning-customer", "--vendor", "userlike", "--to", f"{url}/")
    require(len(Integration.bodies) > 5, "the number of deliveries")
    vendorsim(1, "play", "returning-customer", "--vendor", "smartsupp", "--to", f"{url}/broken")
    judged = vendorsim(
        0, "check", "--vendor", "smartsupp", "--to", f"{url}/", "--junit", "report.xml", "--html", "report.html"
    )
    require("passed:" in judged and Path("report.xml").is_file() and Path("report.html").is_file(), "the verdict")
    vendorsim(1, "check", "--vendor", "smartsupp", "--to", f"{url}/broken", "--only", "accepts")
    missing = vendorsim(3, "check", "--vendor", "smartsupp", "--to", f"{url}/", "--fuzz")
    require("pip install 'vendorsim[fuzz]'" in missing, "what a missing extra says")
    serve()
    print(f"smoke test passed on Python {sys.version.split()[0]}")


def serve() -> None:
    """Starts the server on a free port, asks for its health and its page, calls an API, and stops it."""
    serving = subprocess.Popen(
        [PROGRAM, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert serving.stdout is not None
    try:
        lines = iter(serving.stdout.readline, "")
        found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in lines)
        base = next((match[0] for match in found if match), "")
        require(bool(base), "the address that serve prints")
        require(ask(f"{base}/_vendorsim/api/health")[0] == 200, "the health of the server")
        status, page = ask(f"{base}/")
        require(status == 200 and b"<html" in page, "the page")
        call = json.dumps({"identifier": "crm-4711"}).encode()
        require(ask(f"{base}/apps/api/v1/chats/17/end_user", call)[0] == 202, "the answer to end_user")
    finally:
        serving.terminate()
        serving.wait(30)


def ask(url: str, body: bytes | None = None) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer any"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
        return answer.status, answer.read()


if __name__ == "__main__":
    main()
