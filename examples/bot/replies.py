"""Sends the replies: one for each question, whatever happens to the API.

Each question has a task of its own, which ends when the reply is there or is not wanted any more. While the API is away
the task waits, longer each time.
"""

from __future__ import annotations

import asyncio
from typing import Any

from .api import MessageHub, NoAnswer, Refused
from .store import DROPPED, REPLIED, Question, Store

# Calls under way at once.
MOST_CALLS = 8
# Statuses in which a bot may answer.
OPEN = ("open", "pending")


def text_of(question: Question) -> str:
    """What the bot says. A real one would ask its knowledge base, or a language model."""
    return f"Thank you! We have your message “{question.text[:80]}” and will answer soon."


class Replies:
    """Answers questions in the background. Pauses are in seconds: the first one, and the longest one."""

    def __init__(self, api: MessageHub, store: Store, *, pause: float = 1.0, longest: float = 60.0) -> None:
        self.api, self.store = api, store
        self.pause, self.longest = pause, longest
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Takes up again what an earlier process has left."""
        self._calls = asyncio.Semaphore(MOST_CALLS)
        for question in self.store.waiting():
            self.submit(question)

    async def stop(self) -> None:
        """Ends all tasks. What is not done stays in the database."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def submit(self, question: Question) -> None:
        task = asyncio.create_task(self._answer(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, question: Question) -> None:
        """Tries until it is done."""
        pause = self.pause
        while True:
            asked = 0.0
            try:
                async with self._calls:
                    await asyncio.to_thread(self.attempt, self.store.question(question.message))
                return
            except NoAnswer:
                pass
            except Refused as refusal:
                if refusal.final:
                    self.store.done(question, DROPPED, str(refusal))
                    return
                asked = self.longest if refusal.status == 401 else refusal.retry_after
            await asyncio.sleep(max(pause, asked))
            pause = min(2 * pause, self.longest)

    def attempt(self, question: Question) -> None:
        """Replies, unless a person has the conversation by now or the reply is there already. Raises NoAnswer or
        Refused."""
        reason = unwanted(self.api.conversation(question.account, question.conversation))
        if reason is not None:
            self.store.done(question, DROPPED, reason)
            return
        if question.sent and self._is_there(question):
            self.store.done(question, REPLIED)
            return
        self.store.sending(question)
        try:
            self.api.reply(question.account, question.conversation, text_of(question), question.reply_id)
        except Refused:
            self.store.not_sent(question)
            raise
        self.store.done(question, REPLIED)

    def _is_there(self, question: Question) -> bool:
        known = self.api.messages(question.account, question.conversation)
        return any(message.get("source_id") == question.reply_id for message in known)


def unwanted(conversation: dict[str, Any]) -> str | None:
    """Why a bot must not reply in a conversation, or None. `conversation` is as in webhooks and in the API."""
    meta = conversation.get("meta")
    if isinstance(meta, dict) and meta.get("assignee"):
        return "a person has it"
    if conversation.get("status") not in OPEN:
        return f"it is {conversation.get('status')}"
    return None
