"""Rates and lengths from the catalogue: counted again by hand, and without hindsight."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

import supplyrisk as sr
from supplyrisk.data import base_rates, catalogue, duration_for, rate_for
from supplyrisk.data.tables import table
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import fit_rate

BISIE_SHUT = dt.date(2025, 3, 13)
OF_COUNTRIES = {"export_restriction", "sanctions"}
AT_SITES = [str(p) for p in sr.Peril if str(p) not in OF_COUNTRIES | {"armed_conflict"}]
EVERY = [str(p) for p in sr.Peril]
DAYS = [dt.date(2014, 1, 1), dt.date(2020, 5, 15), BISIE_SHUT, dt.date(2025, 4, 15)]

some_days = st.dates(dt.date(2013, 1, 1), dt.date(2025, 12, 31))


@pytest.fixture(autouse=True)
def _forget_fits():
    yield
    base_rates._fits.cache_clear()


def counted(day, *, commodities=None):
    """Stops as of a day, counted row by row from the whole table, within the panels' years."""
    first, last = table("panels")["first_day"].min(), table("panels")["last_day"].max()
    moment = pd.Timestamp(day) if day else pd.Timestamp.max
    rows, clusters = [], set()
    for row in table("disruptions").to_dict("records"):
        if not (row["is_stop"] and first <= row["started"] < moment and row["started"] <= last):
            continue
        seen = row["last_observed"] if pd.isna(row["ended"]) else row["ended"]
        if (min(seen, moment) - row["started"]).days < 7 or row["severity"] < 0.25:
            continue
        if isinstance(row["cluster_id"], str):
            if row["cluster_id"] in clusters:
                continue
            clusters.add(row["cluster_id"])
        names = row["commodities"].split(";") if isinstance(row["commodities"], str) else []
        if commodities is None or set(names) & set(commodities):
            rows.append({**row, "over": not pd.isna(row["ended"]) and row["ended"] < moment})
    return rows


def site_years(commodity, day):
    panels = table("panels")
    panels = panels[panels["commodity"] == commodity] if commodity else panels
    first, last = panels["first_day"].min(), panels["last_day"].max()
    until = min(pd.Timestamp(day), last) if day else last
    return float(panels["node_years"].sum()) * (until - first).days / (last - first).days


# --- Sites: the total of the panel, divided over perils -----------------------------------


@pytest.mark.parametrize("day", [dt.date(2015, 1, 1), BISIE_SHUT])
@pytest.mark.parametrize("commodity", ["tin", "copper", None, "cobalt"])
def test_rates_of_all_perils_are_the_posterior_of_the_total(commodity, day):
    own = commodity if commodity in {"tin", "copper"} else None
    rows = counted(day, commodities=[own] if own else ["tin", "copper"])
    rows = [row for row in rows if row["peril"] in AT_SITES]
    total = fit_rate(len(rows), site_years(own, day))
    rates = {peril: rate_for(peril, commodity, as_of=day) for peril in AT_SITES}
    assert sum(rate.mean for rate in rates.values()) == pytest.approx(total.mean, rel=1e-12)
    for peril, rate in rates.items():
        n = sum(row["peril"] == peril for row in rows)
        share = (n + 0.5) / (len(rows) + 0.5 * len(AT_SITES))  # mean of Jeffreys' Dirichlet
        assert rate.mean == pytest.approx(share * total.mean, rel=1e-12)
        assert rate.rate_shape == total.rate_shape


@pytest.mark.parametrize(("commodity", "published"), [("tin", 18), ("copper", 28)])
def test_total_is_below_that_of_the_panels_of_the_reference(commodity, published):
    # The panels count 18 and 28 stops, those of export systems and at places without a row here
    # among them: what is left for sites is part of that, and more than half.
    years = float(table("panels").set_index("commodity").loc[commodity, "node_years"])
    total = sum(rate_for(peril, commodity).mean for peril in AT_SITES)
    assert 0.5 * published / years < total < (published + 0.5) / years


