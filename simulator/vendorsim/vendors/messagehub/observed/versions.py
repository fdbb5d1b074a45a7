"""The versions of Chatwoot that can be played, and the first version with each change.

The first release with a change is known from the tags of chatwoot/chatwoot up to v4.15.1, most of them by
docs/vendors/messagehub_upstream.py. Later ones are known from pull requests and from forks that merged a release.
"""

from __future__ import annotations

import re

Version = tuple[int, int, int]

OLDEST: Version = (2, 5, 0)
NEWEST: Version = (4, 18, 0)
PREFIX = "observed-"

# Bodies.
MESSAGE_ADDITIONAL_ATTRIBUTES: Version = (2, 6, 0)
FILE_SIZE: Version = (2, 7, 0)  # file_size of an attachment
TEAM: Version = (2, 8, 0)  # meta.team (#5250)
ATTACHMENTS: Version = (2, 10, 0)  # attachments of a message (#5659)
LABELS: Version = (2, 11, 0)
FIRST_REPLY: Version = (2, 12, 0)  # first_reply_created_at, and with labels a reason for conversation_updated
NESTED_UNREAD: Version = (2, 12, 1)  # conversation.unread_count of a nested message
WHOLE_CONTACT: Version = (2, 14, 0)  # a contact's own data; its `type` is gone (#6415)
CREATED_AT: Version = (2, 14, 0)  # created_at of a conversation
PRIORITY: Version = (2, 17, 0)
NESTED_ACTIVITY: Version = (2, 17, 0)  # conversation.last_activity_at of a nested message
PROCESSED_CONTENT: Version = (2, 18, 0)  # processed_message_content of a nested message
WAITING_SINCE: Version = (3, 0, 0)
UNREAD_CAPPED: Version = (3, 0, 0)  # unread_count ends at 10 (#7704)
SENTIMENT: Version = (3, 0, 0)  # sentiment of a nested message, and conversation.contact_inbox in it
IMAGE_SIZE: Version = (3, 7, 0)  # width and height of an attachment
SLA: Version = (3, 8, 0)  # applied_sla, sla_events and sla_policy_id, where the feature is on
LAST_ACTIVITY_AT: Version = (3, 11, 1)  # last_activity_at of a conversation
BLOCKED: Version = (4, 0, 2)  # blocked of a contact
UPDATED_AT: Version = (4, 0, 2)  # updated_at of a conversation, with fractions of a second
TRANSCRIBED: Version = (4, 3, 0)  # transcribed_text of an audio file
ASSIGNEE_TYPE: Version = (4, 8, 0)
PLAIN_BREAKS: Version = (4, 13, 0)  # no backslash before a line break of content (#13950)
FILE_TYPE: Version = (4, 13, 0)  # content_type of an attachment, and its extension (#13945)
ACCOUNT_IN_CONVERSATION: Version = (4, 14, 2)  # (#12445)
NO_LAST_BREAKS: Version = (4, 14, 2)  # no line breaks at the end of content (#14272)
COMPANY: Version = (4, 15, 0)  # company_id of a contact, where the feature is on
BOT_OWNS: Version = (4, 17, 0)  # a bot that is asked first is the assignee from the start (#14870, #14875)
STATUS_CHANGED_AT: Version = (4, 17, 0)  # in changed_attributes, with the status (#15022)
ASSISTANT_OWNS: Version = (4, 18, 0)  # so is an assistant; its type is Captain::Assistant (#15421, #15437)

# Events.
CONTACT_EVENTS: Version = (2, 14, 0)  # (#6415)
TEMPLATES_SENT: Version = (2, 18, 0)  # message_created of automatic messages (#7252)
INBOX_EVENTS: Version = (3, 2, 0)  # (#8006)
AUTOMATION: Version = (3, 0, 0)  # automation_event.…; assumed: it is in a captured body that has waiting_since
TYPING_EVENTS: Version = (4, 2, 0)  # (#11423)
BOT_STATUS_EVENTS: Version = (4, 13, 0)  # conversation_updated and conversation_status_changed for bots (#13975)
READ_TELLS: Version = (3, 2, 0)  # message_updated for each message that the visitor has received or read (#8092)

# Transport and failures.
EXTERNAL_ERROR: Version = (3, 3, 0)  # an API channel's message is marked as failed (#8277)
BOT_FAILURE_OPENS: Version = (4, 7, 0)  # a pending conversation opens when its bot can't be reached (#12379)
SIGNED: Version = (4, 11, 2)  # account webhooks; a delivery id for API channels too (#13573)
BOT_RETRIES: Version = (4, 11, 2)  # (#13521)
BOT_AND_API_SIGNED: Version = (4, 13, 0)  # (#13892)
PLAN_GATE: Version = (4, 16, 0)  # no API and no account webhooks in some plans of Chatwoot's own cloud (#14973)
SAFE_FETCH: Version = (4, 14, 0)  # redirects are followed, private targets refused (#14489)

# The versions with which a body or an event changes, and the last one.
CHANGES: tuple[Version, ...] = tuple(
    sorted(
        {
            *(OLDEST, NEWEST),
            *(MESSAGE_ADDITIONAL_ATTRIBUTES, FILE_SIZE, TEAM, ATTACHMENTS, LABELS, FIRST_REPLY, NESTED_UNREAD),
            *(WHOLE_CONTACT, CREATED_AT, PRIORITY, PROCESSED_CONTENT, WAITING_SINCE, IMAGE_SIZE, SLA),
            *(
                LAST_ACTIVITY_AT,
                BLOCKED,
                UPDATED_AT,
                TRANSCRIBED,
                ASSIGNEE_TYPE,
                FILE_TYPE,
                ACCOUNT_IN_CONVERSATION,
                COMPANY,
            ),
            *(BOT_OWNS, ASSISTANT_OWNS),
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
