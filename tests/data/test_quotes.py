"""Prices as they were known on a day, and the volatility they give."""

import datetime as dt
import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.data import quotes, volatility_for
from supplyrisk.data.quotes import known_prices, market
from supplyrisk.errors import InvalidInputError

BISIE_SHUT = dt.date(2025, 3, 13)
PRICED = sorted(sr.data.prices()["commodity"].unique())
DAYS = [dt.date(2023, 6, 1), dt.date(2024, 6, 3), BISIE_SHUT, dt.date(2026, 3, 2)]

any_day = st.dates(dt.date(2011, 1, 1), dt.date(2027, 1, 1))


def last_day(period_start, frequency):
    year, month = period_start.year, period_start.month
    if frequency == "annual":
        return dt.date(year, 12, 31)
    return dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)


def simulated_prices(monkeypatch, *, sigma, n_months, seed):
    """Monthly means of a random walk of 360 steps a year, as the table of prices holds them."""
    steps = np.random.default_rng(seed).standard_normal(30 * n_months)
    daily = np.exp(sigma / math.sqrt(360.0) * np.cumsum(steps))
    frame = sr.data.prices("tin", frequency="monthly").iloc[[0] * n_months].reset_index(drop=True)
    starts = pd.date_range("1900-01-01", periods=n_months, freq="MS")
    frame["period_start"] = starts.astype(frame["period_start"].dtype)
    frame["price_usd_per_t"] = 1e4 * daily.reshape(n_months, 30).mean(axis=1)
    monkeypatch.setattr(quotes, "prices", lambda _commodity: frame.copy())


# --- Published value, and the same by hand ------------------------------------------------


def test_tin_moved_by_0_27_a_year_before_the_closure_of_bisie():
    # The library's design, section 5.5: 0.27 for tin, from monthly means corrected by sqrt(1.5).
    found = volatility_for("tin", as_of=BISIE_SHUT)
    assert found.volatility_pa == pytest.approx(0.27, abs=0.005)
    assert (found.source_id, found.standing) == ("world-bank-pink-sheet-2026-06", "derived")
    assert found.note == "181 monthly changes to 2025-02-28"


@pytest.mark.parametrize("day", [*DAYS, None])
def test_volatility_of_tin_is_that_of_its_monthly_means_worked_by_hand(day):
    months = {
        row["period_start"].date(): row["price_usd_per_t"]
        for row in sr.data.prices("tin", frequency="monthly").to_dict("records")
        if day is None or last_day(row["period_start"], "monthly") < day
    }
    logs = [math.log(months[start]) for start in sorted(months)]
    changes = [after - before for before, after in pairwise(logs)]
    mean = math.fsum(changes) / len(changes)
    variance = math.fsum((change - mean) ** 2 for change in changes) / (len(changes) - 1)
    # Working (1960): a change of means has 2/3 of the variance of the walk.
    expected = math.sqrt(variance * 12.0 * 1.5)
    assert volatility_for("tin", as_of=day).volatility_pa == pytest.approx(expected, abs=5.001e-4)


@pytest.mark.parametrize("commodity", ["copper", "nickel", "zinc", "aluminium"])
def test_annual_means_give_an_estimate_by_the_same_rule(commodity):
    frame = sr.data.prices(commodity, frequency="annual").sort_values("period_start")
    assert len(set(frame["source_id"])) == 1
    logs = np.log(frame.loc[frame["period_start"].dt.year <= 2024, "price_usd_per_t"])
    found = volatility_for(commodity, as_of=BISIE_SHUT)
    expected = float(np.std(np.diff(logs), ddof=1)) * math.sqrt(1.5)
    assert found.volatility_pa == pytest.approx(expected, abs=5.001e-4)
    assert found.standing == "estimate"
    assert "14 annual changes to 2024-12-31" in found.note


