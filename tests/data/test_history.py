"""What a calibration rests on: stops and years, counted again row by row."""

import datetime as dt
from functools import cache

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.data.history import (
    COUNTRY_PERILS,
    SITE_PERILS,
    conflict_countries,
    history,
    of_metals,
    stops,
)
from supplyrisk.data.tables import table
from supplyrisk.errors import InvalidInputError

BISIE_SHUT = dt.date(2025, 3, 13)
DAYS = [dt.date(2014, 1, 1), BISIE_SHUT, dt.date(2026, 3, 2), None]

some_days = st.dates(dt.date(2005, 6, 1), dt.date(2026, 12, 31))
fewer = settings(max_examples=settings().max_examples // 2)


@cache
def past_of(day):
    return history(table("disruptions"), day)


def counted(day):
    """Ids of the stops that count on a day, one row after the other."""
    moment = pd.Timestamp(day) if day else pd.Timestamp.max
    ids, clusters = [], set()
    for row in table("disruptions").to_dict("records"):
        if not row["is_stop"] or row["started"] >= moment:
            continue
        seen = row["last_observed"] if pd.isna(row["ended"]) else row["ended"]
        if (min(seen, moment) - row["started"]).days < 7 or row["severity"] < 0.25:
            continue
        if isinstance(row["cluster_id"], str):
            if row["cluster_id"] in clusters:
                continue
            clusters.add(row["cluster_id"])
        ids.append(row["disruption_id"])
    return ids


def ids_of(frame):
    return frame["disruption_id"].tolist()


def of_exports(past):
    return past.watched[past.watched["kind"] == "export_restriction"]


# --- Published rows -----------------------------------------------------------------------


def test_when_bisie_was_shut_one_closure_by_armed_conflict_was_known():
    # The refinery at Mykolaiv; the four of 2025 and 2026 came later.
    for day, known in [
        (BISIE_SHUT, ["E095"]),
        (dt.date(2025, 3, 20), ["E095", "E131"]),
    ]:
        rows = past_of(day).stops
        war = rows[rows["peril"] == "armed_conflict"]
        assert ids_of(war) == known
        assert war["censored"].all()
    assert (past_of(BISIE_SHUT).stops["started"] < pd.Timestamp(BISIE_SHUT)).all()


def test_indonesia_has_stopped_its_tin_five_times():
    # The moratorium of 2011, trade through one exchange in 2013, licences in 2015, the bank's
    # surveyors in 2018 and work plans in 2024: whatever the cause, exports stood still.
    tin = of_metals(of_exports(past_of(None)), ["tin"])
    assert sorted(ids_of(tin)) == ["E029", "E040", "E045", "E062", "E146"]
    assert set(tin["country"]) == {"IDN"}
    assert set(tin["peril"]) == {"price_curtailment", "export_restriction", "regulatory_or_licence"}
    assert not set(ids_of(tin)) & set(ids_of(past_of(None).at_sites))


def test_an_export_licence_of_one_mine_is_a_stop_of_exports():
    # E054, Grasberg's concentrate in 2017.
    past = past_of(None)
    assert "E054" in ids_of(of_exports(past))
    assert "E054" not in ids_of(past.at_sites)


def test_a_stop_after_the_years_of_the_panels_has_a_length_and_no_rate():
    # E141, a strike at a copper mine, began on 2 January 2026.
    for day in (dt.date(2026, 3, 2), None):
        assert "E141" in ids_of(past_of(day).stops)
        assert "E141" not in ids_of(past_of(day).watched)


# --- Counted again ------------------------------------------------------------------------


@fewer
@given(some_days)
@example(BISIE_SHUT)
@example(dt.date(2025, 3, 20))
def test_stops_are_those_that_a_slow_count_finds(day):
    past = past_of(day)
    assert ids_of(past.stops) == counted(day) == ids_of(stops(day))
    first, last = pd.Timestamp(2005, 1, 1), pd.Timestamp(2025, 12, 31)
    within = past.stops["started"].between(first, last)
    assert ids_of(past.watched) == ids_of(past.stops[within])


@fewer
@given(some_days)
def test_a_stop_of_a_country_is_no_stop_of_its_sites(day):
    past = past_of(day)
    exports, at_sites = set(ids_of(of_exports(past))), set(ids_of(past.at_sites))
    assert not exports & at_sites
    left = past.watched[~past.watched["disruption_id"].isin(exports | at_sites)]
    assert set(left["kind"]) <= {"armed_conflict", "sanctions"}
    of_others = past.stops[past.stops["kind"] != "export_restriction"]
    assert (of_others["kind"] == of_others["peril"]).all()
    for row in of_exports(past).to_dict("records"):
        whole = (row["level"], row["stage"]) == ("country", "export")
        assert whole or row["peril"] == "export_restriction"
    assert not ((past.at_sites["level"] == "country") & (past.at_sites["stage"] == "export")).any()
    assert set(past.at_sites["peril"]) <= set(SITE_PERILS)


def test_every_peril_belongs_to_sites_to_countries_or_to_war():
    parts = [set(SITE_PERILS), set(map(str, COUNTRY_PERILS)), {"armed_conflict"}]
    assert set.union(*parts) == {str(peril) for peril in sr.Peril}
    assert sum(map(len, parts)) == len(sr.Peril)


@given(st.lists(st.sampled_from(["tin", "copper", "zinc", "cobalt", "unheard"]), unique=True))
def test_rows_of_metals_name_one_of_them(wanted):
    rows = past_of(None).stops
    expected = [
        row["disruption_id"]
        for row in rows.to_dict("records")
        if isinstance(row["commodities"], str)
        and any(name in wanted for name in row["commodities"].split(";"))
    ]
    assert ids_of(of_metals(rows, wanted)) == expected


# --- Years --------------------------------------------------------------------------------


def test_the_years_of_the_panels_are_theirs_at_their_end():
    assert past_of(None).panel_years() == {"copper": 429.0, "tin": 259.0}
    assert past_of(dt.date(2030, 1, 1)).panel_years() == {"copper": 429.0, "tin": 259.0}


@fewer
@given(some_days)
def test_the_years_of_the_panels_grow_evenly(day):
    watched = (min(day, dt.date(2025, 12, 31)) - dt.date(2005, 1, 1)).days
    past = past_of(day)
    assert past.years == pytest.approx(watched / 365, rel=1e-12)
    whole = (dt.date(2025, 12, 31) - dt.date(2005, 1, 1)).days
    for metal, years in {"tin": 259.0, "copper": 429.0}.items():
        assert past.panel_years()[metal] == pytest.approx(years * watched / whole, rel=1e-12)


@pytest.mark.parametrize("day", DAYS)
def test_years_of_places_run_from_opening_to_closing(day):
    past = past_of(day)
    years = past.place_years(past.places)
    last = min(day or dt.date(2025, 12, 31), dt.date(2025, 12, 31))
    assert len(years) == len(sr.data.sites()) + len(sr.data.smelters())
    for row in past.places.to_dict("records"):
        begins = dt.date(2005, 1, 1) if pd.isna(row["opened"]) else row["opened"].date()
        begins = max(begins, dt.date(2005, 1, 1))
        ends = last if pd.isna(row["closed"]) else min(row["closed"].date(), last)
        expected = max((ends - begins).days, 0) / 365
        assert years[row["place_id"]] == pytest.approx(expected, abs=1e-12), row["place_id"]


def test_koba_counts_until_it_closed_and_bisie_since_it_opened():
    past = past_of(None)
    years = past.place_years(past.places)
    # PT Koba Tin stopped on 31 August 2013; the panels begin with 2005 and end with 2025.
    assert years["koba"] == (dt.date(2013, 8, 31) - dt.date(2005, 1, 1)).days / 365
    opened = sr.data.sites().set_index("site_id").loc["bisie", "opened"].date()
    assert opened.year in {2018, 2019}
    assert years["bisie"] == (dt.date(2025, 12, 31) - opened).days / 365


def test_no_mine_stopped_while_it_was_not_open():
    past = past_of(None)
    places = past.places.set_index("place_id")
    at_places = past.at_sites[past.at_sites["site_id"].isin(places.index)]
    assert len(at_places) > 40
    for row in at_places.to_dict("records"):
        place = places.loc[row["site_id"]]
        assert not row["started"] < place["opened"], row["disruption_id"]
        assert not row["started"] > place["closed"], row["disruption_id"]


def test_conflict_reaches_sites_in_countries_of_low_political_stability_alone():
    stability = sr.data.governance().set_index("country")["political_stability"]
    exposed = conflict_countries()
    assert exposed == {country for country, value in stability.items() if value < -1.0}
    assert {"COD", "MMR", "UKR"} <= exposed
    assert not exposed & {"AUS", "CHL", "CHN", "PER"}


# --- Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize("day", [dt.date(2005, 1, 1), dt.date(1990, 1, 1)])
def test_a_day_before_the_panels_is_refused(day):
    with pytest.raises(InvalidInputError, match="after the first day of the catalogue, 2005-01-01"):
        history(table("disruptions"), day)


@pytest.mark.parametrize("bad", ["2025-03-13", pd.Timestamp(2025, 3, 13, 12), 2025])
def test_what_is_no_date_is_refused(bad):
    with pytest.raises(InvalidInputError, match="as_of must be a date"):
        history(table("disruptions"), bad)


def test_panels_of_unequal_days_are_refused():
    # Stops are counted from the first day to the last: over a shorter panel they would be too many.
    panels = table("panels")
    panels.loc[panels["commodity"] == "tin", "first_day"] = pd.Timestamp(2015, 1, 1)
    rule = "column first_day must be one day for all panels, got '2005-01-01, 2015-01-01'"
    with pytest.raises(InvalidInputError, match=rule):
        sr.data.fit_catalogue(panels=panels)


def test_panels_of_no_days_or_no_rows_are_refused():
    panels = table("panels")
    with pytest.raises(InvalidInputError, match="panels must hold at least one row"):
        sr.data.fit_catalogue(panels=panels.iloc[:0])
    with pytest.raises(InvalidInputError, match=r"must be after first_day \(2005-01-01\)"):
        sr.data.fit_catalogue(panels=panels.assign(last_day=panels["first_day"]))
