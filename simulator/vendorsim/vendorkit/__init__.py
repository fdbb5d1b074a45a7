"""The parts of a vendor: profiles, policies, signatures, contracts.

A vendor package imports the public names below. docs/python-api.md describes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendorsim.core.lazy import lazy

if TYPE_CHECKING:
    from vendorsim.conversation.casting import (
        Opening,
    )
    from vendorsim.conversation.changes import (
        Assigned,
        AttributesSet,
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
        CLOSED,
        OPEN,
        PENDING,
        SNOOZED,
        Account,
        Agent,
        Conversation,
        Message,
        StepError,
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
    from vendorsim.http.messages import (
        FastPath,
        HttpRequest,
        HttpResponse,
    )
    from vendorsim.scenario.verbs import (
        Verb,
    )
    from vendorsim.vendorkit.api_call import (
        ApiCall,
    )
    from vendorsim.vendorkit.api_calls import (
        tell_calls,
    )
    from vendorsim.vendorkit.backend import (
        Backend,
        Stage,
        Subscriptions,
    )
    from vendorsim.vendorkit.conversation_handle import (
        ConversationHandle,
    )
    from vendorsim.vendorkit.conversation_registry import (
        ConversationRegistry,
    )
    from vendorsim.vendorkit.identification import (
        ApiAnswer,
        Identification,
    )
    from vendorsim.vendorkit.limits import (
        Duplicates,
        RateLimit,
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
        InternalMessage,
        Prevention,
        Profile,
        Quirk,
        Reaction,
        TargetKind,
    )
    from vendorsim.vendorkit.request_body import (
        BodyReader,
        Fields,
    )
    from vendorsim.vendorkit.scheme import (
        Scheme,
    )
    from vendorsim.vendorkit.session_overrides import (
        SessionOverride,
        SessionOverrides,
    )
    from vendorsim.vendorkit.target import (
        Target,
    )
    from vendorsim.vendorkit.vendor import (
        Operation,
        Vendor,
    )
    from vendorsim.vendorkit.web_pages import (
        PageError,
        framed_by,
        pages,
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
    "ApiAnswer",
    "ApiCall",
    "Assigned",
    "AttributesSet",
    "Backend",
    "Body",
    "BodyReader",
    "ContactCreated",
    "ContactUpdated",
    "Conversation",
    "ConversationHandle",
    "ConversationRegistry",
    "Draft",
    "Duplicates",
    "EventKind",
    "Failed",
    "FastPath",
    "FeedbackLeft",
    "Fields",
    "FormFilled",
    "GoalReached",
    "HttpRequest",
    "HttpResponse",
    "Identification",
    "InternalMessage",
    "Joined",
    "LabelsSet",
    "Left",
    "Message",
    "MessageAdded",
    "MessageChanged",
    "MessagesDelivered",
    "MessagesRead",
    "Navigated",
    "OfflineMessageLeft",
    "Opening",
    "Operation",
    "PageError",
    "Policy",
    "PresenceChanged",
    "Prevention",
    "PrioritySet",
    "Profile",
    "Quirk",
    "RateLimit",
    "Rated",
    "Reaction",
    "Scheme",
    "SendQueued",
    "SessionOverride",
    "SessionOverrides",
    "Stage",
    "Started",
    "Stated",
    "StatusChanged",
    "StepError",
    "Subscriptions",
    "SurveyAnswered",
    "Target",
    "TargetKind",
    "Typed",
    "Vendor",
    "Verb",
    "Visitor",
    "WidgetConfigured",
    "WidgetOpened",
    "derive",
    "framed_by",
    "iso",
    "moment",
    "pages",
    "tell_calls",
]

_MODULES = {
    "vendorsim.conversation.casting": ("Opening",),
    "vendorsim.conversation.changes": (
        "Assigned",
        "AttributesSet",
        "ContactCreated",
        "ContactUpdated",
        "FeedbackLeft",
        "FormFilled",
        "GoalReached",
        "Joined",
        "LabelsSet",
        "Left",
        "MessageAdded",
        "MessageChanged",
        "MessagesDelivered",
        "MessagesRead",
        "Navigated",
        "OfflineMessageLeft",
        "PresenceChanged",
        "PrioritySet",
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
        "StepError",
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
    "vendorsim.http.messages": (
        "FastPath",
        "HttpRequest",
        "HttpResponse",
    ),
    "vendorsim.scenario.verbs": ("Verb",),
    "vendorsim.vendorkit.api_call": ("ApiCall",),
    "vendorsim.vendorkit.api_calls": ("tell_calls",),
    "vendorsim.vendorkit.backend": (
        "Backend",
        "Stage",
        "Subscriptions",
    ),
    "vendorsim.vendorkit.conversation_handle": ("ConversationHandle",),
    "vendorsim.vendorkit.conversation_registry": ("ConversationRegistry",),
    "vendorsim.vendorkit.identification": (
        "ApiAnswer",
        "Identification",
    ),
    "vendorsim.vendorkit.limits": (
        "Duplicates",
        "RateLimit",
    ),
    "vendorsim.vendorkit.policy": ("Policy",),
    "vendorsim.vendorkit.profile": (
        "Body",
        "Draft",
        "EventKind",
        "Failed",
        "InternalMessage",
        "Prevention",
        "Profile",
        "Quirk",
        "Reaction",
        "TargetKind",
        "WEBHOOK",
    ),
    "vendorsim.vendorkit.request_body": (
        "BodyReader",
        "Fields",
    ),
    "vendorsim.vendorkit.scheme": ("Scheme",),
    "vendorsim.vendorkit.session_overrides": (
        "SessionOverride",
        "SessionOverrides",
    ),
    "vendorsim.vendorkit.target": ("Target",),
    "vendorsim.vendorkit.vendor": (
        "Operation",
        "Vendor",
    ),
    "vendorsim.vendorkit.web_pages": (
        "PageError",
        "framed_by",
        "pages",
    ),
}
__getattr__ = lazy(__name__, {name: module for module, names in _MODULES.items() for name in names})
