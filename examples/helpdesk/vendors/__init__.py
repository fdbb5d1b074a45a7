"""What each vendor's webhooks say about a conversation: one function per vendor, body → Update.

They know the vendors' documentation and nothing else. None means that the body is about no conversation
(an agent who goes home, a widget that gets another colour): it is acknowledged and not kept. Keys, events
and members of enumerations that nobody knows are no errors: vendors add some without asking.
"""

from __future__ import annotations

from collections.abc import Callable

from ..body import Body
from ..tickets import Update
from .ccai import ccai
from .chatvisor import chatvisor
from .messagehub import messagehub
from .smartsupp import smartsupp
from .userlike import userlike

VENDORS: dict[str, Callable[[Body], Update | None]] = {
    "userlike": userlike,
    "smartsupp": smartsupp,
    "messagehub": messagehub,
    "chatvisor": chatvisor,
    "ccai": ccai,
}
