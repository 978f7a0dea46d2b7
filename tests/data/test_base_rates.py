"""Rates from the catalogue: counted again by hand, and by slow sums in place of quadrature."""

import datetime as dt
import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import supplyrisk as sr
from supplyrisk.data import rate_for
from supplyrisk.data.base_rates import (
    between_mines,
    conflict_rate,
    country_rate,
    product,
    site_rates,
)
from supplyrisk.data.history import SITE_PERILS, conflict_countries, history
from supplyrisk.data.tables import table
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import fit_rate
from supplyrisk.hazard.rates import Rate

BISIE_SHUT = dt.date(2025, 3, 13)
DAYS = [dt.date(2014, 1, 1), BISIE_SHUT, None]
METALS = ("tin", "copper", "cobalt", None)
PANELS = {"tin": 259.0, "copper": 429.0}
FIRST, LAST = dt.date(2005, 1, 1), dt.date(2025, 12, 31)

on_days = pytest.mark.parametrize("day", DAYS)


@cache
def past_of(day, metals=None):
    panels = table("panels")
    panels = panels[panels["commodity"].isin(metals)] if metals else None
    return history(table("disruptions"), day, panels)


def rows_of(day):
    """Stops within the years of the panels, and whether they stopped the exports of a country."""
    rows = []
    for row in past_of(day).stops.to_dict("records"):
        if FIRST <= row["started"].date() <= LAST:
            country = row["level"] == "country" and row["stage"] == "export"
            rows.append({**row, "exports": country or row["peril"] == "export_restriction"})
    return rows


def at_sites(day, metals):
    return [
        row
        for row in rows_of(day)
        if not row["exports"]
        and row["peril"] in SITE_PERILS
        and isinstance(row["commodities"], str)
        and set(row["commodities"].split(";")) & set(metals)
    ]


def share_of_years(day):
    return (min(day or LAST, LAST) - FIRST).days / (LAST - FIRST).days


def by_slow_sums(counts, years):
    """Mean and variance of each group's rate, and of a new one's, on a fine grid.

    The prior of `pool_rates`: weight m^(1/2) c exp(-2 c), both in their logarithms but for dc.
    """
    n, t = (np.array([float(held[g]) for g in counts]) for held in (counts, years))
    m = np.exp(np.linspace(np.log(1e-12), np.log(1e4), 801))[:, None]
    edges = np.linspace(1e-3, math.sqrt(n.size / 3.0), 402)
    c = 0.5 * (edges[1:] + edges[:-1])
    a = c**-2
    b = a / m
    log_weight = 0.5 * np.log(m) + np.log(c) - 2.0 * c
    for count, held in zip(n, t, strict=True):
        log_weight = log_weight + special.gammaln(a + count) - special.gammaln(a)
        log_weight = log_weight + a * np.log(b / (b + held)) + count * np.log(held / (b + held))
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()

    def moments(shape, inverse_scale):
        mean = float((weight * shape / inverse_scale).sum())
        square = float((weight * shape * (shape + 1.0) / inverse_scale**2).sum())
        return mean, square - mean**2

    held = {g: moments(a + counts[g], b + years[g]) for g in counts}
    return held, moments(a, b)


def moments_of(rate):
    return rate.mean, rate.mean**2 / rate.rate_shape


# --- Sites: the total, pooled over metals and split over perils ---------------------------


@on_days
@pytest.mark.parametrize("metal", METALS)
def test_rates_of_all_perils_add_up_to_the_total(metal, day):
    rates = site_rates(past_of(day), metal)
    assert sum(r.mean for r in rates.by_peril.values()) == pytest.approx(rates.total.mean, rel=1e-9)
    rows = at_sites(day, [metal] if metal in PANELS else PANELS)
    assert rates.n_stops == len(rows) == sum(rates.counts.values())
    assert rates.has_panel == (metal in PANELS)
    years = PANELS[metal] if metal in PANELS else sum(PANELS.values())
    assert rates.site_years == pytest.approx(years * share_of_years(day), rel=1e-12)
    for peril, rate in rates.by_peril.items():
        n = sum(row["peril"] == peril for row in rows)
        assert rates.counts[peril] == n
        share = (n + 0.5) / (len(rows) + 0.5 * len(SITE_PERILS))  # Jeffreys' Dirichlet
        assert rate.mean == pytest.approx(share * rates.total.mean, rel=1e-9)
        # A share is less sure than the total.
        assert rate.rate_shape < rates.total.rate_shape


