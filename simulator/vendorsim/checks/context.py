"""The context of a check: new samples, requests to the integration, and reporting of findings."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from math import inf
from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.checks.causes import of_field
from vendorsim.checks.coverage import Coverage
from vendorsim.checks.differences import StateDifference
from vendorsim.checks.floor import Floor
from vendorsim.checks.forms import examples_of
from vendorsim.checks.makers import BodyMakers
from vendorsim.checks.model import ERROR, Check, Finding, NotJudged, Result, finding_key
from vendorsim.checks.pinned_ids import PinnedIds
from vendorsim.checks.probes import States
from vendorsim.checks.selection import Selection, case_name
from vendorsim.checks.sender import RequestSender
from vendorsim.checks.stories import Sample, Stories
from vendorsim.checks.timings import Meter
from vendorsim.checks.value_forms import Body, Form
from vendorsim.checks.waiting import Waiting
from vendorsim.core.clock import wall_clock
from vendorsim.core.event import Event
from vendorsim.core.provenance import Stated
from vendorsim.delivery.destinations import Destination
from vendorsim.http.masking import masked
from vendorsim.http.outgoing import Framing, Outgoing, Wire
from vendorsim.http.transport import BROKEN, Answer, Failure
from vendorsim.vendorkit.contract import Contract
from vendorsim.vendorkit.policy import Policy, statuses_text
from vendorsim.vendorkit.profile import TEXT_FIELDS, Profile
from vendorsim.vendorkit.schema_walk import SchemaNode
from vendorsim.vendorkit.vendor import Vendor

if TYPE_CHECKING:
    from vendorsim.server.backend import ServerBackend

SHOWN = 2_000
_INDEX = re.compile(r"/\d+(?=/|$)")


class Exchange(Struct, frozen=True):
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


class CheckSettings(Struct):
    """The settings of one run of checks: vendor, target, selection and options. It `ends` at this time of the
    monotonic clock, after `budget` seconds."""

    vendor: Vendor
    profile: Profile
    policy: Policy
    contract: Contract
    destination: Destination
    sender: RequestSender
    stories: Stories
    selection: Selection
    seed: int
    coverage: Coverage
    command: tuple[str, ...]
    floor: Floor
    meter: Meter
    waiting: Waiting = Waiting()
    makers: BodyMakers = field(default_factory=BodyMakers)
    probe: States | None = None
    probe_ignore: tuple[str, ...] = ()
    state: ServerBackend | None = None
    fuzz: bool = False
    max_examples: int = 100
    budget: float | None = None
    ends: float = inf
    severities: Mapping[str, str] = field(default_factory=dict)
    account: int | None = None
    inbox: int | None = None
    # Returns how the integration's program has ended each time that it ended by itself; None: others have started it.
    endings: Callable[[], Sequence[str]] | None = None
    # Results that several checks judge, by a name that these checks agree on.
    shared: dict[str, Any] = field(default_factory=dict)


class Context:
    """The functions that one check uses. Its result collects cases and findings."""

    def __init__(self, settings: CheckSettings, check: Check, result: Result) -> None:
        self.settings = settings
        self.check = check
        self.result = result
        # Whether a finding is about an answer that did not come because the connection broke.
        self.broke = False
        self._by_key: dict[str, int] = {}
        self._sent = 0

    # Samples

    def events(self) -> tuple[str, ...]:
        """Returns the selected events that a scenario reaches. Raises NotJudged if there are none."""
        known = self.settings.stories.events()
        selection = self.settings.selection
        chosen = tuple(name for name in known if selection.takes_event(self.check, name) and self.gets(name))
        if not chosen:
            subscribes = any(self.gets(name) for name in known)
            nothing = "the vendor sends no event" if subscribes else "the target subscribes to none of these events"
            raise NotJudged(self.unreached() or nothing)
        return chosen

    def gets(self, event: str) -> bool:
        """Whether the target gets an event, by its subscription and its kind."""
        return self.settings.destination.target.gets(event, self.settings.profile)

    def unreached(self) -> str | None:
        """Returns a message with the selected events that no scenario reaches, or None if all can be judged."""
        settings = self.settings
        takes = settings.selection.takes_event
        names = [name for name in settings.stories.unreached() if takes(self.check, name) and self.gets(name)]
        if not names:
            return None
        vendor, events = settings.vendor.name, ", ".join(names)
        return f"no scenario of {vendor} leads to {events}: give traffic that has it (--capture), or add a scenario"

    def takes(self, event: str | None, case: str) -> bool:
        """Whether the case is selected. The text is the one that `fail` gets as `case`."""
        return self.settings.selection.takes_case(self.check, event, case_name(case))

    def takes_story(self, title: str) -> bool:
        """Whether a case of the story is selected. Such cases are called by its title, or begin with it and `/`."""
        return self.settings.selection.takes_story(case_name(title))

    @property
    def names_cases(self) -> bool:
        """Whether only single cases of this check are selected."""
        return self.settings.selection.names_cases(self.check)

    def named_cases(self, event: str) -> list[str]:
        """Returns the names of the single cases of the event that are selected."""
        return self.settings.selection.cases(self.check, event)

    async def taken(self) -> tuple[str, ...]:
        """Returns the selected events that the integration accepts as they are: what it refuses anyway can't be judged
        by changing it. The reason of the result names the others. Raises NotJudged if there is no event left.

        Where single cases are selected, nothing but these is sent: the events are taken as accepted.
        """
        if self.names_cases:
            return self.events()
        outcomes = self.plain_outcomes

        async def ask(event: str) -> None:
            sample = self.sample(event)
            await self.send_lead(sample)
            self.note_plain(event, await self.send(sample.event))

        await self.side_by_side([ask(event) for event in self.events() if event not in outcomes])
        refused = {event: outcome for event in self.events() if (outcome := outcomes[event]) is not None}
        if refused:
            reason = "refused even without a change, see accepts.typical: "
            if len(refused) == len(self.events()) and len(set(refused.values())) == 1:
                raise NotJudged(f"{reason}every event ({next(iter(refused.values()))})")
            if len(refused) == len(self.events()):
                raise NotJudged(reason + ", ".join(f"{event} ({outcome})" for event, outcome in refused.items()))
            left_out = "1 refused event" if len(refused) == 1 else f"{len(refused)} refused events"
            self.result.reason = f"{left_out} left out, see accepts.typical"
        return tuple(event for event in self.events() if event not in refused)

    @property
    def plain_outcomes(self) -> dict[str, str | None]:
        """For each event that was sent without a change: None if it was accepted, or else the outcome."""
        outcomes: dict[str, str | None] = self.settings.shared.setdefault("plain", {})
        return outcomes

    def note_plain(self, event: str, exchange: Exchange) -> None:
        """Notes the outcome of an event that was sent without a change. The first one counts."""
        self.plain_outcomes.setdefault(event, None if self.accepted(exchange) else exchange.outcome())

    def examples(self) -> Mapping[int, Any]:
        """Returns a value for each definition of the contract that occurs in a plain body."""
        shared = self.settings.shared
        if "examples" not in shared:
            last = self.settings.stories.last_events
            shared["examples"] = examples_of((orjson.loads(event.body), self.schema(event.name)) for event in last)
        found: Mapping[int, Any] = shared["examples"]
        return found

    def body(self, event: str, document: Any) -> Body:
        """Returns a plain body of the event, which knows its forms."""
        fulls: dict[str, Any] = self.settings.shared.setdefault("full bodies", {})
        found = Body(
            document,
            self.schema(event),
            lambda body: self.is_valid(event, body),
            self.examples(),
            self.pinned,
            fulls.get(event),
        )
        fulls.setdefault(event, found.full)
        return found

    async def forms(self, event: str) -> list[Form]:
        """Returns the forms of a plain body of the event. Between two events, others get a turn: forms take long."""
        known: dict[str, list[Form]] = self.settings.shared.setdefault("forms", {})
        if event not in known:
            await asyncio.sleep(0)
            known[event] = self.body(event, self.sample(event).document).forms()
        return known[event]

    def sample(self, event: str, locale: str | None = None) -> Sample:
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

    @property
    def pinned(self) -> PinnedIds:
        """The ids of account and inbox that a body which the integration has to accept must hold."""
        return PinnedIds.of(self.settings.profile, self.settings.account, self.settings.inbox)

    # Sending

    async def send_lead(self, sample: Sample) -> None:
        """Sends the events before the sample's event that the target gets, so that the integration knows the
        conversation."""
        for event in sample.lead:
            if self.gets(event.name):
                await self.send(event)

    async def send(
        self,
        event: Event,
        body: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        *,
        what: str | None = None,
        signature: Mapping[str, str] | None = None,
        framing: Framing = "length",
        odd_case: bool = False,
        cut: float = 1.0,
        barrier: asyncio.Barrier | None = None,
        late: float = 0.0,
    ) -> Exchange:
        """Sends an event, with `body` and `headers` in place of its own (None removes a header). `what` names the
        request if the integration stops answering; by default it is the event.

        The body that is sent is signed by the policy, unless `signature` gives the signature headers. With `cut` below
        1, only that fraction of the body is sent. Requests with the same `barrier` reach the integration together, or
        `late` seconds after the others (`vendorsim.http.outgoing.Wire`). Raises TargetGone.
        """
        settings = self.settings
        if settings.state is not None:
            settings.state.sinks.expect(str(event.conversation))
        destination = settings.destination
        sent = event.body if body is None else body
        self._sent += 1
        delivery = f"{event.id}-check-{self._sent}"
        out = Outgoing(destination.endpoint, event.method, destination.headers_of(event), sent, delivery, 1)
        out.framing, out.odd_case = framing, odd_case
        # A server that handles one keep-alive connection at a time would block concurrent requests.
        out.connection = "close"
        if cut < 1:
            out.sent, out.ending = cut, "close"
        for name, value in (headers or {}).items():
            out.headers = {key: old for key, old in out.headers.items() if key.lower() != name.lower()}
            if value is not None:
                out.headers[name] = value

        def wire() -> Wire:
            if signature is not None:
                out.headers.update(signature)
            elif destination.signer is not None:
                out.headers.update(destination.signer.headers(out.delivery, wall_clock() // 1000, sent))
            nonlocal barrier
            gate, barrier = barrier, None  # The others are gone when a request is sent again after a 429.
            return out.wire() if gate is None else replace(out.wire(), barrier=gate, late=late)

        repeatable = cut >= 1 and barrier is None
        about = what or f"a {event.name}"
        answer, milliseconds = await settings.sender.send(wire, about, repeatable=repeatable)
        exchange = Exchange(out.head(), sent, answer, milliseconds)
        settings.coverage.sent(event.name, sent, exchange.status)
        return exchange

    async def side_by_side(self, work: Sequence[Coroutine[Any, Any, object]]) -> None:
        """Runs coroutines that each send one request at a time, as many at once as suits the integration. The first
        error cancels all, and is raised."""

        async def one(item: Coroutine[Any, Any, object]) -> None:
            async with self.settings.floor.place():
                await item

        try:
            await gather_bounded([one(item) for item in work], self.settings.sender.at_once)
        finally:
            for item in work:
                item.close()

    def alone(self) -> AbstractAsyncContextManager[None]:
        """A context in which nothing else is sent: neither by this check nor by others that run at the same time."""
        return self.settings.floor.alone()

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
        case: str = "",
        cause: Sequence[str] = (),
        causes: frozenset[str] | None = None,
        remedy: str | None = None,
        statement: Stated[str] | None = None,
        differences: Sequence[StateDifference] = (),
    ) -> None:
        """Reports a violation. Cases with the same `cause` (default: `found` and `pointer`) become one finding.

        `case` says which case of the check it is, in a few words that are the same in each run with this seed.
        `remedy` and `statement` replace those of the check. `differences` are those of the integration's state.
        `causes` tell which findings of other checks have the same cause; by default, those about the same field. The
        cause becomes the key of the finding: it holds no id, text or measured number, which differ in each run.
        """
        if exchange is not None and isinstance(exchange.answer, Failure) and exchange.answer.kind == BROKEN:
            self.broke = True
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
        if causes is None:
            known_event = event is not None and event in self.settings.contract.events
            causes = of_field(self.schema(event), pointer, found) if event is not None and known_event else frozenset()
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
                reproduce=self._reproduce(event, case),
                remedy=remedy or self.check.remedy,
                statement=statement or self.check.statement,
                request=request,
                answer=answer,
                checks=(self.check.id,),
                causes=causes,
                differences=tuple(differences),
            )
        )

    def _reproduce(self, event: str | None, case: str) -> str:
        """Returns the command that tries this case and nothing else."""
        parts = [self.check.id, *([event or "*", case_name(case)] if case else [event] if event else [])]
        return shlex.join((*self.settings.command, "--only", ":".join(parts)))


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


async def gather_bounded(work: Sequence[Coroutine[Any, Any, object]], at_once: int = 4) -> None:
    """Runs coroutines concurrently, at most `at_once` at a time. The first error cancels all, and is raised."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: Coroutine[Any, Any, object]) -> None:
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
