"""How long: lengths of stops by peril, from the catalogue on a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import special

from supplyrisk.data.cells import TEXT
from supplyrisk.data.history import SHORTEST_DAYS
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard.fitting import DurationFit, LognormalFit, fit_duration
from supplyrisk.hazard.pooling import GroupFits, fit_groups
from supplyrisk.model.duration import Duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplyrisk.model.duration import Lognormal

FEWEST_STOPS: Final = 6
"""Stops of which the end is known that a fit must rest on."""
ALL: Final = "all"


def pooled_lengths(stops: pd.DataFrame) -> GroupFits:
    """Fit lengths by peril, each pulled to the others as far as the rows say that they are alike.

    Parameters
    ----------
    stops : pandas.DataFrame
        Stops that count.

    Returns
    -------
    GroupFits
        Fit of each peril.

    Raises
    ------
    InvalidInputError
        If the ends of too few are known.
    """
    ended = int((~stops["censored"]).sum())
    if ended < FEWEST_STOPS:
        rule = f"must leave at least {FEWEST_STOPS} stops that had ended ({ended} had)"
        raise InvalidInputError("fit_catalogue", [Fault("as_of", rule, len(stops))])
    return fit_groups(
        stops["duration_days"].to_numpy(),
        stops["kind"].astype(str),
        stops["censored"].to_numpy(),
        SHORTEST_DAYS,
    )


def length_of_all(stops: pd.DataFrame) -> DurationFit:
    """Fit one lognormal to the lengths of all stops, whatever their peril."""
    return fit_duration(
        stops["duration_days"].to_numpy(), stops["censored"].to_numpy(), SHORTEST_DAYS
    )


def lognormal_of(fit: DurationFit) -> LognormalFit:
    """Return a lognormal fitted alone in the form of one fitted in a group."""
    return LognormalFit(
        median_days=fit.parameters["median_days"],
        sigma=fit.parameters["sigma"],
        median_error=float(np.sqrt(fit.covariance[0, 0])),
        n_stops=fit.n_stops,
        n_censored=fit.n_censored,
    )


def together(fits: GroupFits, rates: Mapping[str, float]) -> Lognormal:
    """One lognormal for the stops of several perils: mean and spread of their mixture's logarithm.

    Parameters
    ----------
    fits : GroupFits
        Lengths by peril.
    rates : mapping of str to float
        Frequency of each peril. [1/a]

    Returns
    -------
    Lognormal
        Predictive length of a stop by one of them.
    """
    lengths = [fits.fit_for(peril).predictive for peril in rates]
    weights = np.array(list(rates.values())) / sum(rates.values())
    mu = np.log([length.median_days for length in lengths])
    sigma = np.array([length.sigma for length in lengths])
    mean = float(weights @ mu)
    variance = float(weights @ (sigma**2 + (mu - mean) ** 2))
    return Duration.lognormal(median_days=float(np.exp(mean)), sigma=float(np.sqrt(variance)))


def table_of_lengths(stops: pd.DataFrame, fits: GroupFits) -> pd.DataFrame:
    """Lengths by peril as a table, with one lognormal for all stops in its last row."""
    of_all = lognormal_of(length_of_all(stops))
    held = {**{str(peril): fits.fits[peril] for peril in sorted(fits.fits, key=str)}, ALL: of_all}
    rows: list[dict[str, Any]] = []
    for peril, fit in held.items():
        low, high = fit.interval(0.9)
        spread = float(np.exp(special.ndtri(0.9) * fit.predictive.sigma))
        rows.append(
            {
                "peril": peril,
                "n_stops": fit.n_stops,
                "n_censored": fit.n_censored,
                "median_days": fit.median_days,
                "median_low": low,
                "median_high": high,
                "sigma": fit.sigma,
                "predictive_sigma": fit.predictive.sigma,
                "q10_days": fit.median_days / spread,
                "q90_days": fit.median_days * spread,
            }
        )
    return pd.DataFrame(rows).astype({"peril": TEXT})
