"""The identification API: the operation by which an integration tells a vendor who the visitor of a session is.

The steps `authenticate` of a scenario wait for a call of it. One vendor describes it, as data; the sessions are those
of any vendor, by the ids that their bodies carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vendorsim.core.provenance import Stated


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """An answer of the operation. `name` is what a scenario calls it."""

    name: str
    status: int
    message: str


@dataclass(frozen=True)
class Identification:
    """The operation `operation` of a vendor.

    `comm_types` gives, for the channel of a conversation (`chat` or `call`), the kind of session that stands in the
    path; `path` has the placeholders `{comm_type}` and `{session_id}`. `profile` is the profile whose contract has the
    operation's body. `answers` are the answers that can be forced, by their names and by whatever else a scenario may
    call them. `accepted` and `unauthorized` are statuses. `reserved` are the prefixes of session ids whose answer is
    fixed. `verbs` are the verbs of a scenario that wait for a call. `example` is a body.

    `statements` are what the vendor's documents ask of an integration, by the name of the check (`calls_api.NAME`).
    """

    vendor: str
    operation: str
    path: str
    comm_types: Mapping[str, str]
    profile: str
    answers: Mapping[str, ApiAnswer]
    accepted: int
    unauthorized: int
    reserved: tuple[str, ...]
    example: Mapping[str, str]
    statements: Mapping[str, Stated[str]]
    method: str = "POST"
    verbs: tuple[str, ...] = ("authenticate",)

    def path_of(self, comm_type: str, session_id: str) -> str:
        """The path of a session."""
        return self.path.format(comm_type=comm_type, session_id=session_id)

    def answer_name(self, message: str) -> str | None:
        """The short name of the answer with that message; None for one that can't be forced."""
        return next((answer.name for answer in self.answers.values() if answer.message == message), None)
