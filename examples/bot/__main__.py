"""`python -m bot` (from its parent folder) or `python examples/bot`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import uvicorn

if not __package__:  # Started as a folder: put its parent on the path, not the folder itself.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bot import MessageHub, Replies, Store, create_app


def main() -> None:
    parser = argparse.ArgumentParser("bot", description="Answers the visitors of MessageHub by its API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    url = os.environ.get("BOT_API_URL", "")
    if not url.startswith(("http://", "https://")):
        sys.exit("set BOT_API_URL to the URL of MessageHub's API, such as http://127.0.0.1:4010")
    with tempfile.TemporaryDirectory(prefix="bot-", ignore_cleanup_errors=True) as folder:
        store = Store(os.environ.get("BOT_DB") or Path(folder, "bot.sqlite"))
        replies = Replies(MessageHub(url, os.environ.get("BOT_API_TOKEN", "made-up")), store)
        try:
            uvicorn.run(create_app(replies), host=options.host, port=options.port, log_level="warning")
        finally:
            store.close()


if __name__ == "__main__":
    main()