@pytest.mark.parametrize("sigma", [0.15, 0.30, 0.60])
def test_volatility_of_a_random_walk_is_recovered_from_its_monthly_means(monkeypatch, sigma):
    # 2,400 months: relative error 1 / sqrt(2 * 2400) = 0.014, a little more by correlation;
    # |z| < 4.  Without the factor of 3/2 it would be 18 % too low.
    simulated_prices(monkeypatch, sigma=sigma, n_months=2_400, seed=8)
    assert volatility_for("tin").volatility_pa == pytest.approx(sigma, rel=4.0 * 0.016)


# --- Too few prices, and prices not believed ----------------------------------------------


@pytest.mark.parametrize("commodity", ["rare_earths", "alumina", "lithium"])
def test_too_few_prices_give_the_assumption(commodity):
    found = volatility_for(commodity, as_of=dt.date(2022, 6, 1))
    assert found[:3] == (0.30, "supplyrisk-assumptions", "assumption")


@pytest.mark.parametrize(
    ("n_months", "standing"), [(36, "assumption"), (37, "derived"), (120, "derived")]
)
def test_three_years_of_months_are_needed(monkeypatch, n_months, standing):
    simulated_prices(monkeypatch, sigma=0.3, n_months=n_months, seed=1)
    assert volatility_for("tin").standing == standing


@pytest.mark.parametrize("commodity", PRICED)
def test_annual_means_are_believed_between_a_tenth_and_six_tenths(commodity):
    for day in [*DAYS, None]:
        found = volatility_for(commodity, as_of=day)
        assert 0.10 <= found.volatility_pa <= 0.60
        assert found.source_id in set(sr.data.sources()["source_id"])
    if commodity in {"lithium", "graphite"}:  # 0.9 from one slump, and a list price
        assert "is not believed" in found.note


def test_a_commodity_without_prices_is_refused_with_the_nearest():
    with pytest.raises(InvalidInputError, match=r"commodity must be one of.*did you mean 'tin'"):
        volatility_for("tinn")


@pytest.mark.parametrize("bad", [math.nan, "2025-03-13", 20_250_313, pd.Timestamp(2025, 3, 13, 9)])
def test_what_is_no_date_is_refused(bad):
    with pytest.raises(InvalidInputError, match="as_of must be a date"):
        volatility_for("tin", as_of=bad)


# --- A period is unknown until it is over -------------------------------------------------


@pytest.mark.parametrize(
    ("day", "newest"),
    [
        (dt.date(2025, 2, 28), dt.date(2025, 1, 31)),
        (dt.date(2025, 3, 1), dt.date(2025, 2, 28)),
        (dt.date(2025, 3, 13), dt.date(2025, 2, 28)),
        (dt.date(2024, 3, 1), dt.date(2024, 2, 29)),  # a leap year
        (dt.date(2024, 12, 31), dt.date(2024, 11, 30)),
        (dt.date(2025, 1, 1), dt.date(2024, 12, 31)),
    ],
)
def test_a_month_is_known_from_the_day_after_its_last(day, newest):
    rows = known_prices("tin", day)
    assert rows["period_end"].iloc[-1].date() == newest
    assert rows["frequency"].iloc[-1] == "monthly"


def test_a_year_is_known_from_the_first_of_january():
    for day, newest in [(dt.date(2024, 12, 31), 2023), (dt.date(2025, 1, 1), 2024)]:
        assert known_prices("copper", day)["period_start"].iloc[-1].year == newest


