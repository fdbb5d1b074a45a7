"""The quirks of each version, by the names that a scenario or a user asks for.

Numbers in the sources are issues and pull requests of chatwoot/chatwoot.
"""

from __future__ import annotations

from typing import NamedTuple

from vendorsim.core.provenance import CAPTURED, RECONSTRUCTED
from vendorsim.vendorkit.profile import Quirk
from vendorsim.vendors.messagehub.observed.quirks.quirk_bodies import (
    assistant_owns,
    dirty_content,
    empty_messages,
    html_content,
    late_file,
    null_sender,
)
from vendorsim.vendors.messagehub.observed.quirks.quirk_events import (
    automation_rule,
    echo,
    late_body,
    lost_status_change,
    opaque_update,
    status_falls_back,
    twin,
    twin_update,
)
from vendorsim.vendors.messagehub.observed.versions import (
    ASSISTANT_OWNS,
    AUTOMATION,
    FIRST_REPLY,
    OLDEST,
    READ_TELLS,
    TEMPLATES_SENT,
    Version,
)


class _Listed(NamedTuple):
    """A quirk, the first version that has it, and the first one that doesn't have it any more (None: all have it)."""

    quirk: Quirk
    since: Version = OLDEST
    before: Version | None = None


_QUIRKS = (
    _Listed(
        Quirk(
            "twin",
            "message_created is sent twice, with delivery ids of their own",
            CAPTURED,
            "chatwoot/chatwoot#11901 (cause not known)",
            twin,
        )
    ),
    _Listed(
        Quirk(
            "twin-update",
            "one change of the labels is told twice",
            CAPTURED,
            "chatwoot/chatwoot#7402, #5966, #7478; sendingtk/chatwoot#93 (cause not known)",
            twin_update,
        ),
        since=FIRST_REPLY,
    ),
    _Listed(
        Quirk(
            "late-body",
            "the step's events wait for the next step, and their bodies show the state after it",
            CAPTURED,
            "chatwoot/chatwoot#13608, #12608, #15602",
            late_body,
        )
    ),
    _Listed(
        Quirk(
            "empty-messages",
            "conversation_created comes before its first message is stored: messages is empty",
            CAPTURED,
            "chatwoot/chatwoot#11753, #12442, #12507 (mended for WhatsApp only)",
            empty_messages,
        )
    ),
    _Listed(
        Quirk(
            "lost-status-change",
            "a conversation of nobody opens and is assigned in one go: no conversation_status_changed",
            RECONSTRUCTED,
            "chatwoot/chatwoot#9277, #10078; app/models/concerns/auto_assignment_handler.rb",
            lost_status_change,
        )
    ),
    _Listed(
        Quirk(
            "opaque-update",
            "message_created is followed by a message_updated that shows no change",
            RECONSTRUCTED,
            "chatwoot/chatwoot#15908",
            opaque_update,
        )
    ),
    _Listed(
        Quirk(
            "null-sender",
            "who wrote the message is gone: sender is null, and missing in the nested message",
            RECONSTRUCTED,
            "chatwoot/chatwoot, app/models/message.rb; #13371",
            null_sender,
        ),
        since=TEMPLATES_SENT,
    ),
    _Listed(
        Quirk(
            "echo",
            "a change of the labels or the status is undone and done again, twice; no body says by whom",
            RECONSTRUCTED,
            "chatwoot/chatwoot#15914, #15953, #10632",
            echo,
        )
    ),
    _Listed(
        Quirk(
            "status-falls-back",
            "a message that was delivered or read is sent again: its status goes back, for good",
            RECONSTRUCTED,
            "chatwoot/chatwoot#14529, #14149 (WhatsApp, whose statuses came in another order)",
            status_falls_back,
        ),
        since=READ_TELLS,
    ),
    _Listed(
        Quirk(
            "automation-rule",
            "an automation rule sends a webhook of its own for what has happened, to targets of that kind",
            RECONSTRUCTED,
            "chatwoot/chatwoot, app/services/automation_rules/action_service.rb; #4363, #13144, #15471",
            automation_rule,
        ),
        since=AUTOMATION,
    ),
    _Listed(
        Quirk(
            "assistant-owns",
            "the bot of the inbox is the enterprise edition's assistant: meta.assignee_type is Captain::Assistant",
            RECONSTRUCTED,
            "chatwoot/chatwoot#15421, #15437; the body: enterprise/app/models/captain/assistant.rb",
            assistant_owns,
        ),
        since=ASSISTANT_OWNS,
    ),
    _Listed(
        Quirk(
            "late-file",
            "the content of a file can't be had in the first 400 ms, if files are served: 404 after the redirect",
            CAPTURED,
            "fazer-ai/agents#25; chatwoot/chatwoot#15540, #14644: the file is stored after the message is told",
            late_file,
        )
    ),
    # Versions: #13669 and #13950.
    _Listed(
        Quirk(
            "dirty-content",
            "in what agents write, a backslash stands before every line break",
            CAPTURED,
            "chatwoot/chatwoot#13458, #13669, #13938",
            dirty_content,
        ),
        since=(4, 9, 0),
        before=(4, 13, 0),
    ),
    # Versions: #13896.
    _Listed(
        Quirk(
            "html-content",
            "content is rendered HTML",
            CAPTURED,
            "chatwoot/chatwoot#13896, after #12878",
            html_content,
        ),
        since=(4, 12, 0),
        before=(4, 12, 1),
    ),
)


def quirks(version: Version) -> tuple[Quirk, ...]:
    """The quirks of a version."""
    return tuple(quirk for quirk, since, before in _QUIRKS if since <= version and (before is None or version < before))
