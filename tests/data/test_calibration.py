"""A calibration whole: its thin functions, rows of one's own, and bad input."""

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import supplyrisk as sr
from supplyrisk.data import (
    Calibration,
    build_case,
    calibration,
    duration_for,
    durations_by_peril,
    fit_catalogue,
    rate_for,
)
from supplyrisk.data.base_rates import site_rates
from supplyrisk.data.tables import table
from supplyrisk.errors import InvalidInputError

BISIE_SHUT = dt.date(2025, 3, 13)
EVERY = [str(peril) for peril in sr.Peril]


def own_row(**change):
    terms = {
        "disruption_id": "own-1",
        "name": "A long strike",
        "commodities": "tin",
        "site_id": "san-rafael",
        "scope": "San Rafael",
        "level": "site",
        "stage": "mine",
        "country": "PER",
        "peril": "strike",
        "is_stop": True,
        "started": dt.date(2015, 2, 1),
        "started_precision": "day",
        "ended": dt.date(2018, 2, 1),
        "ended_precision": "day",
        "censored": False,
        "duration_days": 1_096.0,
        "severity": 1.0,
        "confidence": "high",
        "standing": "reported",
        "source_id": "disruption-catalogue",
        "references": "https://example.org/strike",
    }
    return pd.DataFrame([terms | change])


def with_own(*rows):
    return pd.concat([table("disruptions"), *rows], ignore_index=True)


@pytest.fixture(scope="module")
def today():
    return fit_catalogue()


@pytest.fixture(scope="module")
def with_strike():
    return fit_catalogue(with_own(own_row()))


# --- Thin functions -----------------------------------------------------------------------


@pytest.mark.parametrize("day", [BISIE_SHUT, None])
def test_functions_are_the_calibration_of_the_bundled_rows(day):
    fitted = fit_catalogue(as_of=day)
    assert isinstance(fitted, Calibration)
    assert fitted.as_of == day
    for peril in EVERY:
        assert duration_for(peril, day) == fitted.duration_for(peril)
    assert_frame_equal(durations_by_peril(day), fitted.durations())
    for terms in [
        ("strike", "tin"),
        ("strike", "cobalt"),
        ("accident",),
        ("export_restriction", "tin", "IDN"),
        ("armed_conflict", None, "COD"),
    ]:
        one, other = rate_for(*terms, as_of=day), fitted.rate_for(*terms)
        assert (one.mean, one.rate_shape) == (other.mean, other.rate_shape)


def test_fits_of_a_day_are_made_once(today):
    assert fit_catalogue() is today
    assert fit_catalogue(as_of=BISIE_SHUT) is fit_catalogue(as_of=BISIE_SHUT)
    calibration._of_bundled.cache_clear()
    again = fit_catalogue()
    assert again is not today
    assert again.lengths.fits == today.lengths.fits


def test_a_rate_of_a_peril_is_its_part_of_the_total(today):
    for metal in ("tin", "cobalt", None):
        parts = site_rates(today.past, metal).by_peril
        for peril, part in parts.items():
            assert rate_for(peril, metal).mean == part.mean
            assert rate_for(peril, metal, "CHL").mean == part.mean  # wherever the mine lies


def test_the_record_of_a_mine_multiplies_its_rate(today):
    rate, own = rate_for("accident", "copper"), rate_for("accident", "copper", site_id="grasberg")
    factor = today.relative_rate("grasberg")
    assert own.mean == pytest.approx(rate.mean * factor.mean, rel=1e-9)
    spread = (1.0 + 1.0 / rate.rate_shape) * (1.0 + 1.0 / factor.rate_shape)
    assert 1.0 + 1.0 / own.rate_shape == pytest.approx(spread, rel=1e-9)
    nobody = rate_for("accident", "copper", site_id="our-mine")
    assert nobody.mean == pytest.approx(rate.mean, rel=1e-12)
    assert nobody.rate_shape < rate.rate_shape


