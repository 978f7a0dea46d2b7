"""What may stop the sites of a case, and what had stopped them, by the catalogue as of a day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import pandas as pd

from supplyrisk import _countries
from supplyrisk.data.base_rates import (
    SHORTEST_DAYS,
    conflict_countries,
    fit_for,
    pooled_fit,
    rate_for,
    site_perils,
    stops,
)
from supplyrisk.data.catalogue import disruptions
from supplyrisk.hazard.durations import survival
from supplyrisk.model.evidence import Citation
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplyrisk.hazard.fitting import LognormalFit
    from supplyrisk.model.site import MineSite

CATALOGUE: Final = "disruption-catalogue"
LONGEST_RAMP: Final = 0.73
"""Longest ramp-up as a share of the outage; an assumption. [1]"""
SEEN_WITHIN_DAYS: Final = 365
"""Age of the last report of a stop beyond which it is not taken to be running. [d]"""


def ramp_up(start: dt.date) -> RampUp:
    """Ramp-up of a site: the median of the catalogue as of a day.

    Parameters
    ----------
    start : datetime.date
        Day from which to look back.

    Returns
    -------
    RampUp
        Linear, at most 0.73 of the outage.
    """
    days = stops(start)["ramp_up_days"].dropna()
    median = float(days.median()) if len(days) else 0.0
    return RampUp(shape="linear", ramp_days=median, max_share_of_outage=LONGEST_RAMP)


def hazards(
    commodity: str, sites: Iterable[MineSite], start: dt.date
) -> tuple[tuple[Hazard, ...], tuple[Citation, ...]]:
    """Hazards of every site and country of a case, with their citations.

    Parameters
    ----------
    commodity : str
        Commodity of the case.
    sites : iterable of MineSite
        Its sites.
    start : datetime.date
        Day from which to look back.

    Returns
    -------
    tuple of tuple of Hazard and tuple of Citation
        The hazards, and a citation for each.

    Notes
    -----
    Perils too rare for a fit of their own share the length over all perils, so they are one hazard
    ``other`` of their summed rate: the same process. Rates count stops of at least 7 days, and the
    lengths are drawn without a lower end, so each rate is divided by the probability of 7 days.
    """
    made: list[Hazard] = []
    cited: list[Citation] = []
    held = tuple(sites)
    groups = _grouped(commodity, start)
    ramp = ramp_up(start)
    exposed = conflict_countries()
    conflict_fit = fit_for(Peril.ARMED_CONFLICT, start)
    for site in held:
        for peril, rate, shape, fit in groups:
            made.append(
                Hazard(
                    hazard_id=f"{site.site_id}-{_dashed(peril)}",
                    peril=peril,
                    scope=Scope.site(site.site_id),
                    rate_pa=rate,
                    duration=fit.duration,
                    ramp_up=ramp,
                    rate_shape=shape,
                    rate_group="sites",
                )
            )
            cited.append(_citation(made[-1], fit, f"{rate:.4f} a year from the panel of sites"))
        if site.country in exposed:
            rate_of = rate_for(Peril.ARMED_CONFLICT, country=site.country, as_of=start)
            made.append(
                Hazard(
                    hazard_id=f"{site.site_id}-armed-conflict",
                    peril=Peril.ARMED_CONFLICT,
                    scope=Scope.site(site.site_id),
                    rate_pa=_of_any_length(rate_of.mean, conflict_fit[0]),
                    duration=conflict_fit[0].duration,
                    ramp_up=ramp,
                    rate_shape=rate_of.rate_shape,
                    rate_group="armed-conflict",
                )
            )
            note = "stops in countries of low political stability over the years of sites there"
            cited.append(_citation(made[-1], conflict_fit[0], note))
    for country in sorted({site.country for site in held} - {_countries.OTHER_COUNTRIES}):
        made.append(_export_hazard(commodity, country, start, ramp))
        note = "the country's own record and that of all producers"
        cited.append(_citation(made[-1], fit_for(Peril.EXPORT_RESTRICTION, start)[0], note))
    return tuple(made), tuple(cited)


def _grouped(commodity: str, start: dt.date) -> list[tuple[Peril, float, float, LognormalFit]]:
    """Return peril, rate, shape and length, those without a length of their own as one."""
    groups = []
    other = rate_for(Peril.OTHER, commodity, as_of=start)
    rest = other.mean
    for peril in site_perils():
        if peril == Peril.OTHER:
            continue
        rate = rate_for(peril, commodity, as_of=start)
        fit, alone = fit_for(peril, start)
        if alone:
            groups.append((peril, _of_any_length(rate.mean, fit), rate.rate_shape, fit))
        else:
            rest += rate.mean
    pooled = pooled_fit(start)
    return [*groups, (Peril.OTHER, _of_any_length(rest, pooled), other.rate_shape, pooled)]


def _export_hazard(commodity: str, country: str, start: dt.date, ramp: RampUp) -> Hazard:
    rate = rate_for(Peril.EXPORT_RESTRICTION, commodity, country, start)
    fit = fit_for(Peril.EXPORT_RESTRICTION, start)[0]
    return Hazard(
        hazard_id=f"{country.lower()}-export-restriction",
        peril=Peril.EXPORT_RESTRICTION,
        scope=Scope.country(country),
        rate_pa=_of_any_length(rate.mean, fit),
        duration=fit.duration,
        ramp_up=ramp,
        rate_shape=rate.rate_shape,
    )


def running_events(
    commodity: str, sites: Iterable[MineSite], start: dt.date
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

    Returns
    -------
    tuple of tuple of DisruptionEvent, tuple of Citation and tuple of str
        The events, a citation for each, and stops of the commodity that are at no named site.
    """
    rows = disruptions(start)
    rows = rows[rows["is_stop"] & rows["censored"]]
    # A stop that nobody has seen for a year may be over: the catalogue is not a watch.
    seen = rows["last_observed"] >= pd.Timestamp(start) - pd.Timedelta(days=SEEN_WITHIN_DAYS)
    rows = rows[seen]
    at_site = rows["site_id"].isin({site.site_id for site in sites}) & (rows["stage"] == "mine")
    of_it = rows["commodities"].map(lambda held: commodity in str(held).split(";")).astype(bool)
    elsewhere = rows[~at_site & of_it]
    rows = rows[at_site].drop_duplicates("site_id", keep="last")
    events, cited = [], []
    ramp = ramp_up(start)
    for row in rows.to_dict("records"):
        fit = fit_for(row["peril"], start)[0]
        event = DisruptionEvent(
            event_id=f"{row['site_id']}-{row['disruption_id'].lower()}",
            peril=Peril(row["peril"]),
            scope=Scope.site(row["site_id"]),
            started=row["started"].date(),
            announced=None if pd.isna(row["announced"]) else row["announced"].date(),
            duration=fit.duration,
            severity=1.0 if pd.isna(row["severity"]) else float(row["severity"]),
            ramp_up=ramp,
        )
        events.append(event)
        note = f"row {row['disruption_id']}; {_of(fit)}"
        path = f"events.{event.event_id}"
        cited.append(Citation(path=path, source_id=CATALOGUE, standing="derived", note=note))
    notes = tuple(
        f"Running on the day and not in the case: {row['name']} ({row['disruption_id']}, "
        f"{row['stage']}, since {row['started'].date()})."
        for row in elsewhere.to_dict("records")
    )
    return tuple(events), tuple(cited), notes


def _citation(hazard: Hazard, fit: LognormalFit, note: str) -> Citation:
    path = f"hazards.{hazard.hazard_id}"
    return Citation(path=path, source_id=CATALOGUE, standing="derived", note=f"{note}; {_of(fit)}")


def _of(fit: LognormalFit) -> str:
    return f"length from {fit.n_stops} stops, {fit.n_censored} of them not over"


def _of_any_length(rate_pa: float, fit: LognormalFit) -> float:
    """Return the rate of stops of any length from that of stops which are long enough to count."""
    counted = float(survival(fit.duration, SHORTEST_DAYS))
    return float(f"{rate_pa / counted:.4g}")


def _dashed(peril: Peril) -> str:
    return str(peril).replace("_", "-")
