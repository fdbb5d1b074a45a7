"""Bugs of the bot in `examples/`, which answers visitors by MessageHub's API: what customers see twice, in the wrong
place or not at all."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot import app as web
from bot import replies as sending
from bot.api import MessageHub, NoAnswer, Refused
from bot.replies import Replies
from bot.store import DROPPED, Question, Store

from .model import WARNING, Bot, bot_variant

_question_in, _unwanted, _text_of = web.question_in, sending.unwanted, sending.text_of
_attempt, _reply, _add = Replies.attempt, MessageHub.reply, Store.add
_OUTGOING = (1, "outgoing")


def also_asks(bot: Bot, when: Callable[[dict[str, Any]], bool]) -> None:
    """Takes further messages for questions: those for which the function says so."""

    def question_in(body: dict[str, Any]) -> Question | None:
        found = _question_in(body)
        if found is None and body["event"] == "message_created" and when(body):
            return _question_in({**body, "message_type": 0, "private": False, "content": "…"})
        return found

    bot.patch.setattr(web, "question_in", question_in)


def with_unwanted(bot: Bot, unwanted: Callable[[dict[str, Any]], str | None]) -> None:
    """Changes where the bot is silent, for webhooks and for the look before a reply."""
    bot.patch.setattr(web, "unwanted", unwanted)
    bot.patch.setattr(sending, "unwanted", unwanted)


@bot_variant("replies.once", only="replies.once:message_created:told-once")
def double_reply(bot: Bot) -> None:
    """Replies in the handler of the webhook, and once more in the queue behind it."""

    def reply(self: MessageHub, account: int, conversation: int, text: str, source_id: str) -> None:
        _reply(self, account, conversation, text, source_id)
        _reply(self, account, conversation, text, source_id)

    bot.patch.setattr(MessageHub, "reply", reply)


@bot_variant("replies.once")
def no_memory(bot: Bot) -> None:
    """Replies to each delivery, whether or not the message is known."""
    numbers = itertools.count(10**12)
    bot.patch.setattr(Store, "add", lambda self, question: _add(self, question) or True)

    def submit(self: Replies, question: Question) -> None:
        fresh = replace(question, message=next(numbers))
        _add(self.store, fresh)
        original(self, fresh)

    original = Replies.submit
    bot.patch.setattr(Replies, "submit", submit)


@bot_variant("replies.once")
def reply_per_twin(bot: Bot) -> None:
    """Remembers a message when it has replied; a second delivery at the same moment finds it unknown."""
    replied: set[int] = set()
    unanswered: set[int] = set()

    def add(self: Store, question: Question) -> bool:
        _add(self, question)
        return question.message not in replied

    def attempt(self: Replies, question: Question) -> None:
        time.sleep(0.05)  # The model thinks.
        try:
            _attempt(self, replace(question, sent=question.message in unanswered))
        except NoAnswer:
            unanswered.add(question.message)
            raise
        replied.add(question.message)

    bot.patch.setattr(Store, "add", add)
    bot.patch.setattr(Replies, "attempt", attempt)


@bot_variant("replies.once")
def again_after_a_lost_answer(bot: Bot) -> None:
    """Takes a call without an answer for one that was not carried out, and replies again."""
    bot.patch.setattr(Replies, "_is_there", lambda self, question: False)


@bot_variant("replies.once")
def replies_to_updates(bot: Bot) -> None:
    """Replies to a message that was updated, as to a new one."""

    def question_in(body: dict[str, Any]) -> Question | None:
        if body["event"] != "message_updated":
            return _question_in(body)
        found = _question_in({**body, "event": "message_created"})
        return None if found is None else replace(found, message=found.message + 10**12)

    bot.patch.setattr(web, "question_in", question_in)


@bot_variant("replies.not_to_itself")
def echo_loop(bot: Bot) -> None:
    """Takes each message with a source id for one that came in by a channel; its own replies have one, too."""
    also_asks(bot, lambda body: body["source_id"] is not None)


@bot_variant("replies.not_to_notes")
def replies_to_notes(bot: Bot) -> None:
    """Takes private notes for instructions, and answers them where the visitor reads it."""
    also_asks(bot, lambda body: body["private"] is True)


@bot_variant("replies.not_to_notes")
def replies_to_agents(bot: Bot) -> None:
    """Knows its own replies by their source id, and answers what the agents write."""
    also_asks(bot, lambda body: body["message_type"] in _OUTGOING and not body["private"] and body["source_id"] is None)


@bot_variant("replies.not_after_handover")
def replies_beside_a_person(bot: Bot) -> None:
    """Looks at the status alone: a conversation that a person has is open, too."""
    with_unwanted(bot, lambda conversation: _unwanted({**conversation, "meta": {}}))


@bot_variant("replies.not_after_handover", severity=WARNING)
def replies_after_the_end(bot: Bot) -> None:
    """Looks for an assignee alone, and replies in a conversation that was resolved."""
    with_unwanted(bot, lambda conversation: _unwanted({**conversation, "status": "open"}))


@bot_variant("replies.not_after_handover", severity=WARNING)
def looks_once(bot: Bot) -> None:
    """Looks in the webhook who has the conversation, and not again before it replies."""
    bot.patch.setattr(sending, "unwanted", lambda conversation: None)


@bot_variant("replies.right_conversation")
def variable_of_the_module(bot: Bot) -> None:
    """Keeps the conversation that it is working on in a variable of the module."""
    current: list[int] = [0]

    def attempt(self: Replies, question: Question) -> None:
        current[0] = question.conversation
        time.sleep(0.05)  # The model thinks.
        _attempt(self, question)

    def reply(self: MessageHub, account: int, conversation: int, text: str, source_id: str) -> None:
        _reply(self, account, current[0], text, source_id)

    bot.patch.setattr(Replies, "attempt", attempt)
    bot.patch.setattr(MessageHub, "reply", reply)


@bot_variant("leaks.private")
def quotes_notes(bot: Bot) -> None:
    """Sums up the conversation from all its messages, private notes included."""

    def reply(self: MessageHub, account: int, conversation: int, text: str, source_id: str) -> None:
        known = " / ".join(str(message["content"]) for message in self.messages(account, conversation)[-3:])
        _reply(self, account, conversation, f"So far: {known}", source_id)

    bot.patch.setattr(MessageHub, "reply", reply)


def on_refusal(bot: Bot, status: int, change: Callable[[Refused], Exception | None]) -> None:
    """Changes what becomes of calls that are refused with a status: another error, or none."""
    call = MessageHub._call

    def changed(self: MessageHub, method: str, path: str, body: Any = None) -> Any:
        try:
            return call(self, method, path, body)
        except Refused as refusal:
            error = change(refusal) if refusal.status == status else refusal
            if error is None:
                return {}
            raise error from None

    bot.patch.setattr(MessageHub, "_call", changed)


@bot_variant("calls_api.retry_after", only="calls_api.retry_after:message_created:create_message/429")
def hammers_on_429(bot: Bot) -> None:
    """Tries again soon after 429, whatever Retry-After says."""
    on_refusal(bot, 429, lambda refusal: Refused(429, 0.0))


@bot_variant("calls_api.retries_5xx")
def gives_up_on_500(bot: Bot) -> None:
    """Takes 500 as final."""
    on_refusal(bot, 500, lambda refusal: Refused(422, 0.0))


@bot_variant("calls_api.no_retry_of_400")
def retries_422(bot: Bot) -> None:
    """Tries again whatever was refused."""
    on_refusal(bot, 422, lambda refusal: Refused(503, 0.0))
    on_refusal(bot, 404, lambda refusal: Refused(503, 0.0))


def with_most_attempts(bot: Bot, most: int, after: type[Exception]) -> None:
    """Gives up after so many attempts that failed in one way."""
    failed: dict[int, int] = {}

    def attempt(self: Replies, question: Question) -> None:
        try:
            _attempt(self, question)
        except after:
            failed[question.message] = failed.get(question.message, 0) + 1
            if failed[question.message] < most:
                raise
            self.store.done(question, DROPPED, "the API is away")

    bot.patch.setattr(Replies, "attempt", attempt)


@bot_variant("calls_api.outages", only="calls_api.outages:message_created:all/outage")
def lost_in_an_outage(bot: Bot) -> None:
    """Gives up after three attempts, which an outage of the API outlasts."""
    with_most_attempts(bot, 3, Exception)


@bot_variant("calls_api.outages")
def gives_up_without_an_answer(bot: Bot) -> None:
    """Tries again after 5xx, but not after a call that got no answer."""
    with_most_attempts(bot, 1, NoAnswer)


@bot_variant("calls_api.hammering", only="calls_api.hammering:message_created:show_conversation/401")
def hammers_on_401(bot: Bot) -> None:
    """Tries again at once when its token is refused."""

    async def answer(self: Replies, question: Question) -> None:
        pause = self.pause
        while True:
            try:
                return await asyncio.to_thread(self.attempt, self.store.question(question.message))
            except NoAnswer:
                pass
            except Refused as refusal:
                if refusal.final:
                    return self.store.done(question, DROPPED, str(refusal))
                if refusal.status == 401:
                    continue
                pause = max(pause, refusal.retry_after)
            await asyncio.sleep(pause)
            pause = min(2 * self.pause, self.longest)

    bot.patch.setattr(Replies, "_answer", answer)


@bot_variant("calls_api.goes_on", only="calls_api.goes_on:message_created:create_message/422")
def blocked_by_a_refusal(bot: Bot) -> None:
    """Works through the messages of a conversation one after the other, and never passes over one that was refused."""
    blocked: set[int] = set()

    def attempt(self: Replies, question: Question) -> None:
        if question.conversation in blocked:
            return
        try:
            _attempt(self, question)
        except Refused as refusal:
            if refusal.final:
                blocked.add(question.conversation)
            raise

    bot.patch.setattr(Replies, "attempt", attempt)


@bot_variant("calls_api.once", "replies.once")
def second_attempt_meanwhile(bot: Bot) -> None:
    """Starts a second attempt when the first one takes long, and lets both go on until they have replied."""

    def reply(self: MessageHub, account: int, conversation: int, text: str, source_id: str) -> None:
        try:
            _reply(self, account, conversation, text, source_id)
        except NoAnswer:
            _reply(self, account, conversation, text, f"{source_id}-2")
            raise

    bot.patch.setattr(MessageHub, "reply", reply)
