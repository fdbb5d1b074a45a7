"""Sends the request of an attempt of the journal again, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from vendorsim.core.errors import InputError
from vendorsim.delivery.requests import Prepared
from vendorsim.delivery.resend import resend_alone
from vendorsim.http.endpoint import Endpoint, endpoint, merged
from vendorsim.http.transport import Answer
from vendorsim.http.transport_options import TransportSettings
from vendorsim.journal.documents import sent_request
from vendorsim.journal.pages import Row
from vendorsim.runs.config import Config
from vendorsim.vendorkit.target import Target


class Resending(Struct, frozen=True):
    """A request that is ready to be sent again. `masked` are the headers whose values the journal lacks and nobody has
    given."""

    attempt: int
    receiver: Endpoint
    request: Prepared
    masked: tuple[str, ...]

    def send(self, settings: TransportSettings) -> dict[str, Any]:
        """Sends it, and returns what came of it."""
        sent = resend_alone(self.receiver, self.request, settings)
        return {
            "id": self.attempt,
            "target": self.receiver.shown,
            "status": sent.answer.status if isinstance(sent.answer, Answer) else None,
            "milliseconds": sent.milliseconds,
            "reason": None if isinstance(sent.answer, Answer) else sent.answer.reason,
        }


def prepare_resending(
    row: Row, config: Config, to: str | None = None, headers: Mapping[str, str] | None = None
) -> Resending:
    """Prepares the request of an attempt for its own target, or for the URL `to`.

    Masked headers get their values from the target in `config` to which it was sent, and from `headers`. Raises
    InputError for an attempt that was never sent.
    """
    saved = sent_request(row)
    if saved is None:
        raise InputError(f"attempt {row['id']} was never sent, so there are no bytes to send again")
    target = _target(row, config)
    receiver = endpoint(to or (target.url if target else row["target"]))
    _refuse_lost_query(row, to, target)
    credentials = {"Authorization": receiver.credentials} if receiver.credentials else {}
    filled_in = merged(target.headers if target else {}, credentials, headers or {})
    request, masked = saved.same_bytes(receiver, filled_in)
    return Resending(row["id"], receiver, request, masked)


def _target(row: Row, config: Config) -> Target | None:
    """Returns the target in vendorsim.yaml to which the attempt was sent, if there is one."""
    candidates = config.targets.get(row["vendor"], ())
    return next((target for target in candidates if endpoint(target.url).shown == row["target"]), None)


def _refuse_lost_query(row: Row, to: str | None, target: Target | None) -> None:
    if to is None and target is None and b"?" in row["request_head"].partition(b"\r\n")[0]:
        raise InputError(f"the query of {row['target']} may hold secrets and is not kept; give the whole URL with --to")
