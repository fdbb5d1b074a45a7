"""A journal of 100,000 rows: pages and filters take as long as their page is long, not as long as the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from control.client import Client, serving

ROWS = 100_000
PER_CONVERSATION = 10
# Half of the rows belong to a namespace of somebody else; the newest row is ours.
FILL = f"""
INSERT INTO runs (id, began_at, command, version, about, namespace) VALUES
    (1001, 0, 'run', '1', '{{}}', ''), (1002, 0, 'run', '1', '{{}}', 'other');
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS})
INSERT INTO attempts (run, sent_at, at, vendor, profile, event, event_id, conversation, delivery, attempt, copy, target,
    request_head, request_body, status, answer_headers, answer_body, milliseconds, verdict, final, faults)
SELECT 1002 - (n % 2 = 0), n, n, 'userlike', 'documented', 'chat_session.' || (n % 10), 'evt-' || n,
    'c-' || (n / {PER_CONVERSATION}), 'evt-' || n || '-0', 1, 0, 'http://127.0.0.1/',
    CAST('POST / HTTP/1.1' AS BLOB),
    CAST('{{"text": "' || hex(randomblob(400)) || '", "id": ' || n || '}}' AS BLOB), 200,
    '[]', X'', 1.0, CASE WHEN n % 1000 = 0 THEN 'rejected' ELSE 'delivered' END, 1, ''
FROM numbers;
INSERT INTO conversations SELECT run, vendor, conversation, 'documented', 'Dana Kessler', 'Hello', count(*),
    sum(verdict = 'rejected'), max(id), max(sent_at) FROM attempts GROUP BY run, vendor, conversation;
"""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large journal."""
    path = tmp_path_factory.mktemp("large") / "journal.sqlite"
    with serving(path):
        pass
    fill(path)
    return path


@pytest.fixture(scope="module")
def full(journal: Path) -> Iterator[Client]:
    """A server over a large journal."""
    with serving(journal) as client:
        yield client


def fill(path: Path) -> None:
    db = sqlite3.connect(path)
    db.executescript(FILL)
    db.close()


@pytest.fixture(scope="module")
def impatient(journal: Path) -> Iterator[Client]:
    """A search may take 90,000 instructions of SQLite's machine; reading 100,000 rows takes far more."""
    with serving(journal, search_steps=90) as client:
        yield client


class TestBoundedWork:
    @pytest.mark.parametrize("limit", [1, 50, 500])
    def test_a_page_anywhere(self, impatient: Client, limit: int) -> None:
        page = impatient.get("/deliveries", limit=limit)
        assert [row["id"] for row in page["items"]] == [ROWS - 2 * number for number in range(limit)]
        for _ in range(3):
            page = impatient.get("/deliveries", limit=limit, cursor=page["next"])
            assert len(page["items"]) == limit

    def test_what_came_after_an_id(self, impatient: Client) -> None:
        assert [row["id"] for row in impatient.get("/deliveries", after=ROWS - 4)["items"]] == [ROWS - 2, ROWS]
        assert impatient.get("/deliveries", after=ROWS)["items"] == []

    def test_one_row(self, impatient: Client) -> None:
        assert impatient.get(f"/deliveries/{ROWS // 2}")["event_id"] == f"evt-{ROWS // 2}"
        assert impatient.refused("GET", f"/deliveries/{ROWS // 2 + 1}")["status"] == 404

    def test_a_page_of_conversations(self, impatient: Client) -> None:
        page = impatient.get("/conversations")
        assert [len(page["items"]), len(impatient.get("/conversations", cursor=page["next"])["items"])] == [50, 50]

    def test_one_conversation_of_a_run(self, impatient: Client) -> None:
        name = f"c-{ROWS // PER_CONVERSATION // 2}"
        assert len(impatient.get(f"/conversations/userlike/{name}", run=1_001)["entries"]) == PER_CONVERSATION // 2

    def test_what_is_wrong_with_the_newest(self, impatient: Client) -> None:
        found = impatient.get("/diagnosis")
        assert (found["attempts"], found["failed"]) == (500, 1)

    def test_what_was_not_delivered(self, impatient: Client) -> None:
        assert len(impatient.get("/deliveries", verdict="rejected")["items"]) == 50
        assert impatient.get("/deliveries", verdict="broken")["items"] == []

    def test_a_search_that_would_read_everything_is_given_up(self, impatient: Client) -> None:
        problem = impatient.refused("GET", "/deliveries?q=nowhere")
        assert (problem["status"], "narrow it" in problem["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"verdict": "rejected"}, ROWS // 1_000),
        ({"event": "chat_session.4"}, ROWS // 10),
        ({"conversation": "c-77"}, PER_CONVERSATION // 2),
        ({"run": 1_001}, ROWS // 2),
        ({"run": 1_002}, 0),
        ({"q": "evt-77777"}, 0),
        ({"q": "evt-77778"}, 1),
        ({"q": '"id": 99998}'}, 1),
    ],
)
def test_filters_answer(full: Client, query: dict[str, Any], count: int) -> None:
    page = full.get("/deliveries", limit=200, **query)
    assert len(page["items"]) == min(count, 200)
    assert (page["next"] is not None) == (count > 200)


def test_conversations_answer(full: Client) -> None:
    newest = ROWS // PER_CONVERSATION
    shown = full.get(f"/conversations/userlike/c-{newest - 1}")
    assert (len(shown["entries"]), shown["truncated"]) == (PER_CONVERSATION // 2, False)
    page = full.get("/conversations", limit=3)
    assert [one["conversation"] for one in page["items"]] == [f"c-{newest - number}" for number in range(3)]
    following = full.get("/conversations", limit=3, cursor=page["next"])["items"]
    assert [one["conversation"] for one in following] == [f"c-{newest - 3 - number}" for number in range(3)]


def test_the_archive_is_bounded(full: Client) -> None:
    answer = full("GET", "/deliveries.har")
    assert len(answer.json["log"]["entries"]) == 5_000