def test_a_stop_after_the_years_of_the_panels_counts_for_no_rate():
    # E141, a strike at a copper mine, began on 2 January 2026; the years end with 2025.
    at_the_end = rate_for("strike", "copper", as_of=dt.date(2026, 1, 1))
    for day in (dt.date(2026, 3, 2), None):
        assert rate_for("strike", "copper", as_of=day) == at_the_end


@given(st.lists(st.dates(dt.date(2024, 6, 1), dt.date(2025, 12, 31)), min_size=2, max_size=2))
@settings(max_examples=settings().max_examples // 5)
def test_years_without_a_new_stop_lower_the_rate(days):
    # No stop of tin at a site began between January 2024 and the closure of Bisie, a conflict.
    early, late = sorted(days)
    before, after = (rate_for("strike", "tin", as_of=day) for day in (early, late))
    assert after.rate_shape == before.rate_shape
    assert (after.mean < before.mean) or early == late
    assert (after.interval()[1] < before.interval()[1]) or early == late


# --- Countries ----------------------------------------------------------------------------


def test_indonesia_restricted_the_export_of_tin_twice():
    # August 2013 (E040: trade through one exchange) and August 2015 (E045: licences).
    indonesia, peru = (
        rate_for("export_restriction", "tin", country, BISIE_SHUT) for country in ("IDN", "PER")
    )
    assert (indonesia.rate_shape, peru.rate_shape) == (2.5, 0.5)
    assert indonesia.mean == pytest.approx(5.0 * peru.mean, rel=1e-12)


@pytest.mark.parametrize("day", [*DAYS[::2], None])
@pytest.mark.parametrize("commodity", ["tin", "rare_earths", None])
def test_a_country_lies_between_its_own_record_and_that_of_all(commodity, day):
    rows = counted(day, commodities=[commodity] if commodity else None)
    rows = [row for row in rows if row["peril"] == "export_restriction"]
    makers = sr.data.production(commodity, stage=None, vintage="all")["country"].nunique()
    first, last = table("panels")["first_day"].min(), table("panels")["last_day"].max()
    years = (min(pd.Timestamp(day), last) - first if day else last - first).days / 365
    pooled = (len(rows) + 0.5) / (makers * years)
    for country in ("CHN", "IDN", "PER"):
        own = sum(row["country"] == country for row in rows)
        rate = rate_for("export_restriction", commodity, country, day)
        # Gamma of shape 1/2 and mean `pooled`, after `own` events in `years`.
        expected = stats.gamma(own + 0.5, scale=1.0 / (years + 0.5 / pooled))
        assert rate.mean == pytest.approx(expected.mean(), rel=1e-12)
        assert min(own / years, pooled) <= rate.mean <= max(own / years, pooled)


@pytest.mark.parametrize("peril", sorted(OF_COUNTRIES))
def test_a_peril_of_countries_needs_a_country(peril):
    with pytest.raises(InvalidInputError, match=f"country must be given for {peril}"):
        rate_for(peril, "tin")


@pytest.mark.parametrize("country", ["Congo", "XX", "ID", "idn", "", "WLD"])
def test_what_is_no_code_of_a_country_is_refused(country):
    with pytest.raises(InvalidInputError, match="country"):
        rate_for("export_restriction", "tin", country)


# --- Armed conflict -----------------------------------------------------------------------


def test_conflict_reaches_sites_in_countries_of_low_political_stability_alone():
    stability = sr.data.governance().set_index("country")["political_stability"]
    exposed = base_rates.conflict_countries()
    assert exposed == {country for country, value in stability.items() if value < -1.0}
    assert {"COD", "MMR", "UKR"} <= exposed
    assert not exposed & {"AUS", "CHL", "CHN", "PER"}
    rates = {rate_for("armed_conflict", country=country) for country in exposed}
    assert len(rates) == 1
    for country in ("CHL", None, "Congo"):
        with pytest.raises(InvalidInputError, match=r"country must be one where conflict.*COD"):
            rate_for("armed_conflict", country=country)


@pytest.mark.parametrize(("day", "events"), [(BISIE_SHUT, 1), (dt.date(2025, 6, 1), 2)])
def test_conflict_counts_its_stops_over_the_years_of_mines_and_smelters(day, events):
    # E095 in Ukraine, then Bisie.
    exposed = base_rates.conflict_countries()
    places = [*sr.data.sites()["country"], *sr.data.smelters()["country"]]
    n_sites = sum(country in exposed for country in places)
    years = (day - dt.date(2005, 1, 1)).days / 365
    rate = rate_for("armed_conflict", country="COD", as_of=day)
    assert rate.rate_shape == events + 0.5
    assert rate.exposure_years == pytest.approx(n_sites * years, rel=1e-12)


# --- Lengths ------------------------------------------------------------------------------


def slow_fit(rows, day):
    """Maximum of the censored likelihood above 7 days, by scipy.stats, row by row."""
    moment = pd.Timestamp(day)
    days, over = [], []
    for row in rows:
        seen = row["last_observed"] if pd.isna(row["ended"]) else row["ended"]
        days.append((min(seen, moment) - row["started"]).days)
        over.append(row["over"])
    days, over = np.array(days, float), np.array(over)

    def loss(at):
        length = stats.lognorm(math.exp(at[1]), scale=math.exp(at[0]))
        likelihood = np.where(over, length.logpdf(days), length.logsf(days)) - length.logsf(7.0)
        return -float(likelihood.sum())

    found = optimize.minimize(loss, [4.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-6})
    return math.exp(found.x[0]), math.exp(found.x[1])


@pytest.mark.parametrize("day", DAYS[1:3])
def test_length_over_all_perils_is_the_top_of_the_slow_likelihood(day):
    median, sigma = slow_fit(counted(day), day)
    fit, alone = base_rates.fit_for("sanctions", day)
    assert not alone
    assert (fit.median_days, fit.sigma) == pytest.approx((median, sigma), rel=2e-2)
    assert (fit.n_stops, fit.n_censored) == (
        len(counted(day)),
        sum(not row["over"] for row in counted(day)),
    )


@pytest.mark.parametrize("day", [*DAYS, None])
def test_a_peril_with_six_stops_has_a_length_of_its_own(day):
    perils = [row["peril"] for row in counted(day) if day or row["started"].year < 2026]
    later = {"strike", "accident", "armed_conflict"} if day is None else set()  # of 2026
    for peril in set(EVERY) - later:
        fit, alone = base_rates.fit_for(peril, day)
        assert alone == (perils.count(peril) >= 6), peril
        if alone:
            assert fit.n_stops == perils.count(peril)


@pytest.mark.parametrize("day", [*DAYS[::2], None])
def test_every_peril_has_a_lognormal_length_that_holds_its_uncertainty(day):
    for peril in EVERY:
        length = duration_for(peril, day)
        fit, _ = base_rates.fit_for(peril, day)
        assert type(length).__name__ == "Lognormal"
        assert length.median_days == fit.median_days
        assert length.sigma == pytest.approx(math.hypot(fit.sigma, fit.median_error), rel=1e-12)
        assert 1.0 < length.median_days < 1_000.0
        assert 0.5 < length.sigma < 4.0


def test_regulators_shut_sites_for_longer_than_strikes():
    for day in (BISIE_SHUT, None):
        strike, regulator = (
            duration_for(peril, day) for peril in ("strike", "regulatory_or_licence")
        )
        assert strike.median_days < regulator.median_days


def test_far_in_the_future_the_lengths_are_those_of_today():
    for peril in EVERY:
        assert duration_for(peril, dt.date(2100, 1, 1)) == duration_for(peril)


def test_a_member_of_the_enumeration_is_as_good_as_its_name():
    assert duration_for(sr.Peril.STRIKE) == duration_for("strike")
    assert rate_for(sr.Peril.STRIKE, "tin") == rate_for("strike", "tin")


# --- No hindsight -------------------------------------------------------------------------


def rewritten(day):
    """The catalogue with another history from a day on: other ends, perils and rows."""
    frame, moment = table("disruptions"), pd.Timestamp(day)
    open_ = (frame["is_stop"] & ~(frame["ended"] < moment)).to_numpy()
    never_seen = frame["ended"].isna() & (frame["last_observed"] < moment)
    later = frame["started"] >= moment
    changed = open_ & ~never_seen.to_numpy()
    frame.loc[changed, "ended"] = np.maximum(frame.loc[changed, "started"], moment) + pd.Timedelta(
        days=1234
    )
    frame.loc[changed, ["last_observed", "price_peak_date"]] = pd.NaT
    frame.loc[changed, "censored"] = False
    frame.loc[changed, "duration_days"] = (frame["ended"] - frame["started"]).dt.days[changed]
    frame.loc[changed, ["ramp_up_days", "lost_t"]] = 999.0
    frame.loc[later, "peril"] = "strike"
    frame.loc[later, "country"] = "COD"
    frame.loc[later, ["cluster_id", "is_stop"]] = [None, True]
    return pd.concat([frame, frame[later].assign(disruption_id="E9999")], ignore_index=True)


def known(day):
    rates = [rate_for(peril, "tin", as_of=day) for peril in AT_SITES]
    rates += [rate_for("export_restriction", c, "CHN", day) for c in ("rare_earths", None)]
    rates.append(rate_for("armed_conflict", country="COD", as_of=day))
    return rates, [duration_for(peril, day) for peril in EVERY]


def check_hindsight(day):
    real = known(day)
    base_rates._fits.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        other = rewritten(day)
        patch.setattr(
            catalogue, "table", lambda n: other.copy() if n == "disruptions" else table(n)
        )
        assert len(catalogue.disruptions()) > len(table("disruptions"))
        assert known(day) == real
    base_rates._fits.cache_clear()


@pytest.mark.parametrize("day", DAYS[1:3])
def test_what_came_after_a_day_changes_no_rate_and_no_length_of_that_day(day):
    check_hindsight(day)


@pytest.mark.verification
@given(some_days)
def test_what_came_after_any_day_changes_nothing(day):
    check_hindsight(day)


def test_what_came_after_would_have_changed_today():
    today = duration_for("strike")
    base_rates._fits.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            catalogue,
            "table",
            lambda n: rewritten(BISIE_SHUT) if n == "disruptions" else table(n),
        )
        assert duration_for("strike") != today


