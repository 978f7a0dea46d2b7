"""No hindsight: what came after a day changes nothing that is calibrated as of it."""

import datetime as dt
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import supplyrisk as sr
from supplyrisk.data import announcements, build_case, calibration, catalogue, fit_catalogue
from supplyrisk.data.announcements import overrun
from supplyrisk.data.base_rates import SiteRates, site_rates
from supplyrisk.data.history import history
from supplyrisk.data.tables import table

BISIE_SHUT = dt.date(2025, 3, 13)
WALIKALE = dt.date(2025, 3, 20)
METALS = ("tin", "copper", "cobalt", None)
PERILS = [str(peril) for peril in sr.Peril]

some_days = st.dates(dt.date(2013, 1, 1), dt.date(2026, 6, 30))
seeds = st.integers(0, 2**32 - 1)


@cache
def bundled(name):
    return sr.load_case(name)


# --- Other histories ----------------------------------------------------------------------


def deleted(day):
    """The catalogue without the rows that began on a day or later."""
    frame = table("disruptions")
    return frame[frame["started"] < pd.Timestamp(day)].reset_index(drop=True)


def altered(day, seed):
    """The catalogue with another history from a day on: other ends, losses, perils and rows."""
    rng = np.random.default_rng(seed)
    frame, moment = table("disruptions"), pd.Timestamp(day)
    later = frame["started"] >= moment
    unseen_since = frame["ended"].isna() & (frame["last_observed"] < moment)
    running = frame["is_stop"] & ~(frame["ended"] < moment) & ~unseen_since & ~later
    for place in frame.index[running]:  # ends later, or never
        seen = moment + pd.Timedelta(days=int(rng.integers(0, 3_000)))
        over = bool(rng.random() < 0.7)
        frame.loc[place, "ended"] = seen if over else pd.NaT
        frame.loc[place, "last_observed"] = pd.NaT if over else seen
        frame.loc[place, "censored"] = not over
        frame.loc[place, "duration_days"] = float((seen - frame.loc[place, "started"]).days)
        frame.loc[place, ["lost_t", "ramp_up_days"]] = rng.uniform(1.0, 500.0, 2)
        if not frame.loc[place, "price_peak_date"] < moment:
            frame.loc[place, "price_peak"] = 1e5
            frame.loc[place, "price_peak_date"] = moment
    to_day = (moment - frame["ended"]).dt.days
    ramping = frame["ramp_up_days"] >= to_day.where(to_day > 0.0)
    frame.loc[ramping, "ramp_up_days"] = to_day[ramping] + rng.uniform(0.0, 500.0, ramping.sum())
    n = int(later.sum())
    frame.loc[later, "peril"] = rng.choice(PERILS, n)
    frame.loc[later, "country"] = rng.choice(["COD", "IDN", "MMR", "CHN"], n)
    frame.loc[later, "commodities"] = rng.choice(["tin", "copper", "cobalt"], n)
    frame.loc[later, "site_id"] = rng.choice(["bisie", "grasberg", "man-maw"], n)
    frame.loc[later, "severity"] = rng.choice([0.3, 0.6, 1.0], n)
    frame.loc[later, "duration_days"] = rng.uniform(7.0, 2_000.0, n)
    frame.loc[later, ["ramp_up_days"]] = rng.uniform(1.0, 500.0, n)
    frame.loc[later, "cluster_id"] = "tohoku-2011"
    frame.loc[later, "is_stop"] = True
    more = frame[later].assign(cluster_id=None)
    more["disruption_id"] = [f"E9{number:03d}" for number in range(n)]
    made = pd.concat([frame, more.astype(frame.dtypes)], ignore_index=True)
    assert len(made) == len(frame) + n
    return made


def assert_same_history(one, other):
    for name in ("stops", "watched", "at_sites", "panels", "places"):
        assert_frame_equal(getattr(one, name), getattr(other, name))
    assert (one.as_of, one.until, one.years) == (other.as_of, other.until, other.years)


def rate_numbers(rate):
    return (rate.rate_shape, rate.exposure_years)


def site_rate_numbers(rates: SiteRates):
    parts = {peril: rate_numbers(rate) for peril, rate in rates.by_peril.items()}
    return rate_numbers(rates.total), parts, dict(rates.counts), rates.n_stops, rates.site_years


def everything(fitted):
    """Every number of a calibration."""
    mines, lengths = fitted.mines, fitted.lengths
    countries = ("CHN", "IDN", "COD", "PER")
    exports = [("export_restriction", metal, c) for metal in METALS for c in countries]
    war = [("armed_conflict", None, c, site) for c, site in [("COD", "bisie"), ("MMR", "man-maw")]]
    war += [("armed_conflict", None, "COD", None)]
    return {
        "lengths": (dict(lengths.fits), lengths.between, lengths.overall, lengths.unseen),
        "marginal": lengths.log_marginal,
        "durations": fitted.durations().to_dict("records"),
        "sites": {metal: site_rate_numbers(site_rates(fitted.past, metal)) for metal in METALS},
        "others": {terms: rate_numbers(fitted.rate_for(*terms)) for terms in [*exports, *war]},
        "mines": (dict(mines.stops), dict(mines.years), dict(mines.expected)),
        "between": rate_numbers(mines.pooled.between),
        "relative": {site: rate_numbers(fitted.relative_rate(site)) for site in mines.stops},
        "severities": fitted.severities.to_dict("records"),
        "hit": {peril: fitted.severity_for(peril) for peril in PERILS},
        "ramps": (fitted.ramps, fitted.ramp_up),
    }


