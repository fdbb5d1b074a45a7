"""What Chatvisor remembers of one conversation."""

from __future__ import annotations

from msgspec import Struct, field

from vendorsim.conversation.state import Conversation
from vendorsim.vendors.chatvisor.bodies import DONE
from vendorsim.vendors.chatvisor.widget import (
    NO_RULES,
    Visit,
    WebChat,
    WebChatSettings,
    any_available,
    reasons,
    visited_before,
)


class ChatvisorMemory(Struct):
    """The customer's state. `status` is None until the customer has written.

    `registered` is set when the customer subscribes, or is created by the API. `webchat` is the plug-in of the account;
    on a server all conversations have the same one. `settings` are those that the story has set for this conversation,
    which replace the account's. `presences` are those that agents have gone to, by their keys. `page_since` is when the
    visitor came to the present page, in milliseconds since 1970; None: at the start.
    """

    status: str | None = None
    registered: bool = False
    webchat: WebChat = field(default_factory=WebChat)
    settings: WebChatSettings | None = None
    presences: dict[str, str] = field(default_factory=dict)
    page_since: int | None = None

    @property
    def has_customer(self) -> bool:
        """Whether Chatvisor has an account of this visitor."""
        return self.status is not None or self.registered

    @property
    def active(self) -> bool:
        """Whether a chat is going on."""
        return self.status not in (None, DONE)

    def widget(self) -> WebChatSettings:
        """The settings that hold for this conversation."""
        return self.settings or self.webchat.settings

    def hidden_because(self, conversation: Conversation, at: int) -> list[str]:
        """Why this visitor does not see the chat at the time `at` (milliseconds since 1970); empty while it is seen. A
        chat that is going on stays visible (assumed)."""
        # Most stories have no rules: don't look further.
        if self.active or (self.webchat.visible and self.widget().rules is NO_RULES):
            return []
        since = conversation.started_at if self.page_since is None else self.page_since
        visit = Visit(at, (at - since) / 1000, visited_before(conversation), self._presences(conversation))
        return list(reasons(self.webchat, self.widget(), visit))

    def agent_available(self, conversation: Conversation) -> bool:
        """Whether any agent is online and available."""
        return any_available(self._presences(conversation))

    def _presences(self, conversation: Conversation) -> tuple[str, ...]:
        agents = conversation.agents.values()
        # A cast without agents has one as soon as one is needed, who is online.
        return tuple(self.presences.get(agent.key, agent.presence) for agent in agents) or ("online",)
