"""What Chatvisor remembers of one conversation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ChatvisorMemory:
    """The customer's state. `status` is None until the customer has written.

    `registered` is set when the customer subscribes, or is created by the API.
    """

    status: str | None = None
    registered: bool = False

    @property
    def has_customer(self) -> bool:
        """Whether Chatvisor has an account of this visitor."""
        return self.status is not None or self.registered
