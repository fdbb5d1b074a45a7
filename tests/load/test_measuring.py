"""What is measured: exact counts, percentiles that are hardly off, and parts that merge to the whole."""

from __future__ import annotations

from hashlib import sha256

import orjson
from hypothesis import given
from hypothesis import strategies as st
from vendorsim.core.event import Event
from vendorsim.delivery.records import Attempt
from vendorsim.delivery.requests import Prepared
from vendorsim.http.outgoing import Wire
from vendorsim.load.measuring import MOST_SLOTS, Digest, Histogram, Series, bucket, highest
from vendorsim.load.tally import MOST_ERRORS, OTHERS, Tally

DURATIONS = st.integers(0, 2**40)


@given(DURATIONS)
def test_buckets_are_narrow(value: int) -> None:
    top = highest(bucket(value))
    assert value <= top <= value * (1 + 1 / 128) + 1
    assert bucket(top) == bucket(value) != bucket(top + 1)


@given(st.lists(DURATIONS, min_size=1), st.sampled_from([0.5, 0.9, 0.99, 1.0]), st.integers(0, 3))
def test_percentiles_are_at_most_a_bucket_too_high(values: list[int], share: float, coarse: int) -> None:
    histogram = Histogram(coarse=coarse)
    for value in values:
        histogram.add(value)
    exact = sorted(values)[max(1, -int(-len(values) * share // 1)) - 1]
    found = histogram.percentile(share)
    assert found is not None
    assert exact <= found <= min(max(values), exact * (1 + 2**coarse / 128) + 2**coarse)
    assert (histogram.count, histogram.total, histogram.longest) == (len(values), sum(values), max(values))


def test_of_nothing_there_are_no_figures() -> None:
    assert set(Histogram().figures().values()) == {None}


@given(st.lists(st.tuples(st.integers(0, 3), DURATIONS)), st.integers(0, 3))
def test_merged_histograms_are_that_of_the_whole(values: list[tuple[int, int]], coarse: int) -> None:
    whole, parts = Histogram(coarse=coarse), [Histogram(coarse=coarse) for _ in range(4)]
    for part, value in values:
        whole.add(value)
        parts[part].add(value)
    merged = Histogram(coarse=coarse)
    for each in parts:
        merged.merge(Histogram.unpacked(orjson.loads(orjson.dumps(each.packed())), coarse))
    assert merged == whole


@given(st.lists(st.binary(max_size=20)), st.randoms(use_true_random=False))
def test_the_digest_knows_no_order(bodies: list[bytes], chance: object) -> None:
    one, other = Digest(), [Digest(), Digest()]
    for body in bodies:
        one.add(body)
    chance.shuffle(bodies)  # type: ignore[attr-defined]
    for number, body in enumerate(bodies):
        other[number % 2].add(body)
    other[0].merge(Digest.read(other[1].document()))
    assert other[0] == one
    assert one.document() == {
        "count": len(bodies),
        "sha256_sum": f"{sum(int(sha256(body).hexdigest(), 16) for body in bodies) % 2**256:064x}",
    }


def test_the_digest_tells_a_lost_body_and_one_that_came_twice() -> None:
    digests = []
    for bodies in ([b"a", b"b"], [b"a"], [b"a", b"a"], [b"a", b"b", b"b"]):
        digest = Digest()
        for body in bodies:
            digest.add(body)
        digests.append(digest.document()["sha256_sum"])
    assert len(set(digests)) == 4


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 20_000))))
def test_time_is_kept_in_bounded_memory_whichever_worker_it_was(moments: list[tuple[int, float]]) -> None:
    whole, parts = Series(), [Series(), Series()]
    for part, at in moments:
        whole.at(at).arrived += 1
        parts[part].at(at).arrived += 1
    parts[0].merge(Series.unpacked(orjson.loads(orjson.dumps(parts[1].packed()))))
    assert parts[0].width == whole.width
    assert [slot.arrived for slot in parts[0].slots] == [slot.arrived for slot in whole.slots]
    assert len(whole.slots) <= MOST_SLOTS
    assert sum(slot.arrived for slot in whole.slots) == len(moments)


def attempt(name: str, verdict: str, reason: str | None, body: bytes) -> Attempt:
    event = Event("evt-1", 0, 1, "userlike", "documented", name, 0, "POST", {}, body, 0)
    request = Prepared(b"", body, Wire((body,)))
    return Attempt("d", event, "http://t", 1, 200, 1.5, verdict, reason, sent_at=1, request=request)


ATTEMPTS = st.builds(
    attempt,
    st.sampled_from(["start", "end"]),
    st.sampled_from(["delivered", "rejected", "timed out", "spoiled"]),
    st.sampled_from(["answered 500", "no answer within 1 s"]),
    st.binary(max_size=5),
)


@given(st.lists(st.tuples(st.integers(0, 2), ATTEMPTS, st.floats(0, 100), st.integers(0, 10**7))))
def test_workers_tell_together_what_one_would_have_told(told: list[tuple[int, Attempt, float, int]]) -> None:
    whole, parts = Tally(began=5), [Tally(began=number + 5) for number in range(3)]
    for part, each, at, from_plan in told:
        for tally in (whole, parts[part]):
            tally.add(each, at, from_plan)
    merged = Tally()
    for each in parts:
        merged.merge(Tally.unpacked(orjson.loads(orjson.dumps(each.packed()))))
    assert merged == whole


def test_a_target_that_answers_something_else_each_time_fills_no_memory() -> None:
    tally = Tally()
    for number in range(MOST_ERRORS + 50):
        tally.add(attempt("start", "rejected", f"odd answer {number}", b""), 0.0, None)
    assert len(tally.errors) == MOST_ERRORS + 1
    assert tally.errors["rejected", OTHERS] == 50
