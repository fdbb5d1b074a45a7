"""Which operation of which vendor's API a call is."""

from __future__ import annotations

import pytest
from vendorsim.vendorkit import registry


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("POST", "/api/v1/accounts/1/conversations/7/messages", ("messagehub", "create_message")),
        ("GET", "/api/v1/accounts/1/conversations/7/messages", ("messagehub", "list_messages")),
        ("GET", "/api/v1/accounts/1/conversations/meta", ("messagehub", "count_conversations")),
        ("POST", "/apps/api/v1/chats/7/end_user", ("ccai", "end_user")),
        ("POST", "//apps/api/v1/chats/7/end_user", ("ccai", "end_user")),
        ("POST", "/rest/v1/customer/7/tag", ("chatvisor", "tag_customer")),
        ("PUT", "/api/v1/accounts/1/conversations/7/messages", None),
        ("GET", "/hello", None),
    ],
)
def test_the_operation_of_a_call(method: str, path: str, found: tuple[str, str] | None) -> None:
    assert registry.operation_at(method, path) == found
