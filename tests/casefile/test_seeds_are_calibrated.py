"""The bundled cases hold what the catalogue said on their day, to the digits that are printed."""

from functools import cache

import pandas as pd
import pytest

import supplyrisk as sr
from supplyrisk.data.base_rates import site_rates
from supplyrisk.data.history import history
from supplyrisk.data.lengths import together

SHORTEST_DAYS = 7.0
CALIBRATED = ("rate_pa", "rate_shape", "severity", "duration", "ramp_up")
# What is no fit, and says so in its citation.
ASSUMED = {
    "cobalt-2025": {
        "events.cod-cobalt-ban.severity",
        "events.cod-cobalt-ban.duration",
    },
    "walikale-2025": {
        "hazards.kivu-conflict.rate_pa",
        "hazards.kivu-conflict.rate_shape",
        "hazards.kivu-conflict.severity",
    },
}
# Measures with announced ends: their lengths and severities are read, not fitted.
ANNOUNCED = {"cod-cobalt-ban", "cod-cobalt-quota"}


@pytest.fixture(params=sr.cases())
def case(request):
    return sr.load_case(request.param)


@cache
def fitted(name):
    """Fit as of the day, to a catalogue that ends before it: what came later is not even there."""
    start = sr.load_case(name).start
    rows = sr.data.table("disruptions")
    before = rows[rows["started"] < pd.Timestamp(start)].reset_index(drop=True)
    return sr.data.fit_catalogue(before, as_of=start)


@cache
def rates_at_sites(name, *apart):
    return site_rates(fitted(name).past, sr.load_case(name).commodity, *apart)


def digits(value, n=3):
    return float(f"{value:.{n}g}")


# ----------------------------------------------------------------------------- what is expected


def perils_apart(case):
    """Perils at sites with a hazard of their own; all others stand together as "other"."""
    at_sites = {str(h.peril) for h in case.hazards if h.scope.kind == "site"}
    return tuple(sorted(at_sites - {"other", "armed_conflict"}))


def rounded(length):
    return sr.Duration.lognormal(median_days=digits(length.median_days), sigma=digits(length.sigma))


def length_of(peril, case, fit):
    """Length of a stop; that of "other" is of all perils without a hazard of their own."""
    if peril != "other":
        return rounded(fit.duration_for(peril))
    each, apart = rates_at_sites(case.name).by_peril, perils_apart(case)
    few = {name: rate.mean for name, rate in each.items() if name not in apart}
    return rounded(together(fit.lengths, few))


def severity_of(peril, fit):
    (full, whole), (_, part) = fit.severity_for(peril)
    full = round(full, 2)
    return ((full, whole), (round(1.0 - full, 2), digits(part, 2)))


def ramp_up_of(fit):
    ramp = fit.ramp_up
    return sr.RampUp(
        shape=ramp.shape,
        ramp_days=digits(ramp.ramp_days),
        ramp_sigma=digits(ramp.ramp_sigma),
        max_share_of_outage=ramp.max_share_of_outage,
    )


def rate_of(hazard, case, fit):
    """Frequency of stops of at least 7 days, and the shape of its gamma factor."""
    peril, place = str(hazard.peril), hazard.scope.name
    if hazard.scope.kind == "country":
        rate = fit.rate_for(peril, case.commodity, place)
        return rate.mean, rate.rate_shape
    country = case.site(hazard.scope.site_ids[0] if hazard.scope.site_ids else place).country
    if peril == "armed_conflict":
        own = fit.rate_for(peril, country=country, site_id=place)
        return own.mean, fit.rate_for(peril, country=country).rate_shape
    rates = rates_at_sites(case.name, perils_apart(case))
    shared = rates.by_peril[peril] if rates.has_panel else rates.total
    return rates.by_peril[peril].mean * fit.relative_rate(place).mean, shared.rate_shape


