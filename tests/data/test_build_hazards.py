"""What may stop the sites of a built case: rates, groups, severities and what is not recorded."""

import datetime as dt
import math
from functools import cache

import numpy as np
import pytest

import supplyrisk as sr
from supplyrisk.data import build_case, fit_catalogue
from supplyrisk.data.base_rates import site_rates
from supplyrisk.data.history import SITE_PERILS, conflict_countries
from supplyrisk.data.tables import table
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import corrected, short_stops
from supplyrisk.hazard.durations import limited_mean, survival

MARCH_2025 = dt.date(2025, 3, 20)
OF_COUNTRIES = {sr.Peril.EXPORT_RESTRICTION, sr.Peril.SANCTIONS}
FEW = [
    ("tin", MARCH_2025),
    ("copper", dt.date(2024, 6, 3)),
    ("cobalt", dt.date(2025, 9, 22)),
    ("gallium", dt.date(2026, 3, 2)),
]
MANY = [
    (commodity, day)
    for commodity in sorted(set(table("production")["commodity"]))
    for day in (MARCH_2025, dt.date(2026, 3, 2))
    if (commodity, day) not in FEW
]
of_cases = pytest.mark.parametrize(
    ("commodity", "day"),
    [*FEW, *(pytest.param(*pair, marks=pytest.mark.verification) for pair in MANY)],
)


@cache
def built(commodity, day, unrecorded="left out"):
    return build_case(commodity, start=day, unrecorded=unrecorded)


def at_site(case, site_id):
    return [h for h in case.hazards if h.scope == sr.Scope.site(site_id)]


def of_a_week(hazard):
    """Rate of stops of at least seven days."""
    return hazard.rate_pa * float(survival(hazard.duration, 7.0))


# --- Rates --------------------------------------------------------------------------------


@of_cases
def test_a_peril_of_countries_is_not_at_sites_again(commodity, day):
    case = built(commodity, day)
    at_countries = [hazard for hazard in case.hazards if hazard.scope.kind == "country"]
    at_sites = [hazard for hazard in case.hazards if hazard.scope.kind == "site"]
    assert len(at_countries) + len(at_sites) == len(case.hazards)
    assert {hazard.peril for hazard in at_countries} == {sr.Peril.EXPORT_RESTRICTION}
    assert not {hazard.peril for hazard in at_sites} & OF_COUNTRIES
    hit = [hazard.scope.name for hazard in at_countries]
    assert sorted(hit) == sorted({site.country for site in case.sites} - {"ZZZ"})
    for site in case.sites:
        perils = [hazard.peril for hazard in at_site(case, site.site_id)]
        assert len(perils) == len(set(perils))


@of_cases
def test_rates_of_stops_of_a_week_are_the_calibrated_ones(commodity, day):
    case, fitted = built(commodity, day), fit_catalogue(as_of=day)
    lengths = fitted.lengths
    typical = {peril: fitted.rate_for(peril, commodity).mean for peril in SITE_PERILS}
    of_all = site_rates(fitted.past, commodity).total.mean
    for site in case.sites:
        factor = fitted.relative_rate(site.site_id).mean
        few = 0.0
        hazards = {hazard.peril: hazard for hazard in at_site(case, site.site_id)}
        for peril in SITE_PERILS:
            rate = typical[peril] * factor
            own = peril != "other" and lengths.fit_for(peril).n_stops >= 6
            assert (sr.Peril(peril) in hazards) == (own or peril == "other")
            if own:
                assert of_a_week(hazards[sr.Peril(peril)]) == pytest.approx(rate, rel=1e-3)
                duration, length = hazards[sr.Peril(peril)].duration, fitted.duration_for(peril)
                assert duration.median_days == pytest.approx(length.median_days, rel=1e-3)
                assert duration.sigma == pytest.approx(length.sigma, rel=1e-3)
            else:
                few += rate
        assert of_a_week(hazards[sr.Peril.OTHER]) == pytest.approx(few, rel=1e-3)
        war = hazards.pop(sr.Peril.ARMED_CONFLICT, None)
        assert sum(map(of_a_week, hazards.values())) == pytest.approx(of_all * factor, rel=1e-3)
        assert (war is not None) == (site.country in conflict_countries())
        if war is not None:
            rate = fitted.rate_for("armed_conflict", None, site.country, site.site_id)
            assert of_a_week(war) == pytest.approx(rate.mean, rel=1e-3)


