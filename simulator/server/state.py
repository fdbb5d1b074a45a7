"""What all requests share: the configuration, the sessions that are being played, and who listens.

The server runs in threads of its own; everything here is safe to use from any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from simulator.config import Config
from simulator.delivery import clock
from simulator.delivery.armed import Armed
from simulator.delivery.backstage import Backstage
from simulator.delivery.places import Places
from simulator.end_user import SLOW_SECONDS
from simulator.server.conversations import Conversations
from simulator.server.limits import DuplicateRule, RateLimit
from simulator.server.stages import Open, Stage
from simulator.vendors import registry
from simulator.world import Conversation

if TYPE_CHECKING:
    from simulator.delivery.records import Over, Record
    from simulator.delivery.setup import Policies
    from simulator.delivery.standing import Standing


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of a vendor's API, and what it was told.

    `at` is in milliseconds since 1970. `credentials` is the kind, `bearer` or `basic`, or None; never the
    secret. `fields` is what a good body said, `body` is the body as it came (None where it was not read).
    `comm_type` is empty where the operation has none, `session_id` where it is about no conversation; `path` has no
    query.
    """

    operation: str
    comm_type: str
    session_id: str
    at: int
    credentials: str | None
    fields: Mapping[str, str] | None
    status: int
    message: str
    body: bytes | None = field(default=None, repr=False, compare=False)
    vendor: str = "ccai"
    method: str = "POST"
    path: str = ""


@dataclass(frozen=True, slots=True)
class _Attached:
    conversation: Conversation
    answers: Iterator[str | None]


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a test has said of a session. `answers` are forced on its next calls, one by one."""

    ended: bool = False
    crm_supported: bool = True
    answers: tuple[str, ...] = ()


class Sessions:
    """The conversations that are being played, and what was set by hand, by session id. Any other session needs
    no memory."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._attached: dict[str, _Attached] = {}
        self._by_hand: dict[str, ByHand] = {}

    def set(self, session_id: str, **changes: Any) -> None:
        """Changes what is set by hand (the fields of `ByHand`); the session is known from now on."""
        with self._lock:
            self._by_hand[session_id] = replace(self._by_hand.get(session_id, ByHand()), **changes)

    def by_hand(self, session_id: str) -> ByHand | None:
        """What is set by hand, as it counts for this call: its first answer is used up."""
        with self._lock:
            found = self._by_hand.get(session_id)
            if found is not None and found.answers:
                self._by_hand[session_id] = replace(found, answers=found.answers[1:])
            return found

    def attach(self, session_id: str, conversation: Conversation, answers: Sequence[str | None] = ()) -> None:
        """From now on the session is this conversation.

        `answers` are the forced answers (`simulator.end_user.answer_names`) of its first, second, … call;
        None, and every later call, is judged normally.
        """
        with self._lock:
            self._attached[session_id] = _Attached(conversation, iter(tuple(answers)))

    def detach(self, session_id: str) -> None:
        """The conversation is played no longer."""
        with self._lock:
            self._attached.pop(session_id, None)

    def called(self, session_id: str, channel: str) -> tuple[Conversation, str | None] | None:
        """The conversation of that id and channel (`chat` or `call`) and the answer to force on this call."""
        with self._lock:
            attached = self._attached.get(session_id)
            if attached is None or attached.conversation.channel != channel:
                return None
            return attached.conversation, next(attached.answers, None)


class ServerState:
    """One server's configuration and memory.

    `profiles` says by name which profile of a vendor is played where no run does; `config` names the targets.
    `record` gets what is delivered for conversations that no run plays. `backstage` is where it is delivered, given
    where several states share one; `seed` is what such conversations are made up from.

    Without a `token` any well-formed credentials will do. With `strict` only sessions that are being
    played are known. `duplicate_interval` is in milliseconds, 0 switches the rule off; `rate_limit` is in
    requests per second, None for no limit. `slow_seconds` is how long slow answers are held back, by `sleep`.
    `now` gives monotonic seconds.
    """

    def __init__(
        self,
        token: str | None = None,
        strict: bool = False,
        duplicate_interval: int = 60_000,
        rate_limit: float | None = None,
        *,
        profiles: Mapping[str, str] | None = None,
        config: Config | None = None,
        record: Callable[[Record | Over], None] = lambda record: None,
        backstage: Backstage | None = None,
        seed: int = 0,
        slow_seconds: float = SLOW_SECONDS,
        now: Callable[[], float] = clock.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.token = token
        self.strict = strict
        self.duplicate_interval = duplicate_interval
        self.slow_seconds = slow_seconds
        self.sleep = sleep
        self.sessions = Sessions()
        self.conversations = Conversations()
        self.config = config or Config()
        self._profiles = dict(profiles or {})
        self._record = record
        self._stages: dict[str, Stage] = {}
        self._standing: Standing | None = None
        self.armed = Armed()
        self.seed = seed
        self.backstage = backstage or Backstage()
        self._own_backstage = backstage is None
        self.duplicates = DuplicateRule(duplicate_interval, now)
        self.rate_limit = None if rate_limit is None else RateLimit(rate_limit, now)
        self._lock = Lock()
        self._subscribers: tuple[Callable[[ApiCall], None], ...] = ()

    def subscribe(self, callback: Callable[[ApiCall], None]) -> Callable[[], None]:
        """Calls `callback` for every API call, in the request's thread, once the answer is decided.

        Returns the function that ends it.
        """

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(known for known in self._subscribers if known is not callback)

        with self._lock:
            self._subscribers = (*self._subscribers, callback)
        return unsubscribe

    def play(self, policies: Policies, places: Places, begin: Open) -> None:
        """A run plays a vendor from now on: the vendor's API speaks of its conversations and its targets."""
        vendor = policies.vendor
        with self._lock:
            self._stages[vendor.name] = Stage(vendor, policies.profile, places, policies, begin, self.conversations.add)

    def stage(self, vendor: str) -> Stage:
        """How a vendor is played here. Where no run plays it, it is on its own, by the wall clock."""
        with self._lock:
            if vendor not in self._stages:
                self._stages[vendor] = self._alone(vendor)
            return self._stages[vendor]

    def _alone(self, name: str) -> Stage:
        # Most servers deliver nothing: whoever does pays for the event loop and its imports.
        from simulator.delivery.setup import Policies, destinations
        from simulator.delivery.standing import Standing

        vendor = registry.get(name)
        profile = vendor.profile(self._profiles.get(name))
        policies = Policies(vendor, profile, self.config)
        places = Places(destinations(policies, None, (), (), needed=False))
        if self._standing is None:
            self._standing = Standing(self.backstage, self._record, self.armed, self.seed)
        player = self._standing.player(vendor, profile, places)
        return Stage(vendor, profile, places, policies, player.open, self.conversations.add)

    def close(self) -> None:
        """Ends what this server plays on its own."""
        with self._lock:
            standing, self._standing = self._standing, None
            self._stages.clear()
        if standing is not None:
            standing.close()
        if self._own_backstage:
            self.backstage.close()

    def tell(self, call: ApiCall) -> None:
        """Tells every subscriber of a call."""
        for callback in self._subscribers:
            callback(call)