@given(any_day, st.sampled_from(PRICED))
@settings(max_examples=settings().max_examples // 2)
def test_no_price_known_on_a_day_is_of_a_period_not_over(day, commodity):
    rows = known_prices(commodity, day)
    assert (rows["period_end"] < pd.Timestamp(day)).all()
    assert rows["period_end"].is_monotonic_increasing
    assert not rows.duplicated(["period_end", "frequency"]).any()
    ends = [last_day(*pair) for pair in zip(rows["period_start"], rows["frequency"], strict=True)]
    assert rows["period_end"].dt.date.tolist() == ends
    whole = sr.data.prices(commodity)
    over = [
        last_day(*pair) < day
        for pair in zip(whole["period_start"], whole["frequency"], strict=True)
    ]
    assert len(rows) == len(whole[over].drop_duplicates(["period_start", "frequency"]))


def test_lithium_of_2022_costs_what_the_edition_of_that_winter_said():
    # USGS, Mineral Commodity Summaries: lithium carbonate averaged 37,000 USD/t in 2022 by the
    # edition of January 2023, and about twice that by those that came later.
    whole = sr.data.prices("lithium").set_index(["period_start", "source_id"])
    first = whole.loc[(pd.Timestamp(2022, 1, 1), "usgs-mcs-2023")]
    assert first["published_price"] == 37_000.0
    known = known_prices("lithium", dt.date(2023, 6, 1)).iloc[-1]
    assert known["price_usd_per_t"] == first["price_usd_per_t"]


@pytest.mark.parametrize("day", DAYS)
def test_where_an_edition_of_a_price_was_out_none_that_came_later_is_used(day):
    # A price that only later publications state stands for itself: it was quoted on its days.
    published = sr.data.sources().set_index("source_id")["published"]
    late = []
    for commodity in PRICED:
        whole = sr.data.prices(commodity)
        out = whole[whole["source_id"].map(published) <= pd.Timestamp(day)]
        series = ["period_start", "frequency", "price_kind"]
        stated = set(out[series].itertuples(index=False, name=None))
        rows = known_prices(commodity, day)
        known = np.array([key in stated for key in rows[series].itertuples(index=False, name=None)])
        later = rows[known & (rows["source_id"].map(published) > pd.Timestamp(day))]
        late += [f"{commodity} {start.year}" for start in later["period_start"]]
    assert late == []


def test_without_a_day_the_newest_edition_of_a_price_is_given():
    rows = known_prices("lithium").set_index("period_start")
    assert rows.loc["2022-01-01", "source_id"] == "usgs-mcs-2025"


# --- The market of a case -----------------------------------------------------------------


def test_the_market_of_tin_in_march_2025_is_that_of_february():
    # World Bank, Pink Sheet: LME settlement, mean of February 2025.
    (tin,), citations, notes = market("tin", BISIE_SHUT, 300_000.0)
    assert tin.price_date == dt.date(2025, 2, 28)
    assert tin.price_usd_per_t == 31_832.96
    assert tin.volatility_pa == pytest.approx(0.27, abs=0.005)
    assert notes == (
        "Price: the mean of 2025-02, not a quote; a case of your own may hold a newer one.",
    )
    assert {citation.path.rsplit(".", 1)[1] for citation in citations} == {
        "price_usd_per_t",
        "volatility_pa",
        "supply_tpa",
        "demand_tpa",
        "elasticity_sum_median",
    }


@pytest.mark.parametrize("day", DAYS[::2])
@pytest.mark.parametrize("commodity", PRICED)
def test_a_market_knows_no_size_published_later(commodity, day):
    made, citations, notes = market(commodity, day, 123_456.0)
    (note,) = notes
    assert ("not a quote" in note) == bool(made)
    published = sr.data.sources().set_index("source_id")["published"]
    for citation in citations:
        if citation.path.endswith(("supply_tpa", "demand_tpa")):
            out = published[citation.source_id]
            assert pd.isna(out) or out <= pd.Timestamp(day)
            if citation.standing == "assumption" and citation.path.endswith("supply_tpa"):
                assert made[0].supply_tpa == 123_456.0
    for each in made:
        assert each.price_date < day
        assert each.commodity == commodity


def test_without_a_price_there_is_no_market_and_a_word_about_it():
    for commodity in ("rare_earths", "unobtainium"):
        made, citations, (note,) = market(commodity, dt.date(2023, 6, 1), 1.0)
        assert (made, citations) == ((), ())
        assert commodity in note
        assert "2023-06-01" in note
