"""The reducer: applies a step to a conversation and yields the changes. No other module changes a conversation.

A few changes do not come from a step of a scenario: `set_status` (a vendor's reaction to a failed delivery),
`identify`, `introduce`, `describe_visitor` and `pass_time`. If other threads use the conversation, the caller must hold
its lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vendorsim.conversation import files, talk
from vendorsim.conversation.changes import (
    Assigned,
    AttributesSet,
    Change,
    ContactCreated,
    ContactUpdated,
    FeedbackLeft,
    FormFilled,
    GoalReached,
    Joined,
    LabelsSet,
    Left,
    MessageAdded,
    MessageChanged,
    MessagesDelivered,
    MessagesRead,
    Navigated,
    OfflineMessageLeft,
    PresenceChanged,
    PrioritySet,
    Rated,
    SendQueued,
    Started,
    StatusChanged,
    SurveyAnswered,
    Typed,
    WidgetConfigured,
    WidgetOpened,
)
from vendorsim.conversation.state import (
    BY_TIMEOUT,
    BY_VISITOR,
    CLOSED,
    IDENTITY,
    OPEN,
    PENDING,
    SNOOZED,
    Agent,
    Conversation,
    Departed,
    Ended,
    Entered,
    Message,
    StepError,
    Visitor,
)
from vendorsim.core.seeding import derive
from vendorsim.scenario import verbs
from vendorsim.scenario.verbs import Verb

HOME = verbs.Page("https://www.example.com/", "Example")


def apply(conversation: Conversation, verb: Verb, at: int, name: str | None = None) -> Iterator[Change]:
    """Applies one step at the time `at` (milliseconds since 1970) and yields its changes.

    Each change is yielded before the next one is made, so that a vendor builds a body from the state of that moment.
    `name` is the step's `as`. Raises StepError.
    """
    conversation.now = at
    handler = _HANDLERS.get(type(verb))
    if handler is None or conversation.deleted:
        return
    count = len(conversation.messages)
    yield from handler(conversation, verb)
    if name is not None and len(conversation.messages) > count:
        conversation.names[name] = conversation.messages[count]


def identify(conversation: Conversation, identity: Mapping[str, str]) -> None:
    """Links the conversation with the person whose identity an integration gave to the vendor's API.

    `identity` holds an identifier and, where given, name, email and phone. The visitor has these data from now on. The
    identifier of the visitor himself tells the vendor the rest, too.
    """
    conversation.identity = dict(identity)
    if identity["identifier"] == conversation.identifier:
        _tell(conversation, conversation.untold)
    # Another identifier leaves untold who the visitor is.
    _set(conversation, {name: identity[name] for name in IDENTITY if name in identity})


def _set(conversation: Conversation, values: Mapping[str, Any]) -> None:
    """Sets fields of the visitor, by name."""
    for name, value in values.items():
        setattr(conversation.visitor, name, value)


def _tell(conversation: Conversation, values: Mapping[str, Any]) -> None:
    """Tells the vendor fields of the visitor, by name."""
    _set(conversation, values)
    conversation.untold = {name: value for name, value in conversation.untold.items() if name not in values}


def introduce(conversation: Conversation, agent: Agent) -> None:
    """Adds an agent, so that steps can name it by its key."""
    conversation.agents[agent.key] = agent


def describe_visitor(conversation: Conversation, values: Mapping[str, Any]) -> None:
    """Sets fields of the visitor, by their names in `Visitor`."""
    _tell(conversation, values)


def pass_time(conversation: Conversation, at: int) -> None:
    """Moves the conversation's time forward to `at` (milliseconds since 1970), never back."""
    conversation.now = max(conversation.now, at)


def _open_widget(conversation: Conversation, verb: verbs.OpenWidget) -> Iterator[Change]:
    yield WidgetOpened()


def _start(conversation: Conversation, verb: verbs.Start) -> Iterator[Change]:
    conversation.channel = verb.channel
    if verb.page is not None:
        conversation.pages.append(verb.page)
    if verb.pending and not conversation.started:
        conversation.status = conversation.first_status = PENDING
    if verb.form is not None:
        _fill_in(conversation, verb.form)
        yield FormFilled()
    yield from _begin(conversation)


def _begin(conversation: Conversation) -> tuple[Change, ...]:
    if conversation.started:
        return ()
    conversation.started = True
    conversation.started_at = conversation.now
    if not conversation.pages:
        conversation.pages.extend(conversation.visit or (HOME,))
    return (Started(),)


