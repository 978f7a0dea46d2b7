"""The smallest stock: a closed form, the same futures simulated with it, and refusals."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import supplyrisk as sr

HELD = runpy.run_path(str(Path(__file__).with_name("buyer_cases.py")))
STRIKES, buyer, case, stop = (HELD[name] for name in ("STRIKES", "buyer", "case", "stop"))
FUTURES = 2_000


def chance_short(one, days, seed):
    held = one.with_values({"exposures.smith.inventory_days": days})
    return sr.simulate(held, FUTURES, rng=seed).exposures.loc["smith", "probability_short"]


def test_a_buyer_of_one_mine_needs_the_length_of_its_outage():
    """Newsvendor: the stock for a service level is that quantile of the lead time."""
    length = sr.Duration.exponential(mean_days=40.0)
    one = case(events=(stop(length),))
    found = sr.smallest_stock(one, "smith", service_level=0.9, n_scenarios=10_000, rng=3)
    outages = sr.simulate(one, 10_000, rng=3, keep="events").events()["outage_days"]
    assert found.needed_days == pytest.approx(np.minimum(outages.to_numpy(), 365.0), abs=1e-9)
    exact = 40.0 * np.log(10.0)
    assert found.interval.low <= exact <= found.interval.high
    assert found.days == pytest.approx(exact, rel=0.05)
    assert found.held_days == 30.0


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"alternative_limit": 0.5, "qualification_days": 60.0},
        {"sources": (sr.Supply(scope=sr.Scope.country("COD"), share=0.6),), "priority": 3},
    ],
)
@pytest.mark.parametrize("service_level", [0.5, 0.8, 0.95])
def test_the_same_futures_are_short_as_often_as_wanted_and_more_often_with_less(own, service_level):
    market = {"stock_t": 0.0, "consumer_stock_days": 0.0, "most_extra_share": 0.0}
    one = case(buyer(**{"alternative_limit": 0.4, **own}), hazards=STRIKES, market=market)
    found = sr.smallest_stock(one, "smith", service_level=service_level, n_scenarios=FUTURES, rng=5)
    assert chance_short(one, found.days + 1e-6, 5) <= 1.0 - service_level + 1e-12
    if found.days > 1e-6:
        assert chance_short(one, found.days - 1e-6, 5) > 1.0 - service_level - 1e-12
    assert found.interval.low <= found.days <= found.interval.high
    held = np.mean(found.needed_days > 30.0 + 1e-9)
    assert chance_short(one, 30.0, 5) == pytest.approx(held, abs=1e-12)


def test_nothing_is_needed_where_nothing_happens():
    found = sr.smallest_stock(case(), "smith", n_scenarios=10, rng=1)
    assert found.days == pytest.approx(0.0, abs=1e-9)
    assert "holds 30" in repr(found)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"buyer_id": "smit"}, r"buyer_id must be one of smith .*got 'smit'"),
        ({"service_level": 1.0}, r"service_level must be"),
        ({"service_level": 0.0}, r"service_level must be a number above 0 and below 1"),
        ({"service_level": float("nan")}, r"service_level must be"),
        ({"n_scenarios": 1}, r"n_scenarios must be"),
    ],
)
def test_what_cannot_be_asked_is_refused(more, fault):
    values = {"buyer_id": "smith", "n_scenarios": 10, "rng": 1, **more}
    with pytest.raises(sr.InvalidInputError, match=fault):
        sr.smallest_stock(case(), values.pop("buyer_id"), **values)


def test_a_case_is_wanted():
    with pytest.raises(TypeError, match="case must be a Case"):
        sr.smallest_stock("walikale-2025", "smith")
