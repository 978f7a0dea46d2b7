"""Lengths of stops by peril: slow likelihoods, simulated mixtures, and what every day must hold."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

import supplyrisk as sr
from supplyrisk.data import duration_for, durations_by_peril
from supplyrisk.data.history import stops
from supplyrisk.data.lengths import (
    FEWEST_STOPS,
    length_of_all,
    lognormal_of,
    pooled_lengths,
    table_of_lengths,
    together,
)
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import fit_duration, fit_groups
from supplyrisk.model.duration import Lognormal

BISIE_SHUT = dt.date(2025, 3, 13)
DAYS = [dt.date(2014, 1, 1), BISIE_SHUT, None]
EVERY = [str(peril) for peril in sr.Peril]
COLUMNS = [
    "peril",
    "n_stops",
    "n_censored",
    "median_days",
    "median_low",
    "median_high",
    "sigma",
    "predictive_sigma",
    "q10_days",
    "q90_days",
]


@pytest.fixture(scope="module")
def today():
    return stops()


@pytest.fixture(scope="module")
def fits(today):
    return pooled_lengths(today)


# --- Published values ---------------------------------------------------------------------


def test_a_lognormal_beats_an_exponential_by_far(today):
    fitted = {
        family: fit_duration(today["duration_days"], today["censored"], 7.0, family)
        for family in ("lognormal", "weibull", "exponential")
    }
    assert fitted["exponential"].aic - fitted["lognormal"].aic > 40.0
    assert abs(fitted["weibull"].aic - fitted["lognormal"].aic) < 4.0


@pytest.mark.parametrize("day", DAYS[1:])
def test_regulators_shut_sites_for_longer_than_strikes(day):
    strike, regulator = (duration_for(peril, day) for peril in ("strike", "regulatory_or_licence"))
    assert 3.0 * strike.median_days < regulator.median_days


def test_lengths_of_exports_hold_stops_for_other_causes(today, fits):
    # Indonesia's moratorium of 2011 was for the price, those of 2018 and 2024 by licences.
    exports = today[today["kind"] == "export_restriction"]
    assert {"E029", "E062", "E146"} <= set(exports["disruption_id"])
    assert fits.fit_for("export_restriction").n_stops == len(exports)


# --- Slow ways ----------------------------------------------------------------------------


def slow_fit(frame):
    """Maximum of the censored likelihood above 7 days, by scipy.stats, row by row."""
    days, over = frame["duration_days"].to_numpy(), ~frame["censored"].to_numpy()

    def loss(at):
        length = stats.lognorm(math.exp(at[1]), scale=math.exp(at[0]))
        likelihood = np.where(over, length.logpdf(days), length.logsf(days)) - length.logsf(7.0)
        return -float(likelihood.sum())

    options = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 2_000}
    found = optimize.minimize(loss, [4.0, 0.5], method="Nelder-Mead", options=options)
    return math.exp(found.x[0]), math.exp(found.x[1])


@pytest.mark.parametrize("day", DAYS[1:])
def test_the_length_of_all_is_the_top_of_the_slow_likelihood(day):
    rows = stops(day)
    fit = lognormal_of(length_of_all(rows))
    assert (fit.median_days, fit.sigma) == pytest.approx(slow_fit(rows), rel=1e-3)
    assert (fit.n_stops, fit.n_censored) == (len(rows), int(rows["censored"].sum()))


def test_perils_are_fitted_as_groups_with_their_stops_from_seven_days_on(today, fits):
    expected = fit_groups(
        today["duration_days"].to_numpy(),
        list(today["kind"]),
        today["censored"].to_numpy(),
        np.full(len(today), 7.0),
    )
    assert fits.fits == expected.fits
    assert fits.between == expected.between
    assert fits.between.estimated
    for peril, fit in fits.fits.items():
        rows = today[today["kind"] == peril]
        assert (fit.n_stops, fit.n_censored) == (len(rows), int(rows["censored"].sum()))


def test_perils_with_few_stops_borrow_the_most(today, fits):
    centre = fits.overall.median_days
    by_size = sorted(fits.fits.values(), key=lambda fit: fit.n_stops)
    assert by_size[0].median_error > by_size[-1].median_error
    assert fits.unseen.median_error > max(fit.median_error for fit in fits.fits.values())
    assert fits.unseen.median_days == centre
    medians = [fit.median_days for fit in fits.fits.values()]
    assert min(medians) < centre < max(medians)


# --- Of several perils together -----------------------------------------------------------


def test_stops_of_several_perils_have_the_moments_of_their_mixture(fits):
    rates = {"logistics": 0.02, "pandemic": 0.05, "energy_or_water": 0.04, "sanctions": 0.005}
    rng = np.random.default_rng(7)
    weights = np.array(list(rates.values())) / sum(rates.values())
    parts = [fits.fit_for(peril).predictive for peril in rates]
    which = rng.choice(len(parts), 400_000, p=weights)
    mu = np.log([part.median_days for part in parts])
    sigma = np.array([part.sigma for part in parts])
    logs = rng.normal(mu[which], sigma[which])
    made = together(fits, rates)
    assert math.log(made.median_days) == pytest.approx(logs.mean(), abs=0.02)
    assert made.sigma == pytest.approx(logs.std(), rel=0.01)


rates_by_peril = st.dictionaries(st.sampled_from(EVERY), st.floats(1e-4, 1.0), min_size=1)


@given(rates_by_peril, st.floats(1e-3, 1e3))
def test_stops_together_lie_among_their_parts_whatever_the_unit_of_rates(fits, rates, unit):
    made = together(fits, rates)
    parts = [fits.fit_for(peril).predictive for peril in rates]
    medians = [part.median_days for part in parts]
    assert min(medians) * (1 - 1e-9) <= made.median_days <= max(medians) * (1 + 1e-9)
    assert made.sigma >= min(part.sigma for part in parts) * (1 - 1e-9)
    scaled = together(fits, {peril: rate * unit for peril, rate in rates.items()})
    assert (scaled.median_days, scaled.sigma) == pytest.approx(
        (made.median_days, made.sigma), rel=1e-9
    )
    if len(rates) == 1:
        assert (made.median_days, made.sigma) == pytest.approx(
            (parts[0].median_days, parts[0].sigma), rel=1e-9
        )


def test_one_lognormal_stands_for_the_mixture_of_few_perils(fits):
    # Largest distance of the distribution functions (Kolmogorov), at the rates of copper today.
    few = ("energy_or_water", "logistics", "other", "pandemic")
    rates = {peril: sr.data.rate_for(peril, "copper").mean for peril in few}
    made = together(fits, rates)
    days = np.geomspace(1e-2, 1e6, 20_001)
    mixture = sum(
        rate * stats.lognorm(part.sigma, scale=part.median_days).cdf(days)
        for rate, part in ((rate, fits.fit_for(p).predictive) for p, rate in rates.items())
    ) / sum(rates.values())
    one = stats.lognorm(made.sigma, scale=made.median_days).cdf(days)
    assert np.abs(mixture - one).max() < 0.01


# --- What every day must hold -------------------------------------------------------------


@pytest.mark.parametrize("day", DAYS)
def test_every_peril_has_a_lognormal_length_that_holds_its_uncertainty(day):
    pooled = pooled_lengths(stops(day))
    for peril in EVERY:
        length, fit = duration_for(peril, day), pooled.fit_for(peril)
        assert type(length) is Lognormal
        assert length.median_days == fit.median_days
        assert length.sigma == pytest.approx(math.hypot(fit.sigma, fit.median_error), rel=1e-12)
        assert length.sigma > fit.sigma
        assert 1.0 < length.median_days < 2_000.0
        assert 0.5 < length.sigma < 4.0


def test_far_in_the_future_the_lengths_are_those_of_today():
    for peril in EVERY:
        assert duration_for(peril, dt.date(2100, 1, 1)) == duration_for(peril)


@pytest.mark.parametrize("day", DAYS)
def test_the_table_of_lengths_holds_what_is_simulated(day):
    table = durations_by_peril(day)
    assert list(table.columns) == COLUMNS
    rows = stops(day)
    assert sorted(table["peril"][:-1]) == sorted(set(rows["kind"]))
    assert table["peril"].iloc[-1] == "all"
    assert table["n_stops"].iloc[-1] == len(rows) == table["n_stops"][:-1].sum()
    assert table["n_censored"].iloc[-1] == rows["censored"].sum() == table["n_censored"][:-1].sum()
    for row in table.to_dict("records"):
        length = stats.lognorm(row["predictive_sigma"], scale=row["median_days"])
        assert length.ppf([0.1, 0.9]) == pytest.approx([row["q10_days"], row["q90_days"]])
        spread = math.sqrt(row["predictive_sigma"] ** 2 - row["sigma"] ** 2)
        centre = stats.lognorm(spread, scale=row["median_days"])
        interval = [row["median_low"], row["median_high"]]
        assert centre.ppf([0.05, 0.95]) == pytest.approx(interval, rel=1e-6)
        if row["peril"] != "all":
            length = duration_for(row["peril"], day)
            assert (length.median_days, length.sigma) == (
                row["median_days"],
                row["predictive_sigma"],
            )


def test_the_table_is_typed(today, fits):
    table = table_of_lengths(today, fits)
    assert str(table["peril"].dtype) == str(today["peril"].dtype)
    assert all(pd.api.types.is_integer_dtype(table[name]) for name in ("n_stops", "n_censored"))


# --- Too few ------------------------------------------------------------------------------


@pytest.mark.parametrize("ended", [0, 1, FEWEST_STOPS - 1])
def test_too_few_ended_stops_are_refused(today, ended):
    rows = pd.concat([today[today["censored"]], today[~today["censored"]][:ended]])
    with pytest.raises(InvalidInputError, match=rf"at least 6 stops that had ended \({ended} had"):
        pooled_lengths(rows)


def test_six_ended_stops_are_enough(today):
    rows = today[~today["censored"]][:FEWEST_STOPS]
    assert pooled_lengths(rows).overall.n_stops == FEWEST_STOPS


def test_a_day_with_too_few_stops_behind_it_is_refused():
    with pytest.raises(InvalidInputError, match=r"as_of must leave at least 6 stops .*\(0 had\)"):
        duration_for("strike", dt.date(2006, 1, 1))
