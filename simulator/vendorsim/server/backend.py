"""What all requests share: the configuration, the sessions that are being played, and who listens.

The server runs in threads of its own; everything here is safe to use from any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from vendorsim.conversation.state import Conversation
from vendorsim.core import clock
from vendorsim.delivery.active_faults import Armed
from vendorsim.delivery.background_loop import Backstage
from vendorsim.delivery.destinations import Places
from vendorsim.runs.config import Config
from vendorsim.server.conversation_registry import Conversations
from vendorsim.server.limits import DuplicateRule, RateLimit
from vendorsim.server.shared.in_memory import SetInMemory
from vendorsim.server.shared.model import ByHand, Duplicates, SetByHand
from vendorsim.server.stages import Open, Stage
from vendorsim.vendorkit import registry
from vendorsim.vendors.ccai.end_user import SLOW_SECONDS

if TYPE_CHECKING:
    from vendorsim.delivery.background_runs import Standing
    from vendorsim.delivery.planning import Policies
    from vendorsim.delivery.records import Over, Record
    from vendorsim.runs.timeline import Run


# Not frozen, for that would make it three times as dear to make. Nobody changes one.
@dataclass(slots=True)
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


class Sessions:
    """The conversations that are being played, and what was set by hand, by session id. Any other session needs
    no memory.

    What is played is played by this server; what is set by hand may be shared with others.
    """

    def __init__(self, by_hand: SetByHand | None = None) -> None:
        self._lock = Lock()
        self._attached: dict[str, _Attached] = {}
        self._by_hand: SetByHand = SetInMemory() if by_hand is None else by_hand
        # What has nothing to do with what is played goes straight there.
        self.set = self._by_hand.set
        self.by_hand = self._by_hand.take
        self.force = self._by_hand.force
        self.forced = self._by_hand.forced
        self.take_forced = self._by_hand.take_forced

    def is_known(self, session_id: str) -> bool:
        """Whether it is played, or was set by hand."""
        return session_id in self._attached or self._by_hand.get(session_id) is not None

    def names(self) -> list[str]:
        """The ids of all known sessions: those set by hand, the newest first, then those that are played."""
        names = self._by_hand.names()
        known = set(names)
        with self._lock:
            return [*names, *(name for name in self._attached if name not in known)]

    def document(self, session_id: str) -> dict[str, Any]:
        """A session as JSON."""
        by_hand = self._by_hand.get(session_id) or ByHand()
        with self._lock:
            attached = self._attached.get(session_id)
        conversation = None if attached is None else attached.conversation
        end_user = by_hand.end_user or (None if conversation is None else conversation.end_user)
        return {
            "id": session_id,
            "channel": None if conversation is None else conversation.channel,
            "played": conversation is not None,
            "ended": by_hand.ended or (conversation is not None and conversation.ended),
            "crm_supported": by_hand.crm_supported,
            "answers": list(by_hand.answers),
            "end_user": None if end_user is None else dict(end_user),
        }

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._attached.clear()
        self._by_hand.clear()

    def attach(self, session_id: str, conversation: Conversation, answers: Sequence[str | None] = ()) -> None:
        """From now on the session is this conversation.

        `answers` are the forced answers (`vendorsim.vendors.ccai.end_user.answer_names`) of its first, second, … call;
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
        if session_id not in self._attached:
            return None
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

    `duplicates` and `by_hand` are what other servers share; without them all is in memory.
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
        duplicates: Duplicates | None = None,
        by_hand: SetByHand | None = None,
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
        self.sessions = Sessions(by_hand)
        self.conversations = Conversations()
        self.config = config or Config()
        self._profiles = dict(profiles or {})
        self._record = record
        self._stages: dict[str, Stage] = {}
        # The targets of a run that has ended, by vendor, until the vendor is asked for again.
        self._left: dict[str, Places] = {}
        self._standing: Standing | None = None
        self.armed = Armed()
        self.seed = seed
        self.backstage = backstage or Backstage()
        self._own_backstage = backstage is None
        self.duplicates: Duplicates = DuplicateRule(duplicate_interval, now) if duplicates is None else duplicates
        self.rate_limit = None if rate_limit is None else RateLimit(rate_limit, now)
        # Held for a moment only, since the loop that delivers takes it too; `_making` is held while that is waited for.
        self._lock = Lock()
        self._making = Lock()
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

    def leave(self, run: Run, begin: Open) -> None:
        """A run that was played sends nothing any more: its conversations are under way no longer, and its vendor is on
        its own again, with the targets that it has."""
        self.conversations.forget(run)
        vendor = run.vendor.name
        with self._lock:
            stage = self._stages.get(vendor)
            if stage is not None and stage.begin == begin:
                del self._stages[vendor]
                if stage.profile.name == run.vendor.profile(self._profiles.get(vendor)).name:
                    self._left[vendor] = stage.places

    def stage(self, vendor: str) -> Stage:
        """How a vendor is played here. Where no run plays it, it is on its own, by the wall clock."""
        with self._making:
            with self._lock:
                found = self._stages.get(vendor)
            if found is None:
                alone = self._alone(vendor)
                with self._lock:
                    found = self._stages.setdefault(vendor, alone)
            return found

    def _alone(self, name: str) -> Stage:
        # Most servers deliver nothing: whoever does pays for the event loop and its imports.
        from vendorsim.delivery.background_runs import Standing
        from vendorsim.delivery.planning import Policies, destinations

        vendor = registry.get(name)
        profile = vendor.profile(self._profiles.get(name))
        policies = Policies(vendor, profile, self.config)
        left = self._left.pop(name, None)
        places = left if left is not None else Places(destinations(policies, None, (), (), needed=False))
        if self._standing is None:
            self._standing = Standing(self.backstage, self._record, self.armed, self.seed)
        player = self._standing.player(vendor, profile, places)
        return Stage(vendor, profile, places, policies, player.open, self.conversations.add)

    def reset(self, seed: int) -> None:
        """Forgets sessions, conversations, subscriptions, faults and accepted requests; what comes is made up from that
        seed."""
        with self._lock:
            standing, self._standing = self._standing, None
            self._stages.clear()
            self._left.clear()
        if standing is not None:
            standing.close()
        self.seed = seed
        self.sessions.clear()
        self.conversations.clear()
        self.duplicates.clear()
        self.armed.set((), None)

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
