"""What this helpdesk does with a chat; whether it keeps to the contract is up to the collected checks."""

from __future__ import annotations

import desk


def test_keeps_a_missed_chat(vendorsim_play):
    played = vendorsim_play("missed-chat", vendor="smartsupp")
    played.assert_passed()
    (attempt,) = played.attempts
    assert desk.chats[attempt.event.conversation].channel.isMissed


def test_a_chat_that_is_delivered_again_is_kept_once(vendorsim_check):
    checked = vendorsim_check(
        vendor="smartsupp",
        probe="/chats/{conversation_id}",
        only=["idempotent", "retry_safe"],
        require=["idempotent", "retry_safe"],
    )
    checked.assert_passed()