def calibrated(case, fit):
    """Every figure that a fit gives, by its path."""
    held = {}
    perils = {str(part.peril) for part in (*case.hazards, *case.events)}
    lengths = {peril: length_of(peril, case, fit) for peril in perils}
    for hazard in case.hazards:
        path, peril = f"hazards.{hazard.hazard_id}", str(hazard.peril)
        length = lengths[peril]
        # Lengths are drawn without a lower end.
        seen = 1.0 - sr.hazard.residual_life(length, elapsed_days=0).probability_over_within(
            SHORTEST_DAYS
        )
        mean, shape = rate_of(hazard, case, fit)
        values = (digits(mean / seen), digits(shape), severity_of(peril, fit), length)
        values = (*values, ramp_up_of(fit))
        held |= {f"{path}.{name}": v for name, v in zip(CALIBRATED, values, strict=True)}
    for event in case.events:
        if event.event_id not in ANNOUNCED:
            path = f"events.{event.event_id}"
            held[f"{path}.duration"] = lengths[str(event.peril)]
            held[f"{path}.ramp_up"] = ramp_up_of(fit)
    return held


def stated(case):
    held = {
        f"hazards.{hazard.hazard_id}.{name}": getattr(hazard, name)
        for hazard in case.hazards
        for name in CALIBRATED
    }
    for event in case.events:
        for name in ("severity", "duration", "ramp_up"):
            held[f"events.{event.event_id}.{name}"] = getattr(event, name)
    return held


def standing(case, figure):
    """Standing by the nearest citation."""
    covering = [c for c in case.citations if f"{figure}.".startswith(f"{c.path}.")]
    return max(covering, key=lambda citation: len(citation.path)).standing


# ----------------------------------------------------------------------------------------- tests


def test_every_hazard_and_fitted_event_is_that_of_its_day(case):
    expected, found = calibrated(case, fitted(case.name)), stated(case)
    wrong = {
        path: (found[path], value)
        for path, value in expected.items()
        if path not in ASSUMED.get(case.name, set()) and found[path] != value
    }
    assert not wrong


def test_what_is_assumed_instead_is_named(case):
    assumed = {path for path in stated(case) if standing(case, path) == "assumption"}
    assert assumed == ASSUMED.get(case.name, set())


def test_no_row_began_on_its_day_or_later(case):
    past = history(sr.data.table("disruptions"), case.start)
    assert past.stops["started"].max() < pd.Timestamp(case.start)
    # All that counts on the day is in the catalogue that ends before it.
    ids = fitted(case.name).past.stops["disruption_id"].tolist()
    assert past.stops["disruption_id"].tolist() == ids


def test_the_table_of_calibrated_values_has_its_lengths(case):
    table = sr.data.table("calibrated")
    of_day = table[table["as_of"] == pd.Timestamp(case.start)]
    lengths = of_day[of_day["quantity"] == "length"].dropna(subset=["peril"]).set_index("peril")
    (ramp,) = of_day[of_day["quantity"] == "ramp-up"].to_dict("records")
    for hazard in case.hazards:
        # Four digits, rounded again to three, may be off by one in the third.
        assert hazard.ramp_up.ramp_days == pytest.approx(ramp["value"], rel=0.006)
        assert hazard.ramp_up.ramp_sigma == pytest.approx(ramp["spread"], rel=0.006)
        if hazard.peril != "other":
            row = lengths.loc[str(hazard.peril)]
            assert hazard.duration.median_days == pytest.approx(row["value"], rel=0.006)
            assert hazard.duration.sigma == pytest.approx(row["spread"], rel=0.006)


def test_what_all_mines_share_is_drawn_once_for_them_all(case):
    for hazard in case.hazards:
        if hazard.scope.kind == "site" and hazard.peril == "armed_conflict":
            assert hazard.rate_group == "armed-conflict"
        elif hazard.scope.kind == "site" and case.commodity == "cobalt":
            assert hazard.rate_group == "sites"  # no panel: the total is what is unsure
        elif hazard.scope.kind == "site":
            peril = str(hazard.peril).removesuffix("_or_licence")
            assert hazard.rate_group == f"sites-{peril}"
        else:
            assert hazard.rate_group is None