def test_a_member_of_the_enumeration_is_as_good_as_its_name():
    assert duration_for(sr.Peril.STRIKE) == duration_for("strike")
    assert rate_for(sr.Peril.STRIKE, "tin").mean == rate_for("strike", "tin").mean
    fitted = fit_catalogue()
    assert fitted.severity_for(sr.Peril.STRIKE) == fitted.severity_for("strike")


def test_severities_and_ramp_ups_are_those_of_the_tables(today):
    shares = today.severities.set_index("peril")["full_share"]
    for peril in EVERY:
        (p, whole), (q, part) = today.severity_for(peril)
        assert p == shares.get(peril, shares["new peril"])
        assert (whole, p + q) == (1.0, pytest.approx(1.0))
        assert 0.25 <= part < 1.0
    assert today.ramp_up.ramp_days == today.ramps.median_days


# --- Rows of one's own --------------------------------------------------------------------


@pytest.mark.parametrize("day", [BISIE_SHUT, None])
def test_the_bundled_rows_as_ones_own_give_the_same(day):
    one, other = (fit_catalogue(rows, as_of=day) for rows in (None, table("disruptions")))
    assert one.lengths.fits == other.lengths.fits
    assert one.lengths.between == other.lengths.between
    assert one.mines.stops == other.mines.stops
    assert one.mines.expected == other.mines.expected
    assert_frame_equal(one.severities, other.severities)
    assert one.ramps == other.ramps
    assert_frame_equal(one.past.stops, other.past.stops)


def test_a_long_strike_makes_strikes_longer_and_more_frequent(today, with_strike):
    before, after = (fit.lengths.fit_for("strike") for fit in (today, with_strike))
    assert after.n_stops == before.n_stops + 1
    assert after.median_days > 1.1 * before.median_days
    counts = [site_rates(fit.past, "tin").counts["strike"] for fit in (today, with_strike)]
    assert counts[1] == counts[0] + 1
    for peril, more in [("strike", True), ("accident", False)]:
        rates = [fit.rate_for(peril, "tin").mean for fit in (today, with_strike)]
        assert (rates[1] > 1.05 * rates[0]) == more
    assert with_strike.mines.stops["san-rafael"] == today.mines.stops["san-rafael"] + 1
    factors = [fit.relative_rate("san-rafael").mean for fit in (today, with_strike)]
    assert factors[1] > factors[0]


def test_a_row_of_a_later_day_changes_nothing(today):
    later = own_row(started=BISIE_SHUT, ended=dt.date(2025, 6, 1), duration_days=80.0)
    then = fit_catalogue(with_own(later), as_of=BISIE_SHUT)
    assert then.lengths.fits == fit_catalogue(as_of=BISIE_SHUT).lengths.fits
    assert fit_catalogue(with_own(later)).lengths.fits != today.lengths.fits


def test_a_stop_running_on_the_day_is_a_lower_bound():
    fitted = fit_catalogue(with_own(own_row()), as_of=dt.date(2016, 2, 1))
    row = fitted.past.stops.set_index("disruption_id").loc["own-1"]
    assert (row["censored"], row["duration_days"]) == (True, 365.0)


def test_a_panel_of_ones_own_gives_a_metal_its_own_rate(with_strike):
    panels = table("panels")
    tin = fit_catalogue(panels=panels[panels["commodity"] == "tin"])
    n = site_rates(fit_catalogue().past, "tin").n_stops
    total = site_rates(tin.past, "tin").total
    assert (total.rate_shape, total.exposure_years) == (n + 0.5, pytest.approx(259.0))
    assert site_rates(tin.past, "copper").has_panel is False
    cobalt = panels.iloc[[0]].assign(commodity="cobalt", nodes=4, node_years=80.0)
    three = fit_catalogue(panels=pd.concat([panels, cobalt], ignore_index=True))
    own, new = (site_rates(fit.past, "cobalt") for fit in (three, fit_catalogue()))
    assert (own.has_panel, new.has_panel) == (True, False)
    assert own.total.rate_shape > new.total.rate_shape  # known better than that of a new metal
    assert own.site_years == pytest.approx(80.0)


