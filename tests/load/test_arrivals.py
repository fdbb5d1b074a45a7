"""When conversations arrive: at the rates that were asked for, in order, and for each worker as for all of them."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorsim.load.arrivals import Arrivals, Curve, Ramp, Spikes, Steady

RATES = st.floats(0.1, 1_000)
SPANS = st.floats(0.1, 600)
CURVES = st.one_of(
    st.builds(Steady, RATES),
    st.builds(Ramp, st.one_of(st.just(0.0), RATES), RATES, SPANS),
    st.builds(
        lambda rate, peak, lasting, calm: Spikes(rate, peak, lasting + calm, lasting),
        st.one_of(st.just(0.0), RATES),
        RATES,
        SPANS,
        SPANS,
    ),
)
SEEDS = st.integers(0, 2**63 - 1)


@given(CURVES, st.booleans(), SEEDS)
def test_nobody_arrives_before_the_start_or_before_who_came_earlier(curve: Curve, random: bool, seed: int) -> None:
    times = list(islice(Arrivals("any", curve, random).times(seed), 300))
    assert times[0] >= 0
    assert all(earlier <= later + 1e-9 for earlier, later in pairwise(times))


@given(CURVES, SEEDS)
def test_arrivals_depend_on_the_seed_and_on_nothing_else(curve: Curve, seed: int) -> None:
    arrivals = Arrivals("any", curve, True)
    assert list(islice(arrivals.times(seed), 50)) == list(islice(arrivals.times(seed), 50))
    assert next(arrivals.times(seed)) != next(arrivals.times(seed + 1))


@pytest.mark.parametrize(
    ("curve", "moments"),
    [
        pytest.param(Steady(4), {0: 0, 1: 0.25, 8: 2}, id="steady"),
        pytest.param(Ramp(0, 10, 10), {0: 0, 50: 10, 60: 11}, id="ramp from nothing"),
        pytest.param(Ramp(10, 5, 10), {0: 0, 75: 10, 80: 11}, id="ramp down"),
        pytest.param(Ramp(3, 3, 10), {0: 0, 3: 1, 30: 10, 33: 11}, id="ramp that is none"),
        pytest.param(Spikes(1, 10, 10, 2), {0: 0, 4: 4, 8: 8, 18: 9, 28: 10, 32: 14, 56: 20}, id="spikes"),
        pytest.param(Spikes(0, 10, 10, 1), {0: 9, 5: 9.5, 10: 19, 15: 19.5}, id="spikes out of nothing"),
    ],
)
def test_moments_by_which_so_many_are_expected(curve: Curve, moments: dict[int, float]) -> None:
    assert {expected: pytest.approx(curve.when(expected)) for expected in moments} == moments


def within(times: list[float], begin: float, end: float) -> int:
    return sum(begin <= at < end for at in times)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("random", [False, True])
class TestRatesOverLongSpans:
    """Of thousands of arrivals, five in a hundred more or less is far beyond chance."""

    def test_constant_and_poisson(self, random: bool, seed: int) -> None:
        times = list(islice(Arrivals("any", Steady(50), random).times(seed), 20_000))
        assert times[-1] == pytest.approx(400, rel=0.05)

    def test_spikes(self, random: bool, seed: int) -> None:
        times = list(islice(Arrivals("any", Spikes(10, 100, 60, 10), random).times(seed), 15_000))
        calm = sum(within(times, minute * 60, minute * 60 + 50) for minute in range(10))
        wild = sum(within(times, minute * 60 + 50, minute * 60 + 60) for minute in range(10))
        assert (calm, wild) == (pytest.approx(5_000, rel=0.05), pytest.approx(10_000, rel=0.05))

    def test_ramp(self, random: bool, seed: int) -> None:
        times = list(islice(Arrivals("any", Ramp(0, 100, 200), random).times(seed), 20_000))
        assert within(times, 0, 100) == pytest.approx(2_500, rel=0.06)
        assert within(times, 100, 200) == pytest.approx(7_500, rel=0.05)
        assert within(times, 200, 250) == pytest.approx(5_000, rel=0.05)


def test_gaps_of_poisson_arrivals_vary_as_exponential_ones_do() -> None:
    times = list(islice(Arrivals("poisson", Steady(1), True).times(1), 20_000))
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert sum(gap > 1 for gap in gaps) / len(gaps) == pytest.approx(0.3679, rel=0.03)
