"""`vendorsim check` against the helpdesk, with a bug or without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ports import free_port
from variants.model import SECRET, Receiver, running
from vendorsim.checks.waiting import Waiting

PROBE = "/tickets/by-conversation/{conversation_id}"
SECRET_ENV = "HELPDESK_TEST_SECRET"
# The helpdesk stores a body before it answers, and calls at once: there is no need to wait for it as patiently as for
# others.
HASTY = Waiting(state=0.1, quiet=1.0, rounds=0.0, settle=1.0, retry=2.0)


@contextmanager
def checked(
    vendor: str,
    folder: Path,
    patch: pytest.MonkeyPatch,
    receiver: Receiver | None = None,
    *,
    signed: bool = False,
    probe: bool = False,
    serve: bool = False,
) -> Iterator[tuple[object, ...]]:
    """The helpdesk runs; yields the arguments of `vendorsim` that check it."""
    port = free_port() if serve else None
    secrets = {"messagehub": [SECRET]} if signed else None
    with running(receiver, folder, secrets=secrets, api=f"http://127.0.0.1:{port}" if serve else None) as url:
        hook = f"{url}/hooks/{vendor}"
        arguments: list[object] = ["check", "--vendor", vendor, "--json"]
        if receiver is not None and receiver.events:
            config = folder / "vendorsim.yaml"
            config.write_text(f"targets: {{{vendor}: [{{url: '{hook}', events: [{', '.join(receiver.events)}]}}]}}\n")
            arguments += ["--config", config]
        else:
            arguments += ["--to", hook]
        if signed:
            patch.setenv(SECRET_ENV, SECRET)
            arguments += ["--policy", "signing=chatwoot", "--secret-env", SECRET_ENV]
        if probe:
            arguments += ["--probe", url + PROBE]
        if port is not None:
            arguments += ["--serve", port]
        yield (*arguments, *(receiver.options if receiver is not None else ()))


def needs(receiver: Receiver) -> dict[str, bool]:
    """What `checked` has to bring for a receiver."""
    return {"signed": receiver.signed, "probe": receiver.probe, "serve": receiver.serve}