def _say(conversation: Conversation, verb: verbs.Say) -> Iterator[Change]:
    yield from _begin(conversation)
    text, made_up = verb.text, verb.text is None and not verb.attachments
    if not made_up:
        # Nothing that is said next is an answer to the last made-up question.
        conversation.talk.waiting = False
    if verb.by == BY_VISITOR:
        if conversation.status in (CLOSED, SNOOZED):
            after = conversation.first_status if conversation.status == CLOSED else OPEN
            yield from set_status(conversation, after, BY_VISITOR)
        text = _visitor_line(conversation) if made_up else text
        yield _write(conversation, conversation.visitor, text or None, verb)
        return
    agent = _agent(conversation, verb.by)
    text = _agent_line(conversation, agent) if made_up else text
    _enter(conversation, agent)
    conversation.agent_seen_at = conversation.now
    yield _write(conversation, agent, text or None, verb)


def _trigger(conversation: Conversation, verb: verbs.Trigger) -> Iterator[Change]:
    message = _message(conversation, None, verb.text or _automatic(conversation))
    message.trigger = verb.title or "Automatic message"
    yield _add(conversation, message)


def _note(conversation: Conversation, verb: verbs.Note) -> Iterator[Change]:
    yield from _begin(conversation)
    author = _agent(conversation, verb.by) if verb.by else _present_agent(conversation)
    text = verb.text or (None if verb.attachments else _private_note(conversation, author))
    yield _write(conversation, author, text, verb, private=True)


def _edit(conversation: Conversation, verb: verbs.Edit) -> Iterator[Change]:
    message = _find(conversation, verb.message)
    message.text = verb.text
    yield MessageChanged(message)


def _delete(conversation: Conversation, verb: verbs.Delete) -> Iterator[Change]:
    if verb.message in (verbs.CONVERSATION, verbs.CONTACT) and verb.message not in conversation.names:
        conversation.deleted = True
        conversation.visitor.deleted = verb.message == verbs.CONTACT
        return
    message = _find(conversation, verb.message)
    message.deleted = True
    yield MessageChanged(message)


def _read(conversation: Conversation, verb: verbs.Read) -> Iterator[Change]:
    by_visitor = verb.by == BY_VISITOR
    if verb.status == verbs.DELIVERED:
        yield _deliver(conversation, by_visitor=by_visitor)
        return
    unread = tuple(m for m in conversation.public_messages() if not m.read and m.by_visitor != by_visitor)
    for message in unread:
        message.read = True
    if by_visitor:
        conversation.visitor_seen_at = conversation.now
    else:
        conversation.agent_seen_at = conversation.now
    yield MessagesRead(None if by_visitor else _agent(conversation, verb.by), unread)


def _deliver(conversation: Conversation, *, by_visitor: bool) -> Change:
    if not by_visitor:
        raise StepError("'status: delivered' is for the visitor, who receives what agents write")
    arrived = tuple(m for m in conversation.public_messages() if not (m.by_visitor or m.read or m.delivered))
    for message in arrived:
        message.delivered = True
    return MessagesDelivered(arrived)


def _typing(conversation: Conversation, verb: verbs.Typing) -> Iterator[Change]:
    yield Typed(None if verb.by == BY_VISITOR else _agent(conversation, verb.by), verb.active)


def _join(conversation: Conversation, verb: verbs.Join) -> Iterator[Change]:
    yield from _begin(conversation)
    agent = _agent(conversation, verb.agent)
    _enter(conversation, agent)
    conversation.agent_seen_at = conversation.now
    conversation.log.append(Entered(agent, conversation.now))
    yield Joined(agent)


def _leave(conversation: Conversation, verb: verbs.Leave) -> Iterator[Change]:
    agent = _agent(conversation, verb.agent)
    if agent in conversation.joined:
        conversation.joined.remove(agent)
    conversation.current_agent = conversation.joined[-1] if conversation.joined else None
    conversation.log.append(Departed(agent, conversation.now))
    yield Left(agent)


def _assign(conversation: Conversation, verb: verbs.Assign) -> Iterator[Change]:
    key, team = verb.to
    before = (conversation.assignee, conversation.team)
    conversation.assignee = _agent(conversation, key) if key else None
    conversation.team = team
    if conversation.assignee is not None:
        _enter(conversation, conversation.assignee)
    after = (conversation.assignee, conversation.team)
    if after != before:
        yield Assigned(before, after)


def _label(conversation: Conversation, verb: verbs.Label) -> Iterator[Change]:
    before, conversation.labels = conversation.labels, verb.labels
    if before != verb.labels:
        yield LabelsSet(before, verb.labels)


def _prioritize(conversation: Conversation, verb: verbs.Prioritize) -> Iterator[Change]:
    before, conversation.priority = conversation.priority, verb.priority
    if before != verb.priority:
        yield PrioritySet(before, verb.priority)


