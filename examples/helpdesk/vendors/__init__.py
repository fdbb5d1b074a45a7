"""One function per vendor turns a webhook's body into an Update.

They follow the vendors' documentation. None means that the body is about no conversation (an agent goes offline, a
widget gets another colour): it is acknowledged and not stored. Unknown keys, events and enum values are no errors,
because vendors add them at any time.
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
