"""The sheet of what a buyer may do: rows against simulations of their own, laws, refusals."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import supplyrisk as sr
from supplyrisk import metrics

HELD = runpy.run_path(str(Path(__file__).with_name("buyer_cases.py")))
STRIKES, buyer, case = (HELD[name] for name in ("STRIKES", "buyer", "case"))
SMITH = buyer(alternative_limit=0.5, qualification_days=60.0, hedged_share=0.2)
ONE = case(SMITH, hazards=STRIKES)
SECOND = sr.Supply(scope=sr.Scope.site("b"), share=0.25)


def sheet(**more):
    return sr.what_if(ONE, "smith", **{"n_scenarios": 1_000, "rng": 6, **more})


def losses(one):
    lost = sr.simulate(case(one, hazards=STRIKES), 1_000, rng=6).result.buyers["smith"]
    return lost, lost.cost_usd + lost.lost_margin_usd


def test_each_row_is_a_simulation_of_its_own_on_the_same_futures():
    table = sheet(stock_days=[30.0, 90.0], second_source=[SECOND])
    assert table["stock_days"].tolist() == [30.0, 30.0, 90.0, 90.0]
    assert table["second_source"].tolist() == ["", "b 25%", "", "b 25%"]
    _, before = losses(SMITH)
    first = replace(SMITH.sources[0], share=0.75)
    for row, days in ((1, 30.0), (3, 90.0)):
        lost, usd = losses(replace(SMITH, inventory_days=days, sources=(first, SECOND)))
        found = table.loc[row]
        assert found["cost_1_in_20_usd"] == metrics.value_at_risk(usd, level=0.95)
        assert found["expected_usd"] == pytest.approx(usd.mean())
        assert found["saved_usd"] == pytest.approx((before - usd).mean())
        assert found["probability_stop"] == np.mean(lost.is_short)
        stops = np.sort(lost.first_short_days)[49]  # 50 of 1,000 futures have stopped by then
        assert found["stops_1_in_20_days"] == stops
        assert found["time_to_survive_days"] == pytest.approx(days / 0.75)


def test_a_hedge_scales_the_cost_and_leaves_the_shortage():
    table = sheet(hedged_share=[0.2, 0.6])
    kept = SMITH.margin_usd_per_t * losses(SMITH)[0].shortage_t.mean()
    cost = table["expected_usd"] - kept
    assert cost[1] == pytest.approx(cost[0] * 0.4 / 0.8, rel=1e-9)
    assert table["probability_stop"].nunique() == 1


def test_more_stock_never_stops_the_line_sooner():
    table = sheet(stock_days=[0.0, 10.0, 30.0, 60.0, 365.0]).sort_values("stock_days")
    assert (np.diff(table["probability_stop"]) <= 0.0).all()
    assert (np.diff(table["stops_1_in_20_days"].replace(np.inf, 1e9)) >= 0.0).all()
    assert table["probability_stop"].iloc[0] > 0.5
    assert table["probability_stop"].iloc[-1] == 0.0
    assert (table["saved_usd_ci_low"] <= table["saved_usd"]).all()


def test_the_difference_is_surer_than_each_of_the_two():
    table = sheet(stock_days=[60.0])
    width = {
        name: table.loc[1, f"{name}_ci_high"] - table.loc[1, f"{name}_ci_low"]
        for name in ("saved_usd", "expected_usd")
    }
    assert 0.0 < width["saved_usd"] < width["expected_usd"]


def test_the_first_row_is_as_it_is():
    table = sheet()
    assert len(table) == 1
    assert table.loc[0, ["stock_days", "hedged_share", "saved_usd"]].tolist() == [30.0, 0.2, 0.0]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"stock_days": [-1.0]}, r"inventory_days must be a finite number >= 0, got -1.0"),
        ({"hedged_share": [1.5]}, r"hedged_share must"),
        ({"second_source": ["b"]}, r"second_source\[0\] must be a Supply, got 'b'"),
        ({"stock_days": 90}, r"stock_days must be several numbers, such as .*, got 90"),
        ({"second_source": SECOND}, r"second_source must be a tuple of Supply"),
        ({"stock_days": range(100)}, r"must make at most 60 rows"),
    ],
)
def test_what_cannot_be_is_refused(more, fault):
    with pytest.raises(sr.InvalidInputError, match=fault):
        sheet(**more)


def test_an_unknown_second_source_is_named():
    nowhere = sr.Supply(scope=sr.Scope.site("z"), share=0.2)
    with pytest.raises(sr.InvalidInputError, match=r"got 'z'"):
        sheet(second_source=[nowhere])


def test_an_unknown_buyer_is_refused():
    with pytest.raises(sr.InvalidInputError, match=r"buyer_id must be one of smith"):
        sr.what_if(ONE, "jones")
