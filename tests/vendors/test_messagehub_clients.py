"""Public clients of Chatwoot's API do their whole job against the server: they find or make a contact, begin a
conversation, write, resolve it, and all of that comes back as webhooks.

`.ci/clients` installs them. Each has an environment of its own, since they can't be installed together.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from receiver import Receiver
from thorough import few_of
from vendorsim.conversation.files import made_up
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.server.serving import serve_app
from vendorsim.vendorkit import contract as contracts

HERE = Path(__file__).parent / "clients"
INSTALLED = Path(__file__).parents[2] / ".clients"
TOKEN = "a-made-up-token"
PICTURE = made_up("screen.png", "image/png")
DOCUMENTED = ("conversation_created", "message_created", "conversation_status_changed")
EVENTS = {"documented": DOCUMENTED, "observed-4.18": ("contact_created", *DOCUMENTED)}
# Program, its interpreter, and whether the client sends files.
CLIENTS = {
    "@figuro/chatwoot-sdk (npm)": ("figuro.cjs", "node", True),
    "chatwoot-sdk (PyPI)": ("sdk.py", INSTALLED / "sdk" / "bin" / "python", False),
    "chatwoot-client (PyPI)": ("client.py", INSTALLED / "client" / "bin" / "python", False),
}


@pytest.mark.parametrize("profile", few_of(EVENTS, 1, others=pytest.mark.slow))
@pytest.mark.parametrize(("program", "interpreter", "sends_files"), CLIENTS.values(), ids=CLIENTS)
def test_a_client_does_its_whole_job(program: str, interpreter: Path | str, sends_files: bool, profile: str) -> None:
    environment = {**os.environ, "NODE_PATH": str(INSTALLED / "node_modules"), "NO_PROXY": "127.0.0.1"}
    environment.pop("PYTHONPATH", None)
    missing = not (INSTALLED / "node_modules").exists() if interpreter == "node" else not Path(interpreter).exists()
    if missing or shutil.which(str(interpreter)) is None:
        pytest.skip("needs the public clients of Chatwoot: run .ci/clients")
    backend = ServerBackend(TOKEN, profiles={"messagehub": profile})
    with serve_app(create_app(backend)) as server, Receiver() as target:
        command = [str(interpreter), str(HERE / program), server.url, TOKEN, target.url(), ",".join(EVENTS[profile])]
        done = subprocess.run(
            [*command, base64.b64encode(PICTURE).decode()],
            capture_output=True,
            encoding="utf-8",
            env=environment,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        bodies = [request.json for request in target.wait_for(len(EVENTS[profile]))]
    backend.close()
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["known"], told["message"], told["status"].rpartition(".")[2].lower()) == (0, "Grüße 👋", "resolved")
    contract = contracts.contract("messagehub", profile)
    assert [body["event"] for body in bodies if not contract.is_valid(body["event"], body)] == []
    assert Counter(body["event"] for body in bodies) == Counter(EVENTS[profile])
    (message,) = (body for body in bodies if body["event"] == "message_created")
    if sends_files and profile != "documented":  # The page's sample has no attachments.
        files = [(file["file_type"], file["file_size"]) for file in message["attachments"]]
        assert files == [("image", len(PICTURE))]
