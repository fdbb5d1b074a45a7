"""The identification API: the operation by which an integration gives a vendor the identity of a session's visitor.

The steps `authenticate` of a scenario wait for a call of this operation. One vendor describes it as data. Its sessions
can be conversations of any vendor; the session id is the conversation's id in the vendor's bodies.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from vendorsim.core.provenance import Stated


class ApiAnswer(Struct, frozen=True):
    """An answer of the operation. `name` is its name in scenarios."""

    name: str
    status: int
    message: str


class Identification(Struct, frozen=True):
    """The operation `operation` of a vendor.

    `path` has the placeholders `{comm_type}` and `{session_id}`; `comm_types` maps the channel of a conversation
    (`chat` or `call`) to the kind of session in the path. `profile` is the profile whose contract has the operation's
    body. `answers` are the answers that can be forced, by their names and by all other names that scenarios may use.
    `accepted` and `unauthorized` are HTTP statuses. `reserved` are the prefixes of session ids with a fixed answer.
    `example` is the example of a body.

    `statements` are the rules for integrations in the vendor's documents, by the name of the check (`calls_api.NAME`).
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

    def path_of(self, comm_type: str, session_id: str) -> str:
        """The path of a session."""
        return self.path.format(comm_type=comm_type, session_id=session_id)

    def answer_name(self, message: str) -> str | None:
        """The short name of the answer with that message; None if no answer that can be forced has it."""
        return next((answer.name for answer in self.answers.values() if answer.message == message), None)