@of_cases
def test_stops_of_exports_have_the_rate_of_their_country(commodity, day):
    case, fitted = built(commodity, day), fit_catalogue(as_of=day)
    for hazard in case.hazards:
        if hazard.scope.kind == "country":
            rate = fitted.rate_for("export_restriction", commodity, hazard.scope.name)
            assert of_a_week(hazard) == pytest.approx(rate.mean, rel=1e-3)
            assert hazard.rate_shape == pytest.approx(rate.rate_shape, rel=1e-3)
            assert hazard.rate_group is None


@of_cases
def test_a_mine_without_a_record_has_the_typical_rate_and_no_word_of_its_own(commodity, day):
    case = built(commodity, day)
    known = set(fit_catalogue(as_of=day).mines.stops)
    for citation in case.citations:
        if citation.path.startswith("hazards.") and "own record pooled" not in citation.note:
            named = any(citation.path.startswith(f"hazards.{name}-") for name in known)
            assert ("own record" in citation.note) <= named, citation


# --- What sites share ---------------------------------------------------------------------


@of_cases
def test_hazards_of_one_group_share_one_shape(commodity, day):
    case, fitted = built(commodity, day), fit_catalogue(as_of=day)
    groups = {}
    for hazard in case.hazards:
        if hazard.rate_group:
            groups.setdefault(hazard.rate_group, set()).add(hazard.rate_shape)
    assert all(len(shapes) == 1 for shapes in groups.values()), groups
    sites = {name: shapes for name, shapes in groups.items() if name.startswith("sites")}
    rates = site_rates(fitted.past, commodity)
    assert rates.has_panel == (commodity in {"tin", "copper"})
    if rates.has_panel:  # shares of perils are less sure than the total: a draw for each
        perils = {str(h.peril) for h in case.hazards if h.rate_group in sites}
        assert set(sites) == {f"sites-{peril.replace('_', '-')}" for peril in perils}
        for peril in perils - {"other"}:
            (shape,) = sites[f"sites-{peril.replace('_', '-')}"]
            assert shape == pytest.approx(rates.by_peril[peril].rate_shape, rel=1e-3)
    else:
        assert sites == {"sites": {float(f"{rates.total.rate_shape:.4g}")}}
    if "armed-conflict" in groups:
        (shape,) = groups["armed-conflict"]
        events = fitted.past.watched
        events = events[(events["kind"] == "armed_conflict")]
        assert shape == events["country"].isin(conflict_countries()).sum() + 0.5


def test_draws_by_peril_give_the_total_back_its_variance():
    # Shares of perils are independent draws in a case, so that sum m^2 / s stands for the squared
    # coefficient of variation of the total; for a new metal it would be a fifth of it.
    for commodity, day in FEW[:3]:
        fitted = fit_catalogue(as_of=day)
        apart = {str(h.peril) for h in built(commodity, day).hazards} & set(SITE_PERILS)
        rates = site_rates(fitted.past, commodity, apart)
        parts = sum(rate.mean**2 / rate.rate_shape for rate in rates.by_peril.values())
        ratio = parts / rates.total.mean**2 * rates.total.rate_shape
        if rates.has_panel:
            assert 0.88 < ratio < 1.12
        else:
            assert ratio < 0.3


# --- Severities, lengths and ramp-ups -----------------------------------------------------


@of_cases
def test_a_stop_hits_the_whole_site_or_a_part_of_it(commodity, day):
    case, fitted = built(commodity, day), fit_catalogue(as_of=day)
    for hazard in case.hazards:
        (p, whole), (q, part) = hazard.severity
        assert (whole, p + q) == (1.0, pytest.approx(1.0))
        (full, _), (_, level) = fitted.severity_for(hazard.peril)
        assert (p, part) == pytest.approx((full, level), rel=1e-3)
        assert type(hazard.duration).__name__ == "Lognormal"
        assert hazard.ramp_up.ramp_sigma > 0.0
        assert hazard.ramp_up.ramp_days == pytest.approx(fitted.ramp_up.ramp_days, rel=1e-3)
        assert hazard.ramp_up.max_share_of_outage == 0.73