def _attributes(conversation: Conversation, verb: verbs.Attributes) -> Iterator[Change]:
    before = conversation.attributes
    conversation.attributes = before | dict(verb.values)
    if conversation.attributes != before:
        yield AttributesSet(before, conversation.attributes)


def _rate(conversation: Conversation, verb: verbs.Rate) -> Iterator[Change]:
    conversation.rating = verb.score
    conversation.rating_comment = verb.comment
    yield Rated(verb.score, verb.comment)


def _feedback(conversation: Conversation, verb: verbs.Feedback) -> Iterator[Change]:
    conversation.feedback = verb.text
    yield FeedbackLeft(verb.text)


def _survey(conversation: Conversation, verb: verbs.Survey) -> Iterator[Change]:
    conversation.survey = verb.answers
    yield SurveyAnswered(verb.answers)


def _goal(conversation: Conversation, verb: verbs.Goal) -> Iterator[Change]:
    conversation.goal = verb.goal
    yield GoalReached(verb.goal)


def _close(conversation: Conversation, verb: verbs.Close) -> Iterator[Change]:
    yield from _begin(conversation)
    by: str | Agent
    if verb.by in (BY_VISITOR, BY_TIMEOUT):
        by = verb.by
    elif verb.by is not None:
        by = _agent(conversation, verb.by)
    else:
        by = conversation.current_agent or BY_VISITOR
    yield from set_status(conversation, CLOSED, by)


def _miss(conversation: Conversation, verb: verbs.Miss) -> Iterator[Change]:
    yield from _begin(conversation)
    conversation.missed = True
    yield from set_status(conversation, CLOSED, BY_VISITOR)


def _snooze(conversation: Conversation, verb: verbs.Snooze) -> Iterator[Change]:
    yield from set_status(conversation, SNOOZED, conversation.current_agent or BY_TIMEOUT)


def _pend(conversation: Conversation, verb: verbs.Pend) -> Iterator[Change]:
    yield from set_status(conversation, PENDING, conversation.current_agent or BY_TIMEOUT)


def _reopen(conversation: Conversation, verb: verbs.Reopen) -> Iterator[Change]:
    # An agent reopens it: a visitor reopens a conversation by writing.
    yield from set_status(conversation, OPEN, _present_agent(conversation))


def set_status(conversation: Conversation, status: str, by: str | Agent) -> Iterator[StatusChanged]:
    """Sets the status, and yields the change if there is one. `by` is `visitor`, `timeout` or an agent."""
    before = conversation.status
    if before == status:
        return
    conversation.status = status
    if status == CLOSED:
        conversation.ended_at = conversation.now
        conversation.log.append(Ended(by, conversation.now))
    else:
        conversation.ended_at = None
        conversation.missed = False
    yield StatusChanged(before, status, by)


def _offline_message(conversation: Conversation, verb: verbs.OfflineMessage) -> Iterator[Change]:
    conversation.offline = True
    yield from _begin(conversation)
    message = _message(conversation, conversation.visitor, verb.text or _visitor_line(conversation))
    message.offline = True
    yield _add(conversation, message)
    yield OfflineMessageLeft(message)


def _operator(conversation: Conversation, verb: verbs.Operator) -> Iterator[Change]:
    agent = _agent(conversation, verb.who)
    yield PresenceChanged(agent, verb.goes)


def _contact(conversation: Conversation, verb: verbs.Contact) -> Iterator[Change]:
    given = verb.created if verb.created is not None else verb.updated
    assert given is not None
    visitor = conversation.visitor
    before = {key: getattr(visitor, key) for key in given}
    custom = {"custom": {**visitor.custom, **(given["custom"] or {})}} if "custom" in given else {}
    _fill_in(conversation, {**given, **custom})
    yield ContactCreated() if verb.created is not None else ContactUpdated(before)


def _fill_in(conversation: Conversation, values: Mapping[str, Any]) -> None:
    """The visitor tells the vendor his data, by their names in `Visitor`."""
    _tell(conversation, values)
    if values.get("identifier") is not None:
        conversation.told.add(values["identifier"])


def _configure_widget(conversation: Conversation, verb: verbs.ConfigureWidget) -> Iterator[Change]:
    yield WidgetConfigured(verb.settings)


def _send_to_api(conversation: Conversation, verb: verbs.SendToApi) -> Iterator[Change]:
    yield SendQueued()


def _navigate(conversation: Conversation, verb: verbs.Navigate) -> Iterator[Change]:
    conversation.pages.append(verb.page)
    yield Navigated(verb.page)


