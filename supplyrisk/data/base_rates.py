"""Rates and lengths of disruptions from the catalogue, by peril: first values for a case."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy import special

from supplyrisk import _validation as check
from supplyrisk.data.catalogue import disruptions
from supplyrisk.data.cells import TEXT
from supplyrisk.data.supply_tables import governance, smelters
from supplyrisk.data.tables import production, sites, table
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard.fitting import LognormalFit, fit_lognormal
from supplyrisk.hazard.rates import Rate, fit_rate
from supplyrisk.model.hazard import Peril
from supplyrisk.model.site import country_faults
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplyrisk.model.duration import Lognormal

SHORTEST_DAYS: Final = 7.0
"""Shorter stops are not gathered reliably: rates and lengths leave them out alike. [d]"""
LEAST_SEVERITY: Final = 0.25
"""Share of a site that a stop must hit to count. [1]"""
FEWEST_STOPS: Final = 6
"""Stops of a peril, or of all with the end known, that a fit must rest on."""
UNSTABLE: Final = -1.0
"""Political stability (WGI) below which a country belongs to the exposure of armed conflict."""
_ALL: Final = "all"
COUNTRY_PERILS: Final = frozenset({Peril.EXPORT_RESTRICTION, Peril.SANCTIONS})
"""Perils that act on whole countries: a case has them there, and not at sites again."""


def stops(as_of: dt.date | None = None) -> pd.DataFrame:
    """Rows of the catalogue that rates and lengths rest on, one for each physical event.

    Parameters
    ----------
    as_of : datetime.date, optional
        Day from which to look back.

    Returns
    -------
    pandas.DataFrame
        Stops of supply of at least 7 days and a quarter of the site, as of the day.
    """
    rows = disruptions(as_of)
    counted = (
        rows["is_stop"]
        & (rows["duration_days"] >= SHORTEST_DAYS)
        & ~(rows["severity"] < LEAST_SEVERITY)
    )
    rows = rows[counted]
    repeated = rows["cluster_id"].notna() & rows.duplicated("cluster_id")
    return rows[~repeated].reset_index(drop=True)


def duration_for(peril: str, as_of: dt.date | None = None) -> Lognormal:
    """Length of a stop by peril, fitted to the catalogue [d].

    Parameters
    ----------
    peril : str
        Cause class, e.g. ``"strike"``.
    as_of : datetime.date, optional
        Day from which to look back: only stops that had started before count, and those running
        then are lower bounds.

    Returns
    -------
    Lognormal
        Predictive length: ``sigma`` holds the uncertainty of the median.

    Raises
    ------
    InvalidInputError
        If there is no such peril, or too few stops had ended by then.

    Notes
    -----
    Maximum likelihood with right-censoring, left-truncated at 7 days, pulled towards the fit over
    all perils. A peril with fewer than six stops gets the fit over all perils itself.

    Examples
    --------
    >>> strike, regulator = duration_for("strike"), duration_for("regulatory_or_licence")
    >>> strike.median_days < regulator.median_days
    True
    """
    return fit_for(peril, as_of)[0].duration


def fit_for(peril: str, as_of: dt.date | None = None) -> tuple[LognormalFit, bool]:
    """Fit the length of stops of a peril; tell whether it rests on that peril alone.

    Parameters
    ----------
    peril : str
        Cause class.
    as_of : datetime.date, optional
        Day from which to look back.

    Returns
    -------
    tuple of LognormalFit and bool
        The fit, and whether it is the peril's own rather than that over all perils.

    Raises
    ------
    InvalidInputError
        If there is no such peril, or too few stops had ended by then.
    """
    _require_peril(peril)
    fits = _fits(as_of)
    return (fits[peril], True) if peril in fits else (fits[_ALL], False)


def durations_by_peril(as_of: dt.date | None = None) -> pd.DataFrame:
    """Lengths of stops by peril, with their uncertainty [d].

    Parameters
    ----------
    as_of : datetime.date, optional
        Day from which to look back.

    Returns
    -------
    pandas.DataFrame
        A row for each peril with a fit of its own and one for all of them (``"all"``): peril,
        n_stops, n_censored, median_days with the 90 % interval median_low and median_high, sigma,
        and the predictive quantiles q10_days and q90_days. `supplyrisk.plot.durations` draws it.

    Raises
    ------
    InvalidInputError
        If too few stops had ended by `as_of`.

    Examples
    --------
    >>> table = durations_by_peril().set_index("peril")
    >>> int(table.loc["all", "n_stops"]) >= 80
    True
    """
    fits = _fits(as_of)
    perils = [*sorted(name for name in fits if name != _ALL), _ALL]
    held = [fits[peril] for peril in perils]
    median = np.array([fit.median_days for fit in held])
    error = np.exp(special.ndtri(0.95) * np.array([fit.median_error for fit in held]))
    spread = np.exp(special.ndtri(0.9) * np.array([fit.duration.sigma for fit in held]))
    return pd.DataFrame(
        {
            "peril": pd.array(perils, dtype=TEXT),
            "n_stops": [fit.n_stops for fit in held],
            "n_censored": [fit.n_censored for fit in held],
            "median_days": median,
            "median_low": median / error,
            "median_high": median * error,
            "sigma": [fit.sigma for fit in held],
            "q10_days": median / spread,
            "q90_days": median * spread,
        }
    )


def pooled_fit(as_of: dt.date | None = None) -> LognormalFit:
    """Return the fit over the stops of all perils, as of a day."""
    return _fits(as_of)[_ALL]


def site_perils() -> list[Peril]:
    """Return the perils that strike sites at the rates of the panels."""
    return [peril for peril in Peril if peril not in COUNTRY_PERILS | {Peril.ARMED_CONFLICT}]


def rate_for(
    peril: str,
    commodity: str | None = None,
    country: str | None = None,
    as_of: dt.date | None = None,
) -> Rate:
    """Frequency of stops by peril, from the catalogue and the years it covers [1/a].

    Parameters
    ----------
    peril : str
        Cause class, e.g. ``"strike"``.
    commodity : str, optional
        A commodity with a panel of its own (tin, copper) is counted there; others, and by default
        all, over the panels together.
    country : str, optional
        Alpha-3 code. For perils of whole countries (export restrictions, sanctions) the rate is
        that of the country; for armed conflict that of a site there; for the others it changes
        nothing yet.
    as_of : datetime.date, optional
        Day from which to look back.

    Returns
    -------
    Rate
        Posterior of the rate of one site, or of the country for a peril of countries.

    Raises
    ------
    InvalidInputError
        If there is no such peril or commodity, or `country` is needed and not given or no code.

    Notes
    -----
    At a site: the total over all perils has the posterior ``Gamma(N + 1/2, T)`` of N stops in T
    site-years, and a peril the share ``(n + 1/2) / (N + K/2)`` of it for K perils, the mean of
    Jeffreys' Dirichlet posterior. In a country: n events in T years under a gamma prior of shape
    1/2 with the mean rate over the countries that produce. Armed conflict: stops over the years of
    bundled mines and smelters in countries whose political stability (WGI) is below -1; elsewhere
    the rate is 0, which has no posterior, and is refused.

    As of a day the stops are those of the day. What they are divided by is of today: the countries
    that produce, the bundled places, and one release of the governance indicators.

    These are lower bounds: short, partial and technical losses are missing from the catalogue.

    Examples
    --------
    >>> rate = rate_for("strike", "copper")
    >>> 0.01 < rate.mean < 0.04
    True
    """
    _require_peril(peril)
    if commodity is not None:
        known = table("commodities")["commodity"].tolist()
        faults = [*check.choice("commodity", commodity, known)]
        if faults:
            raise InvalidInputError("rate_for", faults)
    if country is not None and peril != Peril.ARMED_CONFLICT:
        faults = [*country_faults("country", country, other=True)]
        if faults:
            raise InvalidInputError("rate_for", faults)
    if peril == Peril.ARMED_CONFLICT:
        return _conflict_rate(country, as_of)
    if peril in COUNTRY_PERILS:
        return _country_rate(peril, commodity, country, as_of)
    panels = _panels(commodity)
    rows = _counted(as_of)
    at_sites = rows[rows["peril"].isin([str(known) for known in site_perils()])]
    held = at_sites[_hold_any(at_sites["commodities"], panels["commodity"])]
    years = float(panels["node_years"].sum()) * _part_of_the_panels(panels, as_of)
    n_perils = len(site_perils())
    share = (int((held["peril"] == peril).sum()) + 0.5) / (len(held) + n_perils / 2)
    total = fit_rate(len(held), years)
    return Rate(rate_shape=total.rate_shape, exposure_years=total.exposure_years / share)


def conflict_countries() -> frozenset[str]:
    """Countries in which sites are exposed to armed conflict, by their political stability."""
    frame = governance()
    return frozenset(frame.loc[frame["political_stability"] < UNSTABLE, "country"])


def _conflict_rate(country: str | None, as_of: dt.date | None) -> Rate:
    exposed = conflict_countries()
    if country not in exposed:
        rule = f"must be one where conflict may reach a site ({', '.join(sorted(exposed))})"
        raise InvalidInputError("rate_for", [Fault("country", rule, country)])
    rows = _counted(as_of)
    hit = rows[(rows["peril"] == Peril.ARMED_CONFLICT) & rows["country"].isin(exposed)]
    places = pd.concat([sites()["country"], smelters()["country"]])
    return fit_rate(len(hit), int(places.isin(exposed).sum()) * _years_covered(as_of))


def _country_rate(
    peril: str, commodity: str | None, country: str | None, as_of: dt.date | None
) -> Rate:
    if country is None:
        rule = f"must be given for {peril}, which acts on whole countries"
        raise InvalidInputError("rate_for", [Fault("country", rule, country)])
    rows = _counted(as_of)
    rows = rows[rows["peril"] == peril]
    makers = production(commodity, stage=None, vintage="all")["country"].nunique()
    if commodity is not None:
        rows = rows[_hold_any(rows["commodities"], [commodity])]
    years = _years_covered(as_of)
    pooled = (len(rows) + 0.5) / (makers * years)
    own = int((rows["country"] == country).sum())
    return Rate(rate_shape=own + 0.5, exposure_years=years + 0.5 / pooled)


def _counted(as_of: dt.date | None) -> pd.DataFrame:
    """Return the stops that began while the panels were watched."""
    rows = stops(as_of)
    watched: pd.DataFrame = rows[rows["started"] <= table("panels")["last_day"].max()]
    return watched


def _panels(commodity: str | None) -> pd.DataFrame:
    panels = table("panels")
    own = panels[panels["commodity"] == commodity]
    return panels if own.empty else own


def _years_covered(as_of: dt.date | None) -> float:
    panels = table("panels")
    first, last = panels["first_day"].min(), panels["last_day"].max()
    until = min(pd.Timestamp(as_of), last) if as_of else last
    if until <= first:
        rule = f"must be after the first day of the catalogue, {first.date()}"
        raise InvalidInputError("rate_for", [Fault("as_of", rule, str(as_of))])
    return float((until - first).days) / DAYS_PER_YEAR


def _part_of_the_panels(panels: pd.DataFrame, as_of: dt.date | None) -> float:
    days = (panels["last_day"].max() - panels["first_day"].min()).days
    return min(_years_covered(as_of) * DAYS_PER_YEAR / float(days), 1.0)


def _hold_any(cells: pd.Series, wanted: Iterable[str]) -> list[bool]:
    """Whether each cell of several commodities, separated by semicolons, holds one that counts."""
    return [not set(wanted).isdisjoint(str(cell).split(";")) for cell in cells]


def _require_peril(peril: str) -> None:
    faults = [*check.choice("peril", str(peril), [str(known) for known in Peril])]
    if faults:
        raise InvalidInputError("peril", faults)


@cache
def _fits(as_of: dt.date | None) -> dict[str, LognormalFit]:
    """Return the fit over all stops, and that of each peril with enough of them."""
    rows = stops(as_of)
    ended = int((~rows["censored"]).sum())
    if ended < FEWEST_STOPS:
        rule = f"must leave at least {FEWEST_STOPS} stops that had ended ({ended} had)"
        raise InvalidInputError("duration_for", [Fault("as_of", rule, str(as_of))])
    fits = {_ALL: _fit(rows, None)}
    for peril, own in rows.groupby("peril"):
        if len(own) >= FEWEST_STOPS:
            fits[str(peril)] = _fit(own, fits[_ALL])
    return fits


def _fit(rows: pd.DataFrame, around: LognormalFit | None) -> LognormalFit:
    return fit_lognormal(
        rows["duration_days"].to_numpy(),
        censored=rows["censored"].to_numpy(),
        truncated_below_days=SHORTEST_DAYS,
        around=around,
    )