# --- Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize("function", [duration_for, rate_for])
def test_an_unknown_peril_is_refused_with_the_nearest(function):
    with pytest.raises(InvalidInputError, match=r"peril must be one of.*did you mean 'strike'"):
        function("strikes")
    with pytest.raises(InvalidInputError, match="peril must be one of"):
        function(None)


@pytest.mark.parametrize("peril", ["strike", "export_restriction", "armed_conflict"])
@pytest.mark.parametrize("commodity", ["unobtainium", "tn", "Tin"])
def test_an_unknown_commodity_is_refused(peril, commodity):
    with pytest.raises(InvalidInputError, match="commodity"):
        rate_for(peril, commodity, "COD")


@pytest.mark.parametrize("bad", ["2025-03-13", pd.Timestamp(2025, 3, 13, 12), 2025])
def test_what_is_no_date_is_refused(bad):
    for function in (duration_for, rate_for):
        with pytest.raises(InvalidInputError, match="as_of must be a date"):
            function("strike", as_of=bad)


def test_a_day_with_too_few_stops_behind_it_is_refused():
    with pytest.raises(InvalidInputError, match=r"at least 6 stops .*ended \(0 had\)"):
        duration_for("strike", dt.date(2006, 1, 1))
    with pytest.raises(InvalidInputError, match="after the first day of the catalogue, 2005-01-01"):
        rate_for("strike", as_of=dt.date(2005, 1, 1))
