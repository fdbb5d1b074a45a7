"""What the platform remembers of one chat (profile `webhooks`)."""

from __future__ import annotations

from msgspec import Struct, field


class CcaiMemory(Struct):
    """State that the platform keeps beside the conversation.

    `since` is when each agent in the chat joined, by agent id, in milliseconds since 1970. `end_user_wrote` and
    `agent_wrote` are whether the two sides have written what a dismissal requires.
    `escalated` is whether the chat waits for an agent to take it.
    """

    since: dict[int, int] = field(default_factory=dict)
    end_user_wrote: bool = False
    agent_wrote: bool = False
    escalated: bool = False
