"""What may stop the sites of a case, and what had stopped them, by the catalogue as of a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import pandas as pd

from supplyrisk import _countries
from supplyrisk.data._plan import ASSUMPTIONS
from supplyrisk.data.base_rates import OTHER, site_rates
from supplyrisk.data.catalogue import known_on
from supplyrisk.data.history import SHORTEST_DAYS, SITE_PERILS, conflict_countries
from supplyrisk.data.lengths import FEWEST_STOPS, together
from supplyrisk.hazard.durations import survival
from supplyrisk.hazard.rates import Rate, corrected
from supplyrisk.hazard.short_stops import short_stops
from supplyrisk.model.duration import Duration
from supplyrisk.model.evidence import Citation
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplyrisk.data.calibration import Calibration
    from supplyrisk.model.duration import Lognormal
    from supplyrisk.model.site import MineSite

CATALOGUE: Final = "disruption-catalogue"
SEEN_WITHIN_DAYS: Final = 365
"""Age of the last report of a stop beyond which it is not taken to be running. [d]"""
UNRECORDED: Final = ("left out", "rates", "short stops")


class _Threat(NamedTuple):
    """A peril as it strikes every site of a case."""

    peril: Peril
    rate_pa: float
    shape: float
    group: str
    length: Lognormal
    note: str


def hazards(
    commodity: str, sites: Iterable[MineSite], fitted: Calibration, unrecorded: str
) -> tuple[tuple[Hazard, ...], tuple[Citation, ...]]:
    """Hazards of every site and country of a case, with their citations.

    Parameters
    ----------
    commodity : str
        Commodity of the case.
    sites : iterable of MineSite
        Its sites.
    fitted : Calibration
        Rates, lengths, severities and ramp-ups as of the day of the case.
    unrecorded : str
        What is done about losses that the catalogue does not hold, see `build_case`.

    Returns
    -------
    tuple of tuple of Hazard and tuple of Citation
        The hazards, and a citation for each.

    Notes
    -----
    Perils with few stops are one hazard ``other`` of their summed rate. Rates count stops of at
    least 7 days, and the lengths are drawn without a lower end, so each rate is divided by the
    probability of 7 days.
    """
    made: list[Hazard] = []
    cited: list[Citation] = []
    held = tuple(sites)
    threats = _threats(commodity, fitted, corrects=unrecorded == "rates")
    exposed = conflict_countries()
    for site in held:
        factor = fitted.relative_rate(site.site_id).mean
        for threat in threats:
            made.append(
                Hazard(
                    hazard_id=f"{site.site_id}-{_dashed(threat.peril)}",
                    peril=threat.peril,
                    scope=Scope.site(site.site_id),
                    rate_pa=_short(threat.rate_pa * factor),
                    severity=_severity(fitted, threat.peril),
                    duration=threat.length,
                    ramp_up=_ramp_up(fitted),
                    rate_shape=_short(threat.shape),
                    rate_group=threat.group,
                )
            )
            own = f", times {factor:.2f} for the mine's own record" if factor != 1.0 else ""
            cited.append(_citation(made[-1], f"{threat.note}{own}"))
        if site.country in exposed:
            made.append(_conflict_hazard(site, fitted))
            note = "stops over the years of mines and smelters in countries of low stability"
            cited.append(_citation(made[-1], f"{note}; {_of(fitted, Peril.ARMED_CONFLICT)}"))
        if unrecorded == "short stops":
            made.append(short_stops(site.site_id))
            path = f"hazards.{made[-1].hazard_id}"
            note = "what analysts allow for beyond the catalogue; rate and length are assumptions"
            cited.append(
                Citation(path=path, source_id=ASSUMPTIONS, standing="assumption", note=note)
            )
    for country in sorted({site.country for site in held} - {_countries.OTHER_COUNTRIES}):
        made.append(_export_hazard(commodity, country, fitted))
        note = "the country's own record pooled with that of all producers"
        cited.append(_citation(made[-1], f"{note}; {_of(fitted, Peril.EXPORT_RESTRICTION)}"))
    return tuple(made), tuple(cited)


def _threats(commodity: str, fitted: Calibration, *, corrects: bool) -> list[_Threat]:
    """Return perils with their rates and lengths, those with few stops as one."""
    fits = fitted.lengths
    apart = [
        peril
        for peril in SITE_PERILS
        if peril != OTHER and fits.fit_for(peril).n_stops >= FEWEST_STOPS
    ]
    each = site_rates(fitted.past, commodity)
    rates = site_rates(fitted.past, commodity, apart)
    few = {peril: rate.mean for peril, rate in each.by_peril.items() if peril not in apart}
    total = corrected(each.total) if corrects else each.total
    # One draw for all perils where the total is the most uncertain part, else one for each: see
    # docs/methods.md.
    by_peril = each.has_panel and not corrects
    threats = []
    for peril, recorded in rates.by_peril.items():
        rate: Rate = corrected(recorded) if corrects else recorded
        length = _rounded(together(fits, few)) if peril == OTHER else _length(fitted, peril)
        threats.append(
            _Threat(
                peril=Peril(peril),
                rate_pa=_of_any_length(rate.mean, length),
                shape=rate.rate_shape if by_peril else total.rate_shape,
                group=f"sites-{_dashed(Peril(peril))}" if by_peril else "sites",
                length=length,
                note=f"{rate.mean:.4f} a year, {rates.n_stops} stops of all perils in "
                f"{rates.site_years:.0f} site-years; {_of(fitted, peril)}",
            )
        )
    return threats


def _conflict_hazard(site: MineSite, fitted: Calibration) -> Hazard:
    peril = Peril.ARMED_CONFLICT
    own = fitted.rate_for(peril, country=site.country, site_id=site.site_id)
    length = _length(fitted, peril)
    return Hazard(
        hazard_id=f"{site.site_id}-armed-conflict",
        peril=peril,
        scope=Scope.site(site.site_id),
        rate_pa=_short(_of_any_length(own.mean, length)),
        severity=_severity(fitted, peril),
        duration=length,
        ramp_up=_ramp_up(fitted),
        # What is common to all such sites is the uncertainty of their total.
        rate_shape=_short(fitted.rate_for(peril, country=site.country).rate_shape),
        rate_group="armed-conflict",
    )


def _export_hazard(commodity: str, country: str, fitted: Calibration) -> Hazard:
    peril = Peril.EXPORT_RESTRICTION
    rate = fitted.rate_for(peril, commodity, country)
    length = _length(fitted, peril)
    return Hazard(
        hazard_id=f"{country.lower()}-export-restriction",
        peril=peril,
        scope=Scope.country(country),
        rate_pa=_short(_of_any_length(rate.mean, length)),
        severity=_severity(fitted, peril),
        duration=length,
        ramp_up=_ramp_up(fitted),
        rate_shape=_short(rate.rate_shape),
    )


def running_events(
    commodity: str, sites: Iterable[MineSite], start: dt.date, fitted: Calibration
) -> tuple[tuple[DisruptionEvent, ...], tuple[Citation, ...], tuple[str, ...]]:
    """Stops of the catalogue that were running on a day at sites of a case.

    Parameters
    ----------
    commodity : str
        Commodity of the case.
    sites : iterable of MineSite
        Sites of the case.
    start : datetime.date
        Day from which to look back.
    fitted : Calibration
        Rows of the catalogue, lengths and ramp-ups.

    Returns
    -------
    tuple of tuple of DisruptionEvent, tuple of Citation and tuple of str
        The events, a citation for each, and stops of the commodity that are at no named site.
    """
    rows = known_on(fitted.past.rows, start)
    rows = rows[rows["is_stop"] & rows["censored"]]
    # A stop that nobody has seen for a year may be over: the catalogue is not a watch.
    seen = rows["last_observed"] >= pd.Timestamp(start) - pd.Timedelta(days=SEEN_WITHIN_DAYS)
    rows = rows[seen]
    at_site = rows["site_id"].isin({site.site_id for site in sites}) & (rows["stage"] == "mine")
    of_it = rows["commodities"].map(lambda held: commodity in str(held).split(";")).astype(bool)
    elsewhere = rows[~at_site & of_it]
    rows = rows[at_site].drop_duplicates("site_id", keep="last")
    events, cited = [], []
    for row in rows.to_dict("records"):
        event = DisruptionEvent(
            event_id=f"{row['site_id']}-{row['disruption_id'].lower()}",
            peril=Peril(row["peril"]),
            scope=Scope.site(row["site_id"]),
            started=row["started"].date(),
            announced=None if pd.isna(row["announced"]) else row["announced"].date(),
            duration=_length(fitted, row["peril"]),
            severity=1.0 if pd.isna(row["severity"]) else float(row["severity"]),
            ramp_up=_ramp_up(fitted),
        )
        events.append(event)
        note = f"row {row['disruption_id']}; {_of(fitted, row['peril'])}"
        path = f"events.{event.event_id}"
        cited.append(Citation(path=path, source_id=CATALOGUE, standing="derived", note=note))
    notes = tuple(
        f"Running on the day and not in the case: {row['name']} ({row['disruption_id']}, "
        f"{row['stage']}, since {row['started'].date()})."
        for row in elsewhere.to_dict("records")
    )
    return tuple(events), tuple(cited), notes


def _citation(hazard: Hazard, note: str) -> Citation:
    path = f"hazards.{hazard.hazard_id}"
    return Citation(path=path, source_id=CATALOGUE, standing="derived", note=note)


def _of(fitted: Calibration, peril: str) -> str:
    """Say what a length rests on."""
    fit = fitted.lengths.fit_for(str(peril))
    own = f"{fit.n_stops} of them by this peril" if fit.n_stops else "none of them by this peril"
    return f"length from {len(fitted.past.stops)} stops, {own}"


def _of_any_length(rate_pa: float, length: Lognormal) -> float:
    """Return the rate of stops of any length from that of stops which are long enough to count."""
    return rate_pa / float(survival(length, SHORTEST_DAYS))


def _length(fitted: Calibration, peril: str) -> Lognormal:
    return _rounded(fitted.duration_for(peril))


def _rounded(length: Lognormal) -> Lognormal:
    return Duration.lognormal(median_days=_short(length.median_days), sigma=_short(length.sigma))


def _severity(fitted: Calibration, peril: str) -> tuple[tuple[float, float], ...]:
    (full, whole), (_, part) = fitted.severity_for(peril)
    full = _short(full)
    return ((full, whole), (_short(1.0 - full), _short(part)))


def _ramp_up(fitted: Calibration) -> RampUp:
    ramp = fitted.ramp_up
    return replace(ramp, ramp_days=_short(ramp.ramp_days), ramp_sigma=_short(ramp.ramp_sigma))


def _short(number: float) -> float:
    return float(f"{number:.4g}")


def _dashed(peril: Peril) -> str:
    return str(peril).replace("_", "-")
