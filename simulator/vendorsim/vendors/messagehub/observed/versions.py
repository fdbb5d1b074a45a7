"""The versions of Chatwoot that can be played, and the first version with each change.

The first release with a change is known from the tags of chatwoot/chatwoot and from its pull request. Where only the
change is known, the release is ASSUMED: 2.5.0 is known to be without it, and 4.15.1 to have it.
"""

from __future__ import annotations

import re

Version = tuple[int, int, int]

OLDEST: Version = (2, 5, 0)
NEWEST: Version = (4, 15, 1)
PREFIX = "observed-"

ASSUMED: Version = (4, 0, 0)

# Bodies.
TEAM: Version = (2, 8, 0)  # meta.team (#5250)
ATTACHMENTS: Version = (2, 10, 0)  # attachments of a message (#5659)
LABELS: Version = (2, 11, 0)
FIRST_REPLY: Version = (2, 12, 0)  # first_reply_created_at, and with labels a reason for conversation_updated
WHOLE_CONTACT: Version = (2, 14, 0)  # a contact's own data; its `type` is gone (#6415)
CREATED_AT: Version = (2, 14, 0)  # created_at of a conversation
PRIORITY: Version = (2, 17, 0)
WAITING_SINCE: Version = (3, 0, 0)
UNREAD_CAPPED: Version = (3, 0, 0)  # unread_count ends at 10 (#7704)
BLOCKED: Version = (4, 0, 2)  # blocked of a contact
UPDATED_AT: Version = (4, 0, 2)  # updated_at of a conversation, with fractions of a second
ASSIGNEE_TYPE: Version = (4, 8, 0)
ACCOUNT_IN_CONVERSATION: Version = (4, 14, 2)  # (#12445)
MESSAGE_ADDITIONAL_ATTRIBUTES = ASSUMED
LAST_ACTIVITY_AT = ASSUMED

# Events.
CONTACT_EVENTS: Version = (2, 14, 0)  # (#6415)
TEMPLATES_SENT: Version = (2, 18, 0)  # message_created of automatic messages (#7252)
INBOX_EVENTS: Version = (3, 2, 0)  # (#8006)
AUTOMATION: Version = (3, 0, 0)  # automation_event.…; assumed: it is in a captured body that has waiting_since
TYPING_EVENTS: Version = (4, 2, 0)  # (#11423)
BOT_STATUS_EVENTS: Version = (4, 13, 0)  # conversation_updated and conversation_status_changed for bots (#13975)
REOPENING_ASSIGNS = ASSUMED  # an agent who opens a conversation again gets it
READ_TELLS = ASSUMED  # message_updated for each message that the visitor has received or read

# Transport and failures.
EXTERNAL_ERROR: Version = (3, 3, 0)  # an API channel's message is marked as failed (#8277)
BOT_FAILURE_OPENS: Version = (4, 7, 0)  # a pending conversation opens when its bot can't be reached (#12379)
SIGNED: Version = (4, 11, 2)  # account webhooks; a delivery id for API channels too (#13573)
BOT_RETRIES: Version = (4, 11, 2)  # (#13521)
BOT_AND_API_SIGNED: Version = (4, 13, 0)  # (#13892)
SAFE_FETCH: Version = (4, 14, 0)  # redirects are followed, private targets refused (#14489)

# The versions with which a body or an event changes, and the last one.
CHANGES: tuple[Version, ...] = tuple(
    sorted(
        {
            *(OLDEST, ASSUMED, (4, 15, 0)),
            *(
                TEAM,
                ATTACHMENTS,
                LABELS,
                FIRST_REPLY,
                WHOLE_CONTACT,
                CREATED_AT,
                PRIORITY,
                WAITING_SINCE,
                UNREAD_CAPPED,
            ),
            *(BLOCKED, UPDATED_AT, ASSIGNEE_TYPE, ACCOUNT_IN_CONVERSATION),
            *(CONTACT_EVENTS, TEMPLATES_SENT, INBOX_EVENTS, TYPING_EVENTS, EXTERNAL_ERROR),
        }
    )
)


def name_of(version: Version) -> str:
    """The name of the profile of a version: `observed-4.9`, `observed-4.9.2`."""
    major, minor, patch = version
    return f"{PREFIX}{major}.{minor}" + (f".{patch}" if patch else "")


def parse(name: str) -> Version | None:
    """The version in a profile's name, `observed-4.9` or `observed-4.9.2`. None for any other name or version."""
    match = re.fullmatch(re.escape(PREFIX) + r"(0|[1-9]\d?)\.(0|[1-9]\d?)(?:\.(0|[1-9]\d?))?", name, re.ASCII)
    if match is None:
        return None
    major, minor, patch = (int(part or 0) for part in match.groups())
    version = (major, minor, patch)
    return version if OLDEST <= version <= NEWEST else None


def release(text: str) -> Version:
    """The version written as text, `2.14.0`."""
    major, minor, patch = map(int, text.split("."))
    return (major, minor, patch)