@pytest.mark.parametrize("unrecorded", ["rates", "short stops"])
@pytest.mark.parametrize(("commodity", "day"), FEW[:3:2])
def test_a_case_of_any_kind_is_written_and_read_again(commodity, day, unrecorded, tmp_path):
    case = built(commodity, day, unrecorded)
    sr.save_case(case, tmp_path / "case.toml")
    assert sr.load_case(tmp_path / "case.toml") == case


# --- What the catalogue does not hold -----------------------------------------------------


@pytest.mark.parametrize(("commodity", "day"), FEW[:3:2])
def test_rates_are_multiplied_for_what_is_not_recorded(commodity, day):
    plain, more = built(commodity, day), built(commodity, day, "rates")
    fitted = fit_catalogue(as_of=day)
    total = corrected(site_rates(fitted.past, commodity).total)
    before = {hazard.hazard_id: hazard for hazard in plain.hazards}
    assert list(before) == [hazard.hazard_id for hazard in more.hazards]
    for hazard in more.hazards:
        was = before[hazard.hazard_id]
        if hazard.peril in OF_COUNTRIES | {sr.Peril.ARMED_CONFLICT}:
            assert hazard == was
            continue
        factor = 2.4 * math.exp(0.35**2 / 2.0)
        assert hazard.rate_pa == pytest.approx(factor * was.rate_pa, rel=1e-3)
        assert hazard.rate_group == "sites"
        assert hazard.rate_shape == pytest.approx(total.rate_shape, rel=1e-3)
        assert (hazard.duration, hazard.severity) == (was.duration, was.severity)


def test_short_stops_are_a_hazard_of_their_own_for_each_site():
    plain, more = built("tin", MARCH_2025), built("tin", MARCH_2025, "short stops")
    ids = {hazard.hazard_id for hazard in plain.hazards}
    assert [h for h in more.hazards if h.hazard_id in ids] == list(plain.hazards)
    added = [hazard for hazard in more.hazards if hazard.hazard_id not in ids]
    assert added == [short_stops(site.site_id) for site in more.sites]
    for hazard in added:
        mean = float(limited_mean(hazard.duration, 7.0))
        assert 1.0 - math.exp(-hazard.rate_pa * mean / 365.0) == pytest.approx(0.0275, rel=1e-9)
    standing = {c.path: c.standing for c in more.citations}
    assert {standing[f"hazards.{hazard.hazard_id}"] for hazard in added} == {"assumption"}


def test_what_is_not_recorded_costs_more_whichever_way():
    lost = [
        sr.simulate(built("tin", MARCH_2025, way), 500, rng=7).lost_t.mean()
        for way in ("left out", "rates", "short stops")
    ]
    assert lost[0] < min(lost[1:])
    assert np.isfinite(lost).all()


@pytest.mark.parametrize("unrecorded", ["all", "", None, "left_out"])
def test_an_unknown_way_to_allow_for_it_is_refused(unrecorded):
    with pytest.raises(InvalidInputError, match="unrecorded must be one of left out, rates, short"):
        build_case("tin", start=MARCH_2025, unrecorded=unrecorded)


# --- A calibration of one's own -----------------------------------------------------------


def hindsight(case):
    return [note for note in case.not_quantified if "rates and lengths are" in note]


def test_a_calibration_of_a_later_day_is_called_hindsight():
    later = dt.date(2025, 6, 2)
    for day, said in [
        (None, ["Hindsight: rates and lengths are of all rows."]),
        (later, ["Hindsight: rates and lengths are as of 2025-06-02."]),
        (MARCH_2025, []),
    ]:
        fitted = fit_catalogue(as_of=day)
        case = build_case("tin", start=MARCH_2025, sites="countries", calibration=fitted)
        assert hindsight(case) == said
    assert hindsight(built("tin", MARCH_2025)) == []


def test_the_calibration_of_the_start_is_the_default():
    fitted = fit_catalogue(as_of=MARCH_2025)
    assert build_case("tin", start=MARCH_2025, calibration=fitted) == built("tin", MARCH_2025)


@pytest.mark.parametrize("bad", ["now", 3, dt.date(2025, 3, 20)])
def test_what_is_no_calibration_is_refused(bad):
    with pytest.raises(TypeError, match="calibration must be"):
        build_case("tin", start=MARCH_2025, calibration=bad)
