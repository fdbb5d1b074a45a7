"""The context of a check: new samples, requests to the integration, and reporting of findings."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vendorsim.checks.coverage import Coverage
from vendorsim.checks.model import ERROR, Check, Finding, NotJudged, Result, finding_key
from vendorsim.checks.probes import StateProbe
from vendorsim.checks.selection import Selection
from vendorsim.checks.stories import Sample, Stories
from vendorsim.checks.waiting import Waiting
from vendorsim.core.clock import monotonic, wall_clock
from vendorsim.core.event import Event
from vendorsim.delivery.destinations import Destination
from vendorsim.http.masking import masked
from vendorsim.http.outgoing import Framing, Outgoing
from vendorsim.http.transport import TIMEOUT, UNREACHABLE, Answer, Failure, Transport
from vendorsim.vendorkit.contract import Contract
from vendorsim.vendorkit.policy import Policy, statuses_text
from vendorsim.vendorkit.profile import TEXT_FIELDS, Profile
from vendorsim.vendorkit.schema_walk import SchemaNode
from vendorsim.vendorkit.vendor import Vendor

if TYPE_CHECKING:
    from vendorsim.server.backend import ServerBackend

SHOWN = 2_000
_INDEX = re.compile(r"/\d+(?=/|$)")
# After this many requests in a row without an answer, the run stops sending.
MOST_SILENCES = 3


class TargetGone(Exception):
    """The integration can't be reached or has stopped answering; the message says what happened."""

    def __init__(self, reason: str, unreachable: bool) -> None:
        super().__init__(reason)
        self.unreachable = unreachable


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer or failure. `milliseconds` is the time until the answer was read."""

    head: bytes
    body: bytes
    answer: Answer | Failure
    milliseconds: float

    @property
    def status(self) -> int | None:
        return self.answer.status if isinstance(self.answer, Answer) else None

    def outcome(self) -> str:
        """Returns the outcome in a few words: `500`, `no answer within 2 s`."""
        return str(self.answer.status) if isinstance(self.answer, Answer) else self.answer.reason


@dataclass(slots=True)
class CheckSettings:
    """The settings of one run of checks: vendor, target, selection and options."""

    vendor: Vendor
    profile: Profile
    policy: Policy
    contract: Contract
    destination: Destination
    transport: Transport
    stories: Stories
    selection: Selection
    seed: int
    coverage: Coverage
    command: tuple[str, ...]
    waiting: Waiting = Waiting()
    probe: StateProbe | None = None
    probe_ignore: tuple[str, ...] = ()
    state: ServerBackend | None = None
    fuzz: bool = False
    max_examples: int = 100
    severities: Mapping[str, str] = field(default_factory=dict)
    # Results that several checks judge, by a name that these checks agree on.
    shared: dict[str, Any] = field(default_factory=dict)


class Context:
    """The functions that one check uses. Its result collects cases and findings."""

    def __init__(self, settings: CheckSettings, check: Check, result: Result) -> None:
        self.settings = settings
        self.check = check
        self.result = result
        self._by_key: dict[str, int] = {}
        self._silences = 0
        self._unreachable = False
        self._sent = 0

    # Samples

    def events(self) -> tuple[str, ...]:
        """Returns the selected events that a scenario reaches. Raises NotJudged if there are none."""
        known = self.settings.stories.events()
        chosen = tuple(name for name in known if self.settings.selection.takes_event(self.check, name))
        if not chosen:
            raise NotJudged(self.unreached() or "the vendor sends no event")
        return chosen

    def unreached(self) -> str | None:
        """Returns a message with the selected events that no scenario reaches, or None if all can be judged."""
        settings = self.settings
        names = [name for name in settings.stories.unreached() if settings.selection.takes_event(self.check, name)]
        if not names:
            return None
        vendor = settings.vendor.name
        return f"no scenario of {vendor} leads to {', '.join(names)}: add one to the scenarios of its package"

    def sample(self, event: str, locale: str = "en_US") -> Sample:
        """Returns an event of that name from a new conversation."""
        return self.settings.stories.sample(event, locale)

    def schema(self, event: str) -> SchemaNode:
        """Returns the schema of an event's body."""
        return self.settings.contract.node(event)

    @property
    def text_fields(self) -> frozenset[str]:
        """The names of the fields with free text."""
        return TEXT_FIELDS | self.settings.profile.text_fields

    def encode(self, document: Any) -> bytes:
        """Serialises a document in this vendor's style."""
        return self.settings.profile.encode(document)

    def is_valid(self, event: str, document: Any) -> bool:
        return self.settings.contract.is_valid(event, document)

    # Sending

    async def send_lead(self, sample: Sample) -> None:
        """Sends the events before the sample's event, so that the integration knows the conversation."""
        for event in sample.lead:
            await self.send(event)

    async def send(
        self,
        event: Event,
        body: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        *,
        signature: Mapping[str, str] | None = None,
        framing: Framing = "length",
        odd_case: bool = False,
        cut: float = 1.0,
    ) -> Exchange:
        """Sends an event, with `body` and `headers` in place of its own (None removes a header).

        The body that is sent is signed by the policy, unless `signature` gives the signature headers. With `cut` below
        1, only that fraction of the body is sent. Raises TargetGone.
        """
        settings = self.settings
        destination = settings.destination
        sent = event.body if body is None else body
        self._sent += 1
        out = Outgoing(
            destination.endpoint, event.method, destination.headers_of(event), sent, f"{event.id}-check-{self._sent}", 1
        )
        out.framing, out.odd_case = framing, odd_case
        # A server that handles one keep-alive connection at a time would block concurrent requests.
        out.connection = "new"
        if cut < 1:
            out.sent, out.ending = cut, "close"
        for name, value in (headers or {}).items():
            out.headers = {key: old for key, old in out.headers.items() if key.lower() != name.lower()}
            if value is not None:
                out.headers[name] = value
        if signature is not None:
            out.headers.update(signature)
        elif destination.signer is not None:
            out.headers.update(destination.signer.headers(out.delivery, wall_clock() // 1000, sent))
        policy = settings.policy
        began = monotonic()
        answer = await settings.transport.exchange(
            destination.endpoint, out.wire(), policy.connect_timeout.value / 1000, policy.read_timeout.value / 1000
        )
        exchange = Exchange(out.head(), sent, answer, (monotonic() - began) * 1000)
        self._count_silence(exchange)
        settings.coverage.sent(event.name, sent, exchange.status)
        return exchange

    def _count_silence(self, exchange: Exchange) -> None:
        answer = exchange.answer
        if isinstance(answer, Answer) or answer.kind not in (TIMEOUT, UNREACHABLE):
            self._silences = 0
            return
        self._silences += 1
        # An unreachable target ends the run without a finding. `_unreachable` covers further concurrent requests.
        if answer.kind == UNREACHABLE and (self._unreachable or self._silences == 1):
            self._unreachable = True
            raise TargetGone(f"{self.settings.destination.endpoint.shown}: {answer.reason}", unreachable=True)
        if self._silences >= MOST_SILENCES:
            raise TargetGone(
                f"{self._silences} requests in a row were not answered: {answer.reason}", unreachable=False
            )

    # Judging

    def case(self, event: str | None = None) -> None:
        """Counts one case of this check."""
        self.result.cases += 1
        if event is not None:
            self.result.cells.setdefault(event, "passed")

    def expected_statuses(self) -> str:
        return statuses_text(self.settings.policy.accepted.value)

    def accepted(self, exchange: Exchange) -> bool:
        """Whether the vendor's policy accepts the status."""
        return exchange.status in self.settings.policy.accepted.value

    def fail(
        self,
        event: str | None,
        message: str,
        *,
        expected: str,
        found: str,
        pointer: str = "",
        exchange: Exchange | None = None,
        severity: str | None = None,
        cause: Sequence[str] = (),
    ) -> None:
        """Reports a violation. Cases with the same `cause` (default: `found` and `pointer`) become one finding.

        The cause becomes the key of the finding: it holds no id, text or measured number, which differ in each run.
        """
        severity = severity or self.settings.severities.get(self.check.id) or self.check.severity
        key = finding_key(self.check.id, severity, *(cause or (_steady(found, exchange), _any_item(pointer))))
        if event is not None and self.result.cells.get(event) != ERROR:
            self.result.cells[event] = severity
        known = self._by_key.get(key)
        if known is not None:
            finding = self.result.findings[known]
            self.result.findings[known] = replace(finding, count=finding.count + 1)
            return
        self._by_key[key] = len(self.result.findings)
        request, answer = _shown(exchange)
        self.result.findings.append(
            Finding(
                check=self.check.id,
                event=event,
                severity=severity,
                message=message,
                expected=expected,
                found=found,
                pointer=pointer,
                key=key,
                reproduce=self._reproduce(event),
                remedy=self.check.remedy,
                statement=self.check.statement,
                request=request,
                answer=answer,
            )
        )

    def _reproduce(self, event: str | None) -> str:
        only = self.check.id if event is None else f"{self.check.id}:{event}"
        return shlex.join((*self.settings.command, "--only", only))


def _steady(found: str, exchange: Exchange | None) -> str:
    """Returns the kind of a failed request in place of its reason, in which numbers differ."""
    failure = exchange.answer if exchange is not None and isinstance(exchange.answer, Failure) else None
    return failure.kind if failure is not None and failure.reason == found else found


def _any_item(pointer: str) -> str:
    """Returns the pointer with `*` for list indexes: which item was tried depends on the seed."""
    return _INDEX.sub("/*", pointer)


def _shown(exchange: Exchange | None) -> tuple[str | None, str | None]:
    """Returns request and answer as text for reports: cut off, and without secrets."""
    if exchange is None:
        return None, None
    head, secrets = masked(exchange.head)
    request = _bounded(head) + _bounded(exchange.body)
    answer = exchange.answer
    if isinstance(answer, Failure):
        return request, answer.reason
    headers = "".join(f"{name}: {value}\n" for name, value in answer.headers if name.lower() != "set-cookie")
    text = f"{answer.status}\n{headers}\n{_bounded(answer.body)}"
    for secret in secrets:
        text = text.replace(secret.decode("utf-8", "replace"), "***")
    return request, text


def _bounded(data: bytes) -> str:
    text = data[:SHOWN].decode("utf-8", "replace")
    return text if len(data) <= SHOWN else f"{text}… ({len(data)} bytes)"


async def gather_bounded(work: Sequence[Any], at_once: int = 4) -> None:
    """Runs coroutines concurrently, at most `at_once` at a time. The first error cancels all, and is raised."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: Any) -> None:
        async with gate:
            await item

    try:
        async with asyncio.TaskGroup() as tasks:
            for item in work:
                tasks.create_task(one(item))
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
    finally:
        # Close coroutines that were never started, which would warn otherwise.
        for item in work:
            item.close()