# --- The history of a day -----------------------------------------------------------------


@settings(max_examples=settings().max_examples // 2)
@given(some_days, seeds)
@example(dt.date(2022, 11, 9), 1)  # McArthur River restarts
@example(BISIE_SHUT, 2)
@example(dt.date(2025, 4, 15), 3)  # Bisie restarts
@example(dt.date(2025, 5, 9), 4)  # ... and is back at its full output
@example(dt.date(2011, 3, 12), 5)
def test_the_history_of_a_day_holds_nothing_that_came_later(day, seed):
    real = history(table("disruptions"), day)
    assert_same_history(real, history(deleted(day), day))
    assert_same_history(real, history(altered(day, seed), day))
    for name in ("stops", "watched", "at_sites"):
        rows = getattr(real, name)
        assert (rows["started"] < pd.Timestamp(day)).all()
        assert not (rows["ended"] >= pd.Timestamp(day)).any()
        assert (rows["ended"].notna() | rows["censored"]).all()
    back = real.stops["ended"] + pd.to_timedelta(real.stops["ramp_up_days"], unit="D")
    assert not (back >= pd.Timestamp(day)).any()


def test_another_history_is_another_one_today():
    real, other = table("disruptions"), altered(BISIE_SHUT, 1)
    assert len(other) > len(real) > len(deleted(BISIE_SHUT))
    now, then = history(real), history(other)
    assert len(then.stops) > len(now.stops)
    one, two = (fit_catalogue(rows) for rows in (real, other))
    assert one.duration_for("strike") != two.duration_for("strike")
    assert not one.severities.equals(two.severities)
    assert one.ramps != two.ramps


# --- The whole calibration ----------------------------------------------------------------


def check_calibration(day, seed):
    real = everything(fit_catalogue(as_of=day))
    assert everything(fit_catalogue(deleted(day), as_of=day)) == real
    assert everything(fit_catalogue(altered(day, seed), as_of=day)) == real


@pytest.mark.parametrize("day", [dt.date(2014, 1, 1), BISIE_SHUT])
def test_what_came_after_a_day_changes_no_number_of_its_calibration(day):
    check_calibration(day, day.year)


@pytest.mark.verification
@settings(max_examples=25)  # three fits each
@given(some_days, seeds)
def test_what_came_after_any_day_changes_no_number_of_its_calibration(day, seed):
    check_calibration(day, seed)


# --- Announced lengths --------------------------------------------------------------------


def announced_otherwise(day):
    """Announcements with other ends from a day on, and without those made or begun later."""
    frame, moment = table("announced_durations"), pd.Timestamp(day)
    events = table("disruptions").set_index("disruption_id")
    began, ended = (frame["disruption_id"].map(events[name]) for name in ("started", "ended"))
    running = ~(ended < moment) & ~frame["censored"]
    so_far = (moment - began).dt.days
    frame.loc[running, "actual_days"] = so_far[running] + 777.0
    known = (began < moment) & ~(frame["announced_date"] >= moment)
    frame.loc[~known, "first_announced_days"] = 1_000.0
    return frame


@settings(max_examples=settings().max_examples // 2)
@given(st.dates(dt.date(2020, 10, 1), dt.date(2026, 6, 30)))
@example(dt.date(2025, 2, 23))  # cobalt was stopped on 22 February, announced on the 24th
@example(dt.date(2025, 2, 24))
@example(dt.date(2022, 11, 9))  # the day on which McArthur River restarted
@example(dt.date(2025, 10, 16))
def test_what_came_after_a_day_changes_no_overrun(day):
    real = overrun(day)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(announcements, "table", lambda _: announced_otherwise(day))
        assert overrun(day) == real


def test_an_announcement_counts_from_the_day_after():
    # Cobalt's exports were stopped on 22 February 2025, and for four months as told on the 24th.
    counts = [overrun(dt.date(2025, 2, day)).n_stops for day in (23, 24, 25)]
    assert counts[0] == counts[1] == counts[2] - 1


# --- Cases --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sr.cases())
def test_the_calibration_of_a_bundled_case_rests_on_nothing_later(name):
    start = bundled(name).start
    past = fit_catalogue(as_of=start).past
    moment = pd.Timestamp(start)
    for rows in (past.stops, past.watched, past.at_sites):
        assert (rows["started"] < moment).all()
        assert not (rows["ended"] >= moment).any()
        assert not (rows["last_observed"] > moment).any()
    assert past.until <= start


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "walikale-2025" else pytest.mark.verification)
        for name in sr.cases()
    ],
)
def test_a_case_built_at_the_start_of_a_bundled_one_knows_nothing_later(name):
    start, commodity = bundled(name).start, bundled(name).commodity
    real = build_case(commodity, start=start)
    without = deleted(start)
    calibration._of_bundled.cache_clear()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for module in (calibration, catalogue):
                patch.setattr(
                    module,
                    "table",
                    lambda n: without.copy() if n == "disruptions" else table(n),
                )
            assert build_case(commodity, start=start) == real
    finally:
        calibration._of_bundled.cache_clear()
