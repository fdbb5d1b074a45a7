"""The memory of the duplicate rule and of the rate limit is bounded."""

from __future__ import annotations

from vendorsim.vendorkit.limits import DuplicateRule, RateLimit


def test_the_oldest_accepted_requests_are_forgotten_first() -> None:
    rule = DuplicateRule(60_000, lambda: 1_000.0, generation=2)
    assert [rule.is_duplicate(name) for name in "abca"] == [False, False, False, True]
    # With d the second generation is full, with e the first one is dropped.
    assert [rule.is_duplicate(name) for name in "dbea"] == [False, True, False, False]


def test_the_customer_who_has_called_the_longest_ago_is_forgotten_first() -> None:
    limit = RateLimit(1, lambda: 1_000.0, customers=2)
    assert [limit.wait(name) for name in (b"one", b"two", b"one")] == [0, 0, 1]
    assert limit.wait(b"three") == 0
    assert [limit.wait(name) for name in (b"one", b"two")] == [1, 0], "only the second customer was forgotten"