def test_more_years_in_the_panel_lower_the_rate(with_strike):
    panels = table("panels")
    wider = panels.assign(node_years=2.0 * panels["node_years"])
    for metal in ("tin", "copper", None):
        rates = [
            site_rates(fit.past, metal).total.mean
            for fit in (fit_catalogue(), fit_catalogue(panels=wider))
        ]
        assert rates[1] == pytest.approx(rates[0] / 2.0, rel=0.05)


def test_a_case_can_be_built_of_ones_own_rows(with_strike):
    start = dt.date(2025, 3, 20)
    fitted = fit_catalogue(with_own(own_row()), as_of=start)
    ours, theirs = (build_case("tin", start=start, calibration=c) for c in (fitted, None))
    hazards = [
        next(hazard for hazard in case.hazards if hazard.hazard_id == "san-rafael-strike")
        for case in (ours, theirs)
    ]
    assert hazards[0].rate_pa > hazards[1].rate_pa
    assert hazards[0].duration.median_days > hazards[1].duration.median_days


# --- Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [[], {}, "disruptions", 3, own_row().to_dict("records")])
def test_what_is_no_frame_is_no_catalogue(rows):
    with pytest.raises(TypeError, match="rows must be"):
        fit_catalogue(rows)
    with pytest.raises(TypeError, match="panels must be"):
        fit_catalogue(panels=rows)


@pytest.mark.parametrize(
    ("change", "column", "rule"),
    [
        ({"peril": "strikes"}, "peril", "must be one of"),
        ({"started": None}, "started", "must be given"),
        ({"duration_days": "long"}, "duration_days", "must be a"),
        ({"severity": 1.5}, "severity", r"must lie in \[0, 1\]"),
        ({"is_stop": "perhaps"}, "is_stop", "must be"),
    ],
)
def test_a_row_with_a_fault_is_refused_with_its_label_and_column(change, column, rule):
    rows = pd.concat([table("disruptions"), own_row(**change)])
    rows.index = [*[f"bundled {number}" for number in range(len(rows) - 1)], "mine"]
    with pytest.raises(InvalidInputError, match=f"mine.*column {column} {rule}") as caught:
        fit_catalogue(rows)
    assert "bundled" not in str(caught.value).replace("bundled commodit", "")


def test_a_missing_column_and_a_repeated_row_are_refused():
    with pytest.raises(InvalidInputError, match="peril"):
        fit_catalogue(table("disruptions").drop(columns="peril"))
    with pytest.raises(InvalidInputError, match=r"must not repeat the disruption_id"):
        fit_catalogue(with_own(own_row(disruption_id="E131")))


def test_a_panel_with_a_fault_is_refused():
    panels = table("panels")
    with pytest.raises(InvalidInputError, match="column node_years must be"):
        fit_catalogue(panels=panels.assign(node_years=0.0))
    with pytest.raises(InvalidInputError, match="must not repeat the commodity"):
        fit_catalogue(panels=pd.concat([panels, panels]))


def test_rows_without_enough_stops_are_refused():
    with pytest.raises(InvalidInputError, match=r"at least 6 stops that had ended \(0 had\)"):
        fit_catalogue(table("disruptions").iloc[:0])


@pytest.mark.parametrize(
    "function", [duration_for, rate_for, lambda peril: fit_catalogue().severity_for(peril)]
)
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


@pytest.mark.parametrize("country", ["Congo", "XX", "ID", "idn", "", "WLD"])
def test_what_is_no_code_of_a_country_is_refused(country):
    with pytest.raises(InvalidInputError, match="country"):
        rate_for("export_restriction", "tin", country)


@pytest.mark.parametrize("bad", ["2025-03-13", pd.Timestamp(2025, 3, 13, 12), 2025])
def test_what_is_no_date_is_refused(bad):
    for function in (duration_for, rate_for):
        with pytest.raises(InvalidInputError, match="as_of must be a date"):
            function("strike", as_of=bad)
