"""Net import reliance against the figures of the USGS; its other indicators against their laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk import indicators

# Rare earths, compounds and metals: year, production [t], apparent consumption [t], as printed.
# U.S. Geological Survey, Mineral Commodity Summaries 2025, doi 10.3133/mcs2025.
RARE_EARTHS = [
    (2020, 0, 6490, "100"),
    (2021, 120, 7900, ">95"),
    (2022, 95, 10200, ">95"),
    (2023, 250, 10100, ">95"),
    (2024, 1300, 6600, "80"),
]
amount = st.floats(0.01, 1e6)
fraction = st.floats(0.0, 1.0)


@pytest.mark.parametrize(("_year", "production", "consumption", "printed"), RARE_EARTHS)
def test_reliance_on_rare_earths_is_as_printed(_year, production, consumption, printed):
    ours = indicators.net_import_reliance(apparent_consumption=consumption, production=production)
    bounds = indicators.reliance_bounds(printed)
    assert bounds.low <= ours <= bounds.high
    wrong = production / consumption
    assert not bounds.low <= wrong <= bounds.high


@given(amount, amount, st.floats(1e-3, 1e3))
def test_reliance_laws(consumption, production, factor):
    def reliance(c, p):
        return indicators.net_import_reliance(apparent_consumption=c, production=p)

    here = reliance(consumption, production)
    assert here <= 1.0
    assert (here < 0) == (production > consumption)
    assert reliance(consumption * factor, production * factor) == pytest.approx(
        here, rel=1e-9, abs=1e-9
    )
    assert reliance(consumption, production * 2) < here
    assert reliance(consumption, 0) == 1.0


@given(amount, amount, amount)
def test_without_changes_of_stocks_it_is_the_eus_reliance(production, imports, exports):
    consumption = production + imports - exports
    if consumption > 1e-6 * (production + imports):
        ours = indicators.net_import_reliance(
            apparent_consumption=consumption, production=production
        )
        eus = indicators.import_reliance(production=production, imports=imports, exports=exports)
        assert indicators.trade_exposure(net_import_reliance=min(ours, 1.0)) == pytest.approx(
            eus, rel=1e-6, abs=1e-6
        )


@pytest.mark.parametrize("missing", [None, math.nan, 0, -1])
def test_reliance_for_want_of_figures_is_not_0(missing):
    with pytest.raises(ValueError, match="apparent_consumption must be a finite number > 0"):
        indicators.net_import_reliance(apparent_consumption=missing, production=0)


@pytest.mark.parametrize("missing", [None, math.nan, -1])
def test_reliance_wants_a_production(missing):
    with pytest.raises(ValueError, match="production must be a finite number >= 0"):
        indicators.net_import_reliance(apparent_consumption=1, production=missing)


@pytest.mark.parametrize(
    ("printed", "low", "high"),
    [
        ("100", 0.995, 1.0),
        ("0", 0.0, 0.005),
        ("> 95", 0.95, 1.0),
        ("<1", 0.0, 0.01),
        (">25", 0.25, 1.0),
        (" E ", -math.inf, 0.0),
    ],
)
def test_printed_reliance_bounds(printed, low, high):
    assert indicators.reliance_bounds(printed) == pytest.approx((low, high))


@given(st.integers(0, 100))
def test_bounds_of_a_printed_percentage_hold_it_and_its_rounding(percent):
    low, high = indicators.reliance_bounds(str(percent))
    assert low <= percent / 100 <= high
    assert high - low <= 0.01 + 1e-12


@pytest.mark.parametrize(
    "printed", ["", "NA", "W", "\u2014", "101", "80.5", "-3", "e", 80, None, "\u0668\u0660"]
)
def test_what_is_no_reliance_is_refused(printed):
    with pytest.raises(ValueError, match="published must be a percentage as printed"):
        indicators.reliance_bounds(printed)


@given(st.lists(st.tuples(amount, fraction, fraction), min_size=1, max_size=10), st.data())
def test_disruption_potential_laws(table, data):
    shares, ability, willingness = (np.array(column) for column in zip(*table, strict=True))

    def potential(able, willing):
        return indicators.disruption_potential(
            shares, ability=able, willingness=willing, renormalise=True
        )

    ones = np.ones(len(shares))
    concentration = indicators.hhi(shares, renormalise=True)
    assert potential(ones, ones) == pytest.approx(concentration)
    assert potential(ability, 0 * ones) == 0.0
    here = potential(ability, willingness)
    assert 0.0 <= here <= concentration * (1 + 1e-12)
    assert potential(willingness, ability) == pytest.approx(here, rel=1e-12, abs=1e-300)
    worse = [data.draw(st.floats(a, 1.0)) for a in ability]
    assert potential(worse, willingness) >= here * (1 - 1e-12)


def test_a_country_without_an_index_is_not_safe():
    with pytest.raises(ValueError, match=r"willingness must be known .* got nan at index 1"):
        indicators.disruption_potential([0.5, 0.5], ability=[1, 1], willingness=[1, None])


@given(fraction, st.floats(-10.0, 0.0))
def test_trade_exposure_is_the_reliance_and_0_for_net_exporters(importer, exporter):
    assert indicators.trade_exposure(net_import_reliance=importer) == importer
    assert indicators.trade_exposure(net_import_reliance=exporter) == 0.0


def test_a_reliance_in_percent_is_refused():
    with pytest.raises(ValueError, match="net_import_reliance must be a finite number <= 1"):
        indicators.trade_exposure(net_import_reliance=80)


@given(st.lists(st.tuples(amount, amount, amount), min_size=1, max_size=10), amount)
def test_economic_vulnerability_sums_over_industries(table, gdp):
    added, spent, profit = (np.array(column) for column in zip(*table, strict=True))

    def vulnerability(place, scale=1.0):
        return indicators.economic_vulnerability(
            value_added=added[place] * scale,
            expenditure=spent[place] * scale,
            operating_profit=profit[place] * scale,
            gross_domestic_product=gdp * scale,
        )

    here = vulnerability(slice(None))
    slow = sum(v * x / (p * gdp) for v, x, p in table)
    assert here == pytest.approx(slow, rel=1e-9)
    assert here == pytest.approx(sum(vulnerability([j]) for j in range(len(added))), rel=1e-9)
    assert vulnerability(slice(None), 1000.0) == pytest.approx(here, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"operating_profit": [0.0]}, "operating_profit must be > 0 in every industry"),
        ({"operating_profit": [-1.0]}, "operating_profit must be finite and >= 0, got"),
        ({"expenditure": [1.0, 1.0]}, r"expenditure must be an array of numbers of shape \(1,\)"),
        ({"gross_domestic_product": 0}, "gross_domestic_product must be a finite number > 0"),
    ],
)
def test_bad_industries_are_refused(change, message):
    good = {"value_added": [1.0], "expenditure": [1.0], "operating_profit": [1.0]}
    with pytest.raises(ValueError, match=message):
        indicators.economic_vulnerability(**good | {"gross_domestic_product": 1.0} | change)


@given(fraction, fraction, fraction)
def test_supply_risk_is_the_geometric_mean_of_its_parts(dp, te, ev):
    risk = indicators.us_supply_risk(
        disruption_potential=dp, trade_exposure=te, economic_vulnerability=ev
    )
    assert min(dp, te, ev) - 1e-12 <= risk <= max(dp, te, ev) + 1e-12
    if dp and te and ev:
        logs = [math.log(part) for part in (dp, te, ev)]
        if sum(logs) > -600:
            assert risk == pytest.approx(math.exp(sum(logs) / 3), rel=1e-9)
    else:
        assert risk == 0.0


@given(st.lists(st.tuples(fraction, st.floats(-1e9, 1e9)), min_size=1, max_size=20))
def test_weighted_loss_is_an_expectation(table):
    probability, loss = (np.array(column) for column in zip(*table, strict=True))
    here = indicators.probability_weighted_loss(probability, loss)
    assert here == pytest.approx(sum(p * x for p, x in table), rel=1e-9, abs=1e-3)
    assert indicators.probability_weighted_loss(probability / 2, loss) == pytest.approx(
        here / 2, rel=1e-9, abs=1e-3
    )
    assert indicators.probability_weighted_loss(np.ones_like(loss), loss) == math.fsum(loss)


@pytest.mark.parametrize(
    ("probability", "loss", "message"),
    [
        ([5.0], [1.0], r"probability must lie in \[0, 1\], got 5\.0"),
        ([0.5], [1.0, 2.0], r"loss must be an array of numbers of shape \(1,\)"),
        ([0.5], [math.nan], r"loss must be finite, got nan at index 0"),
    ],
)
def test_bad_scenarios_are_refused(probability, loss, message):
    with pytest.raises(ValueError, match=message):
        indicators.probability_weighted_loss(probability, loss)
