"""What real servers do wrong at times, each by a name that a scenario or a user can ask for.

Numbers in the sources are issues and pull requests of chatwoot/chatwoot. What a version can't do is not in its list.
"""

from __future__ import annotations

from collections.abc import Iterator

from vendorsim.core.provenance import CAPTURED, RECONSTRUCTED
from vendorsim.vendorkit.profile import Quirk
from vendorsim.vendors.messagehub.observed.bent_bodies import (
    dirty_content,
    empty_messages,
    html_content,
    null_sender,
)
from vendorsim.vendors.messagehub.observed.bent_events import (
    echo,
    late_body,
    lost_status_change,
    opaque_update,
    twin,
    twin_update,
)
from vendorsim.vendors.messagehub.observed.versions import FIRST_REPLY, TEMPLATES_SENT, Version

# From which version, and before which one.
BACKSLASHES: tuple[Version, Version] = (4, 9, 0), (4, 13, 0)  # (#13669, #13950)
HTML: tuple[Version, Version] = (4, 12, 0), (4, 12, 1)  # (#13896)


def quirks(version: Version) -> tuple[Quirk, ...]:
    """The quirks of a version."""
    return tuple(_of(version))


def _of(version: Version) -> Iterator[Quirk]:
    yield Quirk(
        "twin",
        "message_created is sent twice, with delivery ids of their own",
        CAPTURED,
        "chatwoot/chatwoot#11901 (cause not known)",
        twin,
    )
    if version >= FIRST_REPLY:
        yield Quirk(
            "twin-update",
            "one change of the labels is told twice",
            CAPTURED,
            "chatwoot/chatwoot#7402, #5966, #7478; sendingtk/chatwoot#93 (cause not known)",
            twin_update,
        )
    yield Quirk(
        "late-body",
        "the step's events wait for the next step, and their bodies show the state after it",
        CAPTURED,
        "chatwoot/chatwoot#13608, #12608, #15602",
        late_body,
    )
    yield Quirk(
        "empty-messages",
        "conversation_created comes before its first message is stored: messages is empty",
        CAPTURED,
        "chatwoot/chatwoot#11753, #12442, #12507 (mended for WhatsApp only)",
        empty_messages,
    )
    yield Quirk(
        "lost-status-change",
        "a conversation of nobody opens and is assigned in one go: no conversation_status_changed",
        RECONSTRUCTED,
        "chatwoot/chatwoot#9277, #10078; app/models/concerns/auto_assignment_handler.rb",
        lost_status_change,
    )
    yield Quirk(
        "opaque-update",
        "message_created is followed by a message_updated that shows no change",
        RECONSTRUCTED,
        "chatwoot/chatwoot#15908",
        opaque_update,
    )
    if version >= TEMPLATES_SENT:
        yield Quirk(
            "null-sender",
            "who wrote the message is gone: sender is null, and missing in the nested message",
            RECONSTRUCTED,
            "chatwoot/chatwoot, app/models/message.rb; #13371",
            null_sender,
        )
    yield Quirk(
        "echo",
        "a change of the labels or the status is undone and done again, twice; no body says by whom",
        RECONSTRUCTED,
        "chatwoot/chatwoot#15914, #15953, #10632",
        echo,
    )
    if BACKSLASHES[0] <= version < BACKSLASHES[1]:
        yield Quirk(
            "dirty-content",
            "in what agents write, a backslash stands before every line break",
            CAPTURED,
            "chatwoot/chatwoot#13458, #13669, #13938",
            dirty_content,
        )
    if HTML[0] <= version < HTML[1]:
        yield Quirk(
            "html-content",
            "content is rendered HTML",
            CAPTURED,
            "chatwoot/chatwoot#13896, after #12878",
            html_content,
        )
