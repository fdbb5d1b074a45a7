"""What one server keeps of Chatvisor beside the conversations: users, one-time URLs, sessions, and the plug-in."""

from __future__ import annotations

import secrets

from msgspec import Struct, field

from vendorsim.conversation.state import Conversation
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendors.chatvisor.api import users
from vendorsim.vendors.chatvisor.api.customers import Customers
from vendorsim.vendors.chatvisor.api.keys import Keys
from vendorsim.vendors.chatvisor.api.requests import RefusedError
from vendorsim.vendors.chatvisor.api.users import User, Users
from vendorsim.vendors.chatvisor.widget import WebChat

# How long a one-time URL works, how long an agent stays logged in, and how long a visitor is known, in seconds.
URL_LIFETIME = 600.0
SESSION_LIFETIME = 8 * 3600.0
VISITOR_LIFETIME = 24 * 3600.0


class AgentLogin(Struct, frozen=True):
    """The user whom a one-time URL logs in, and the chat it opens."""

    customer_id: str
    user: User


class AgentSession(Struct, frozen=True):
    """An agent who is logged in to one chat. Forms of the page carry `form_key`, which no other site knows."""

    login: AgentLogin
    form_key: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def __repr__(self) -> str:
        return f"AgentSession({self.login!r})"  # without the key


class ChatvisorAccount:
    """The state of Chatvisor's API and pages on one server. It is bounded, and lives until the server is reset."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.customers = Customers(backend)
        self.users = Users()
        self.urls: Keys[AgentLogin] = Keys(URL_LIFETIME)
        self.sessions: Keys[AgentSession] = Keys(SESSION_LIFETIME)
        # The ids of the conversations of visitors who came to a page with the plug-in.
        self.visitors: Keys[str] = Keys(VISITOR_LIFETIME, most=1_000)
        self.webchat = WebChat()
        backend.conversations.watch("chatvisor", self._adopt)

    def all_users(self) -> list[User]:
        """The agents of the cast, and the synchronised ones."""
        return self.users.all(self.customers.cast())

    def user(self, address: str) -> User:
        """The user with this address. Raises RefusedError (404)."""
        user = users.find(self.all_users(), address)
        if user is None:
            raise RefusedError(404, "there is no such user")
        return user

    def _adopt(self, handle: ConversationHandle) -> None:
        """Conversations of this server have its plug-in."""

        def share(conversation: Conversation) -> None:
            handle.memory.webchat = self.webchat

        handle.look(share)
