"""The parts of a vendor: profiles, policies, signatures, contracts.

A vendor package imports the public names below. docs/python-api.md describes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendorsim.core.lazy import lazy

if TYPE_CHECKING:
    from vendorsim.conversation.changes import (
        Assigned,
        AttributesSet,
        ContactCreated,
        ContactUpdated,
        FeedbackLeft,
        GoalReached,
        Joined,
        LabelsSet,
        Left,
        MessageAdded,
        MessageChanged,
        MessagesRead,
        Navigated,
        OfflineMessageLeft,
        PresenceChanged,
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
        CLOSED,
        OPEN,
        PENDING,
        SNOOZED,
        Account,
        Agent,
        Conversation,
        Message,
        Visitor,
    )
    from vendorsim.core.provenance import (
        ASSUMED,
        CAPTURED,
        DOCUMENTED,
        RECONSTRUCTED,
        Stated,
    )
    from vendorsim.core.seeding import (
        derive,
    )
    from vendorsim.core.times import (
        iso,
        moment,
    )
    from vendorsim.vendorkit.policy import (
        Policy,
    )
    from vendorsim.vendorkit.profile import (
        WEBHOOK,
        Body,
        Draft,
        EventKind,
        Failed,
        Profile,
        Quirk,
        Reaction,
        TargetKind,
    )
    from vendorsim.vendorkit.scheme import (
        Scheme,
    )
    from vendorsim.vendorkit.vendor import (
        Operation,
        Vendor,
    )

__all__ = [
    "ASSUMED",
    "CAPTURED",
    "CLOSED",
    "DOCUMENTED",
    "OPEN",
    "PENDING",
    "RECONSTRUCTED",
    "SNOOZED",
    "WEBHOOK",
    "Account",
    "Agent",
    "Assigned",
    "AttributesSet",
    "Body",
    "ContactCreated",
    "ContactUpdated",
    "Conversation",
    "Draft",
    "EventKind",
    "Failed",
    "FeedbackLeft",
    "GoalReached",
    "Joined",
    "LabelsSet",
    "Left",
    "Message",
    "MessageAdded",
    "MessageChanged",
    "MessagesRead",
    "Navigated",
    "OfflineMessageLeft",
    "Operation",
    "Policy",
    "PresenceChanged",
    "Profile",
    "Quirk",
    "Rated",
    "Reaction",
    "Scheme",
    "SendQueued",
    "Started",
    "Stated",
    "StatusChanged",
    "SurveyAnswered",
    "TargetKind",
    "Typed",
    "Vendor",
    "Visitor",
    "WidgetConfigured",
    "WidgetOpened",
    "derive",
    "iso",
    "moment",
]

_MODULES = {
    "vendorsim.conversation.changes": (
        "Assigned",
        "AttributesSet",
        "ContactCreated",
        "ContactUpdated",
        "FeedbackLeft",
        "GoalReached",
        "Joined",
        "LabelsSet",
        "Left",
        "MessageAdded",
        "MessageChanged",
        "MessagesRead",
        "Navigated",
        "OfflineMessageLeft",
        "PresenceChanged",
        "Rated",
        "SendQueued",
        "Started",
        "StatusChanged",
        "SurveyAnswered",
        "Typed",
        "WidgetConfigured",
        "WidgetOpened",
    ),
    "vendorsim.conversation.state": (
        "Account",
        "Agent",
        "CLOSED",
        "Conversation",
        "Message",
        "OPEN",
        "PENDING",
        "SNOOZED",
        "Visitor",
    ),
    "vendorsim.core.provenance": (
        "ASSUMED",
        "CAPTURED",
        "DOCUMENTED",
        "RECONSTRUCTED",
        "Stated",
    ),
    "vendorsim.core.seeding": ("derive",),
    "vendorsim.core.times": (
        "iso",
        "moment",
    ),
    "vendorsim.vendorkit.policy": ("Policy",),
    "vendorsim.vendorkit.profile": (
        "Body",
        "Draft",
        "EventKind",
        "Failed",
        "Profile",
        "Quirk",
        "Reaction",
        "TargetKind",
        "WEBHOOK",
    ),
    "vendorsim.vendorkit.scheme": ("Scheme",),
    "vendorsim.vendorkit.vendor": (
        "Operation",
        "Vendor",
    ),
}
__getattr__ = lazy(__name__, {name: module for module, names in _MODULES.items() for name in names})