@on_days
def test_the_metals_are_pooled_as_by_slow_sums(day):
    past = past_of(day)
    counts = {metal: len(at_sites(day, [metal])) for metal in PANELS}
    held, new = by_slow_sums(counts, past.panel_years())
    for metal, expected in held.items():
        assert moments_of(site_rates(past, metal).total) == pytest.approx(expected, rel=5e-3)
    assert moments_of(site_rates(past, "cobalt").total) == pytest.approx(new, rel=2e-2)


@given(st.dates(dt.date(2007, 1, 1), dt.date(2026, 6, 1)))
@settings(max_examples=settings().max_examples // 2)
def test_a_metal_with_a_panel_lies_between_its_own_record_and_the_others(day):
    past = past_of(day)
    years = past.panel_years()
    rates = {metal: site_rates(past, metal) for metal in PANELS}
    # Half a stop is the weight of the prior, as in `fit_rate`.
    least = min(rates[metal].n_stops / years[metal] for metal in PANELS)
    most = max((rates[metal].n_stops + 0.5) / years[metal] for metal in PANELS)
    for metal in PANELS:
        assert least <= rates[metal].total.mean <= most
    own = {metal: rates[metal].n_stops / years[metal] for metal in PANELS}
    low, high = sorted(PANELS, key=own.get)
    if own[high] > own[low] + 0.5 / min(years.values()):
        assert rates[low].total.mean < rates[high].total.mean


@on_days
def test_a_metal_without_a_panel_has_a_wide_rate_that_holds_both(day):
    past = past_of(day)
    cobalt = site_rates(past, "cobalt").total
    low, high = cobalt.interval(0.9)
    for metal in PANELS:
        known = site_rates(past, metal).total
        assert low < known.mean < high
        assert cobalt.rate_shape < known.rate_shape / 5.0
    assert 5.0 < high / low < 20.0
    assert site_rates(past, "nickel").total.mean == cobalt.mean


@pytest.mark.parametrize(("metal", "published"), [("tin", 18), ("copper", 28)])
def test_total_is_below_that_of_the_panels_of_the_reference(metal, published):
    # The panels count 18 and 28 stops, those of export systems and at places without a row here
    # among them: what is left for sites is part of that, and more than half.
    total = site_rates(past_of(None), metal).total.mean
    assert 0.5 * published / PANELS[metal] < total < (published + 0.5) / PANELS[metal]


@given(
    st.sets(st.sampled_from(SITE_PERILS)),
    st.sampled_from(METALS),
    st.sampled_from(DAYS),
)
@settings(max_examples=settings().max_examples // 2)
def test_merging_perils_leaves_the_others_as_they_are(apart, metal, day):
    each, merged = site_rates(past_of(day), metal), site_rates(past_of(day), metal, apart)
    assert set(merged.by_peril) == apart | {"other"}
    for peril in apart - {"other"}:
        one, other = each.by_peril[peril], merged.by_peril[peril]
        assert moments_of(one) == pytest.approx(moments_of(other), rel=1e-9)
        assert one.interval() == pytest.approx(other.interval(), rel=1e-6)
    rest = sum(r.mean for peril, r in each.by_peril.items() if peril not in apart - {"other"})
    assert merged.by_peril["other"].mean == pytest.approx(rest, rel=1e-9)
    assert sum(merged.counts.values()) == merged.n_stops == each.n_stops


def test_one_panel_alone_is_jeffreys_posterior():
    rates = site_rates(past_of(None, ("tin",)), "tin")
    expected = fit_rate(len(at_sites(None, ["tin"])), 259.0)
    assert (rates.total.rate_shape, rates.total.exposure_years) == (
        expected.rate_shape,
        pytest.approx(expected.exposure_years, rel=1e-12),
    )


def test_a_stop_after_the_years_of_the_panels_counts_for_no_rate():
    # E141, a strike at a copper mine, began on 2 January 2026; the years end with 2025.
    at_the_end = site_rates(past_of(dt.date(2025, 12, 31)), "copper")
    for day in (dt.date(2026, 3, 2), None):
        assert site_rates(past_of(day), "copper").counts == at_the_end.counts
        assert site_rates(past_of(day), "copper").total.mean == at_the_end.total.mean


@given(st.lists(st.dates(dt.date(2024, 6, 1), dt.date(2025, 12, 31)), min_size=2, max_size=2))
def test_years_without_a_new_stop_lower_the_rate(days):
    # No stop of tin at a site began between January 2024 and the closure of Bisie, a conflict.
    early, late = sorted(days)
    before, after = (site_rates(past_of(day, ("tin",)), "tin").total for day in (early, late))
    assert after.rate_shape == before.rate_shape
    assert (after.mean < before.mean) or early == late


# --- Mines --------------------------------------------------------------------------------


@on_days
def test_a_mine_is_held_against_a_typical_one_of_its_metal_since_it_opened(day):
    past, mines = past_of(day), between_mines(past_of(day))
    between = mines.pooled.between
    until = min(day or LAST, LAST)
    stopped = [row["site_id"] for row in rows_of(day) if not row["exports"]]
    war = [row["site_id"] for row in rows_of(day) if row["peril"] == "armed_conflict"]
    frame = table("sites")
    totals = {metal: site_rates(past, metal).total.mean for metal in set(frame["commodity"])}
    assert set(mines.stops) == set(frame.loc[frame["is_one_site"], "site_id"])
    for row in frame[frame["is_one_site"]].to_dict("records"):
        name = row["site_id"]
        n = stopped.count(name) - war.count(name)
        begins = FIRST if pd.isna(row["opened"]) else max(row["opened"].date(), FIRST)
        ends = until if pd.isna(row["closed"]) else min(row["closed"].date(), until)
        years = max((ends - begins).days, 0) / 365
        typical = totals[row["commodity"]]
        assert mines.stops[name] == n, name
        assert mines.years[name] == pytest.approx(years, rel=1e-12)
        assert mines.expected[name] == pytest.approx(typical * years, rel=1e-9)
        # Gamma about 1 with the spread between mines, after n stops where 1 x expected stood.
        a = between.rate_shape
        mean = (a + n) / (between.exposure_years + typical * years) / between.mean
        rate = mines.relative_rate(name)
        assert (rate.rate_shape, rate.mean) == pytest.approx((a + n, mean), rel=1e-9)


@on_days
def test_relative_rates_average_one_over_the_mines_of_the_panels(day):
    pooled = between_mines(past_of(day)).pooled
    b, mean = pooled.between.exposure_years, pooled.between.mean
    expected = np.array([rate.exposure_years - b for rate in pooled.conditional.values()])
    relative = np.array([rate.mean / mean for rate in pooled.conditional.values()])
    # The likeliest mean makes the average of n / expected that of the mines; half a stop is prior.
    assert expected @ relative / expected.sum() == pytest.approx(1.0, abs=0.05)
    panels = table("panels")
    assert len(expected) >= panels["nodes"].sum()


@pytest.mark.parametrize("day", [dt.date(2011, 9, 12), dt.date(2018, 5, 8), *DAYS])
def test_a_mine_without_a_record_is_just_typical(day):
    # Not typical but for rounding: a case says where a mine's own record counts.
    mines = between_mines(past_of(day))
    assert mines.relative_rate("our-mine").mean == 1.0
    assert mines.relative_rate("our-mine").rate_shape == mines.pooled.between.rate_shape


def test_grasberg_stopped_often_and_antamina_seldom():
    mines = between_mines(past_of(None))
    grasberg, antamina = (mines.relative_rate(name) for name in ("grasberg", "antamina"))
    assert mines.stops["grasberg"] >= 4
    assert mines.stops["antamina"] == 0
    assert 1.5 < grasberg.mean < 3.0
    assert 0.5 < antamina.mean < 1.0
    bisie = mines.relative_rate("bisie").mean  # open for some years, without a stop but by war
    assert antamina.mean < bisie < 1.0


shapes = st.floats(0.3, 50.0)


@given(shapes, shapes, st.floats(0.01, 100.0), st.floats(0.01, 100.0))
def test_a_product_has_the_mean_and_the_variance_of_the_product(a, b, s, t):
    one, two = Rate(rate_shape=a, exposure_years=s), Rate(rate_shape=b, exposure_years=t)
    made = product(one, two)
    assert made.mean == pytest.approx(one.mean * two.mean, rel=1e-12)
    second = (a * (a + 1) / s**2) * (b * (b + 1) / t**2)  # E[X^2] E[Y^2]
    assert made.mean**2 * (1.0 + 1.0 / made.rate_shape) == pytest.approx(second, rel=1e-9)


# --- Countries ----------------------------------------------------------------------------


@on_days
@pytest.mark.parametrize(
    ("peril", "metal"),
    [("export_restriction", "tin"), ("export_restriction", None), ("sanctions", "cobalt")],
)
def test_countries_are_pooled_as_by_slow_sums(peril, metal, day):
    past = past_of(day)
    rows = [row for row in rows_of(day) if (row["exports"] and peril == "export_restriction")]
    if metal:
        rows = [row for row in rows if metal in row["commodities"].split(";")]
    makers = set(sr.data.production(metal, stage=None, vintage="all")["country"])
    makers |= {row["country"] for row in rows}
    counts = {name: sum(row["country"] == name for row in rows) for name in sorted(makers)}
    held, new = by_slow_sums(counts, dict.fromkeys(counts, past.years))
    for country in sorted({"CHN", "IDN", "COD"} & makers):
        rate = country_rate(past, peril, metal, country)
        assert moments_of(rate) == pytest.approx(held[country], rel=5e-3)
    stranger = country_rate(past, peril, metal, "LUX")
    assert moments_of(stranger) == pytest.approx(new, rel=1e-2)


def test_indonesia_stands_out_with_its_five_stops_of_tin():
    rates = {c: rate_for("export_restriction", "tin", c) for c in ("IDN", "PER", "COD", "CHN")}
    years = (LAST - FIRST).days / 365
    assert 0.5 * 5 / years < rates["IDN"].mean < 6.0 / years
    assert rates["PER"].mean == rates["COD"].mean == rates["CHN"].mean
    assert rates["PER"].mean < rates["IDN"].mean / 10.0


@pytest.mark.parametrize("peril", ["export_restriction", "sanctions"])
def test_a_peril_of_countries_needs_a_country(peril):
    with pytest.raises(InvalidInputError, match=f"country must be given for {peril}"):
        rate_for(peril, "tin")


# --- Armed conflict -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "events"), [(BISIE_SHUT, 1), (dt.date(2025, 3, 20), 2), (dt.date(2025, 6, 1), 2)]
)
def test_conflict_counts_its_stops_over_the_years_of_mines_and_smelters(day, events):
    # E095 in Ukraine, then Bisie.
    exposed = conflict_countries()
    years = 0.0
    for frame in (sr.data.sites(), sr.data.smelters()):
        for row in frame.to_dict("records"):
            begins = FIRST if pd.isna(row["opened"]) else max(row["opened"].date(), FIRST)
            ends = day if pd.isna(row["closed"]) else min(row["closed"].date(), day)
            years += max((ends - begins).days, 0) / 365 if row["country"] in exposed else 0.0
    for country in ("COD", "MMR", "UKR"):
        rate = rate_for("armed_conflict", country=country, as_of=day)
        assert rate.rate_shape == events + 0.5
        assert rate.exposure_years == pytest.approx(years, rel=1e-12)


def test_the_record_of_a_site_moves_its_rate_of_conflict():
    past = past_of(dt.date(2025, 6, 1))
    total = conflict_rate(past, "COD").mean
    bisie, kamoto = (conflict_rate(past, "COD", name).mean for name in ("bisie", "kamoto"))
    assert kamoto < total < bisie
    assert conflict_rate(past, "COD", "unheard").mean == total
    before = past_of(BISIE_SHUT)
    assert conflict_rate(before, "COD", "bisie").mean < conflict_rate(before, "COD").mean * 1.5


@pytest.mark.parametrize("country", ["CHL", None, "Congo", "AUS"])
def test_conflict_is_refused_where_it_reaches_no_site(country):
    with pytest.raises(InvalidInputError, match=r"country must be one where conflict.*COD"):
        rate_for("armed_conflict", country=country)
