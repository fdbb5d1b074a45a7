"""`python -m helpdesk` (from its parent folder) or `python examples/helpdesk`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path

import waitress

if not __package__:  # Started as a folder: put its parent on the path, not the folder itself.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from helpdesk.app import LARGEST_BODY, create_app
from helpdesk.end_user import EndUser
from helpdesk.signatures import SIGNED
from helpdesk.store import Store


def secrets() -> dict[str, list[str]]:
    """Returns the secrets of the environment by vendor; a comma separates the old and the new one."""
    found: dict[str, list[str]] = {}
    for vendor in SIGNED:
        variable = f"HELPDESK_{vendor.upper()}_SECRET"
        if text := os.environ.get(variable):
            found[vendor] = text.split(",")
            if not all(found[vendor]):
                sys.exit(f"{variable}: there is an empty secret before or after a comma")
    return found


def main() -> None:
    parser = argparse.ArgumentParser("helpdesk", description="Keeps the chats of several vendors as tickets.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # Exits through `finally`.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # It warns when requests wait for a thread.
    with tempfile.TemporaryDirectory(prefix="helpdesk-", ignore_cleanup_errors=True) as folder:
        store = Store(os.environ.get("HELPDESK_DB") or Path(folder, "tickets.sqlite"))
        url = os.environ.get("HELPDESK_CCAI_URL")
        end_user = EndUser(url, os.environ.get("HELPDESK_CCAI_TOKEN", ""), store) if url else None
        app = create_app(store, end_user, secrets=secrets())
        # The app checks the exact limit. Waitress counts the chunk headers, too, but stops reading at its limit.
        server = waitress.create_server(
            app, host=options.host, port=options.port, threads=8, max_request_body_size=2 * LARGEST_BODY
        )
        print(f"http://{options.host}:{server.effective_port}", flush=True)
        try:
            server.run()
        finally:
            if end_user is not None:
                end_user.close()
            store.close()


if __name__ == "__main__":
    main()
