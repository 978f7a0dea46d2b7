"""What an outlook means to one buyer: each number against the outlook or a stress test."""

import dataclasses
import runpy
from pathlib import Path

import numpy as np
import pytest

import supplyrisk as sr

CASES = runpy.run_path(str(Path(__file__).with_name("engine") / "stress_cases.py"))


def shown(value):
    return f"{value:,.0f}"


@pytest.fixture(scope="module")
def outlook():
    """Mine a has been shut for 20 days, for about 80 more; its smelter serves a buyer alone."""
    closure = CASES["event"](
        sr.Scope.site("a"),
        after=-20,
        duration=sr.Duration.lognormal(median_days=60.0, sigma=1.2),
    )
    careful = CASES["buyer"](
        "careful", 0.9, inventory_days=20.0, alternative_limit=0.0, margin_usd_per_t=1_000.0
    )
    loose = CASES["buyer"]("loose", 1.5, (("b", 0.5),), inventory_days=10.0)
    return sr.simulate(CASES["chain_case"](closure, exposures=(careful, loose)), 400, rng=7)


def test_the_way_of_the_loss_is_that_of_a_stress_test(outlook):
    said = sr.explain(outlook, buyer="careful")
    test = sr.stress(outlook.case, "e")
    row = test.buyers.loc["careful"]
    assert "site a (100% of his use, 100% of it hit)" in said.text
    reached = test.stages["reached_days"]
    for stage in ("feed at smelters", "arrivals at the market"):
        assert f"{stage} (day {shown(reached[stage])})" in said.text
    assert f"his own stock (day {shown(reached['stock of careful'])})" in said.text
    assert np.isfinite(row["weeks_until_short"])
    assert f"short after {row['weeks_until_short']:.1f} weeks" in said.text
    empty = test.stages["empty_days"].drop("stock of loose")
    assert np.isfinite(empty.min())
    assert f"on day {shown(empty.min())}." in said.text
    table = said.tables["When the loss reaches which stage"].set_index("stage")
    assert table.loc["his own stock", "reached_days"] == reached["stock of careful"]
    assert not any("loose" in stage for stage in table.index)


def test_the_stock_is_set_against_the_time_to_recover(outlook):
    test = sr.stress(outlook.case, "e")
    recover = test.time_to_recover_days
    assert recover > 20.0
    text = sr.explain(outlook, buyer="careful").text
    assert "what is hit for 20 days if nothing replaces it" in text
    assert f"Time to recover: {recover:.3g} days, longer than that." in text


def test_chances_and_costs_are_those_of_the_outlook(outlook):
    text = sr.explain(outlook, buyer="careful").text
    row = outlook.exposures.loc["careful"]
    assert 0.0 < row["probability_short"] < 1.0
    chance = "[{:.1%} to {:.1%}]".format(
        row["probability_short_ci_low"], row["probability_short_ci_high"]
    )
    assert f"In {row['probability_short']:.1%} {chance} of 400 futures he runs short" in text
    assert f"by day {shown(row['first_short_days'])}." in text
    cost = np.sort(outlook.result.buyers["careful"].cost_usd)[379]  # the 380th of 400
    assert f"at least {shown(cost)} USD more" in text
    assert f"{shown(row['tail_cost_usd'])} USD on average of these" in text
    assert f"peaks at {shown(np.sort(outlook.peak_price_usd_per_t())[379])} USD/t" in text
    assert "Only 20 futures" in text


def test_who_is_not_hit_is_told_so(outlook):
    text = sr.explain(outlook, buyer="loose").text
    assert "They hit none of the sources that he has named." in text
    assert "Time to survive" not in text


def test_without_an_event_under_way_the_futures_remain(outlook):
    quiet = dataclasses.replace(outlook.case, events=())
    said = sr.explain(sr.simulate(quiet, 10, rng=7), buyer="careful")
    assert "No event is under way on 2025-01-01." in said.text
    assert "In 0.0% [" in said.text
    assert list(said.tables) == ["Over the futures", "How long sources may be missing"]


def test_who_is_not_there_is_named_with_who_is(outlook):
    with pytest.raises(ValueError, match=r"one of careful, loose \(did you mean 'careful'\?\)"):
        sr.explain(outlook, buyer="carefull")
    with pytest.raises(ValueError, match="buyer must be left out unless an outlook"):
        sr.explain(outlook.case, buyer="careful")
    nobody = sr.simulate(dataclasses.replace(outlook.case, exposures=()), 2, rng=1)
    with pytest.raises(ValueError, match="the outlook has no buyers"):
        sr.explain(nobody, buyer="careful")


def test_who_is_behind_the_worst_futures_is_said_with_its_share(outlook):
    said = sr.explain(outlook, buyer="careful")
    drivers = outlook.drivers("careful")
    first = drivers.index[0]
    assert f"worst 5 % of futures: {first} {drivers.loc[first, 'tail_share']:.0%}" in said.text
    perils = outlook.drivers("careful", by="peril")["tail_share"]
    assert f"By peril: {str(perils.index[0]).replace('_', ' ')} {perils.iloc[0]:.0%}" in said.text
    table = said.tables["Behind the worst 5 % of futures"].set_index("site")
    assert table["tail_share"].sum() == pytest.approx(1.0)
    lasting = said.tables["How long sources may be missing"].set_index("source")
    assert lasting.loc["any of them", "probability_longer"] > 0.0


def test_mines_are_called_by_their_names():
    outlook = sr.simulate(sr.load_case("walikale-2025"), 400, rng=7)
    share = outlook.drivers("solder-maker").loc["bisie", "tail_share"]
    said = sr.explain(outlook, buyer="solder-maker").text
    assert f"worst 5 % of futures: Bisie (Mpama North and South) {share:.0%}; " in said