def _write(
    conversation: Conversation,
    author: Visitor | Agent,
    text: str | None,
    verb: verbs.Say | verbs.Note,
    private: bool = False,
) -> Change:
    message = _message(conversation, author, text)
    message.private = private
    message.content_type = verb.content_type
    message.source_id = verb.source_id
    message.attributes = verb.attributes
    if verb.attachments:
        message.attachments = tuple(
            files.attached(conversation, message, position, item) for position, item in enumerate(verb.attachments)
        )
    return _add(conversation, message)


def _message(conversation: Conversation, author: Visitor | Agent | None, text: str | None) -> Message:
    number = len(conversation.messages) + 1
    return Message(number, conversation.message_ids.take(), author, text, conversation.now)


def _add(conversation: Conversation, message: Message) -> Change:
    conversation.messages.append(message)
    conversation.log.append(message)
    return MessageAdded(message)


def _enter(conversation: Conversation, agent: Agent) -> None:
    if agent not in conversation.joined:
        conversation.joined.append(agent)
    conversation.current_agent = agent
    if conversation.first_agent is None:
        conversation.first_agent = agent


def _agent(conversation: Conversation, key: str) -> Agent:
    agent = conversation.agents.get(key)
    if agent is None:
        raise StepError(f"there is no agent '{key}' in the cast")
    return agent


def _present_agent(conversation: Conversation) -> Agent:
    return conversation.current_agent or conversation.default_agent()


def _find(conversation: Conversation, reference: str | int) -> Message:
    if isinstance(reference, str):
        message = conversation.names.get(reference)
        if message is None:
            raise StepError(f"the message '{reference}' does not exist here; the step that makes it is left out")
        return message
    position = reference - 1 if reference > 0 else reference
    try:
        return conversation.messages[position]
    except IndexError:
        raise StepError(
            f"there is no message {reference} here; the conversation has {len(conversation.messages)}"
        ) from None


def _visitor_line(conversation: Conversation) -> str:
    """A made-up text of the visitor."""
    known = _phrases(conversation)
    if known is None:
        return _sentence(conversation)
    return known.visitor(conversation.seed, conversation.talk, conversation.visitor.party())


def _agent_line(conversation: Conversation, agent: Agent) -> str:
    """A made-up text of an agent: the answer to the visitor's made-up question, if there is one without an answer."""
    known = _phrases(conversation)
    if known is None:
        return _sentence(conversation)
    seed, visitor = conversation.seed, conversation.visitor.party()
    public = [message for message in conversation.messages if not message.private]
    if conversation.talk.waiting:
        first = all(message.author is not agent for message in public)
        return known.agent(seed, conversation.talk, agent.party(), visitor, first=first)
    if not public or (len(public) == 1 and public[0].trigger is not None):
        return known.other("greeting", seed, 0, agent.party(), visitor)
    return known.other("wait" if public[-1].by_visitor else "more", seed, len(public), agent.party(), visitor)


def _automatic(conversation: Conversation) -> str:
    known = _phrases(conversation)
    return _sentence(conversation) if known is None else known.other("automatic", conversation.seed, 0)


def _private_note(conversation: Conversation, agent: Agent) -> str:
    known = _phrases(conversation)
    if known is None:
        return _sentence(conversation)
    number = len(conversation.messages)
    return known.other("note", conversation.seed, number, agent.party(), conversation.visitor.party())


def _phrases(conversation: Conversation) -> talk.Phrases | None:
    return talk.phrases(conversation.locale)


def _sentence(conversation: Conversation) -> str:
    """A sentence of a language that there are no phrases for: its words go together by chance."""
    return conversation.pool.sentence(derive(conversation.seed, len(conversation.messages)))


_HANDLERS: dict[type[Verb], Callable[[Conversation, Any], Iterator[Change]]] = {
    verbs.OpenWidget: _open_widget,
    verbs.Start: _start,
    verbs.Say: _say,
    verbs.Trigger: _trigger,
    verbs.Note: _note,
    verbs.Edit: _edit,
    verbs.Delete: _delete,
    verbs.Read: _read,
    verbs.Typing: _typing,
    verbs.Join: _join,
    verbs.Leave: _leave,
    verbs.Assign: _assign,
    verbs.Label: _label,
    verbs.Prioritize: _prioritize,
    verbs.Attributes: _attributes,
    verbs.Rate: _rate,
    verbs.Feedback: _feedback,
    verbs.Survey: _survey,
    verbs.Goal: _goal,
    verbs.Close: _close,
    verbs.Snooze: _snooze,
    verbs.Pend: _pend,
    verbs.Reopen: _reopen,
    verbs.Miss: _miss,
    verbs.OfflineMessage: _offline_message,
    verbs.Operator: _operator,
    verbs.Contact: _contact,
    verbs.ConfigureWidget: _configure_widget,
    verbs.SendToApi: _send_to_api,
    verbs.Navigate: _navigate,
}
