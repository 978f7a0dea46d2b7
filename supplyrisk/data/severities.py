"""How much and how slowly back: shares of a site that stops hit, and ramp-ups after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import optimize, special

from supplyrisk.data.cells import TEXT
from supplyrisk.data.lengths import ALL, lognormal_of
from supplyrisk.hazard.fitting import fit_duration
from supplyrisk.model.hazard import RampUp

if TYPE_CHECKING:
    from supplyrisk.hazard.fitting import LognormalFit

LONGEST_RAMP: Final = 0.73
"""Longest ramp-up as a share of the outage: that of Bisie in 2025, for want of better; an
assumption. [1]"""
FEWEST_RAMPS: Final = 4
"""Ramp-ups that a fit must rest on."""
NEW: Final = "new peril"
_LIKENESS: Final = (0.01, 0.9)


def table_of_severities(stops: pd.DataFrame) -> pd.DataFrame:
    r"""Shares of stops that hit all of a site, by peril, each pulled to that of all [1].

    Parameters
    ----------
    stops : pandas.DataFrame
        Stops that count.

    Returns
    -------
    pandas.DataFrame
        A row for each peril, one for a peril without stops, ``"new peril"``, and one for all,
        ``"all"``: peril, n_stops (with a share stated),
        n_full, full_share with its 90 % interval full_low and full_high, partial_severity (mean of
        the stops that hit a part), mean_severity.

    Notes
    -----
    Of the n stops of a peril f hit the whole site, binomial with a chance that varies between
    perils as :math:`\mathrm{Beta}(\kappa p, \kappa (1 - p))`. Centre p and likeness
    :math:`1 / (1 + \kappa)`, from 0.01 to 0.9, maximise the beta-binomial likelihood of all perils
    times :math:`\sqrt{p (1 - p)}`, half a stop of each kind; a peril has the posterior
    :math:`\mathrm{Beta}(\kappa p + f, \kappa (1 - p) + n - f)`. Partial stops are too few to tell
    perils apart.
    """
    known = stops.dropna(subset=["severity"])
    full = (known["severity"] >= 1.0).groupby(known["kind"].astype(str))
    n, hit = full.size().astype(float), full.sum().astype(float)
    centre, strength = _between(n.to_numpy(), hit.to_numpy())
    partial = known.loc[known["severity"] < 1.0, "severity"]
    level = float(partial.mean()) if len(partial) else 1.0
    counts = [(str(peril), n[peril], hit[peril]) for peril in n.index]
    rows: list[dict[str, Any]] = []
    for peril, of_peril, whole in [*counts, (NEW, 0.0, 0.0), (ALL, n.sum(), hit.sum())]:
        # All stops together are their own record; half a stop of each kind is Jeffreys' prior.
        pull, about = (1.0, 0.5) if peril == ALL else (strength, centre)
        a, b = pull * about + whole, pull * (1.0 - about) + of_peril - whole
        low, high = special.betaincinv(a, b, [0.05, 0.95])
        share = a / (a + b)
        rows.append(
            {
                "peril": peril,
                "n_stops": int(of_peril),
                "n_full": int(whole),
                "full_share": share,
                "full_low": float(low),
                "full_high": float(high),
                "partial_severity": level,
                "mean_severity": share + (1.0 - share) * level,
            }
        )
    return pd.DataFrame(rows).astype({"peril": TEXT})


def share_hit(table: pd.DataFrame, peril: str) -> tuple[tuple[float, float], ...]:
    """Probability and severity of whole and partial stops, from `table_of_severities` [1]."""
    rows = {row["peril"]: row for row in table.to_dict("records")}
    row = rows.get(peril, rows[NEW])
    return ((row["full_share"], 1.0), (1.0 - row["full_share"], row["partial_severity"]))


def fit_ramps(stops: pd.DataFrame) -> LognormalFit | None:
    """Fit a lognormal to the ramp-ups of stops [d].

    Parameters
    ----------
    stops : pandas.DataFrame
        Stops that count.

    Returns
    -------
    LognormalFit or None
        The fit; None if too few ramp-ups are known.
    """
    days = stops["ramp_up_days"].dropna()
    days = days[days > 0.0]
    return lognormal_of(fit_duration(days.to_numpy())) if len(days) >= FEWEST_RAMPS else None


def ramp_up(fit: LognormalFit | None) -> RampUp:
    """Ramp-up of a site, by a fit to those of the catalogue; none at all without a fit."""
    if fit is None:
        return RampUp()
    return RampUp(
        shape="linear",
        ramp_days=fit.median_days,
        ramp_sigma=fit.predictive.sigma,
        max_share_of_outage=LONGEST_RAMP,
    )


def _between(n: np.ndarray, hit: np.ndarray) -> tuple[float, float]:
    """Return centre and strength of the beta distribution between perils."""

    def loss(at: np.ndarray) -> float:
        p, strength = special.expit(at[0]), 1.0 / at[1] - 1.0
        a, b = strength * p, strength * (1.0 - p)
        likelihood = special.betaln(a + hit, b + n - hit) - special.betaln(a, b)
        # Half a stop of each kind keeps the centre off 1 where every known stop hit all of a site.
        return -float(likelihood.sum() + 0.5 * np.log(p * (1.0 - p)))

    begin = special.logit((hit.sum() + 0.5) / (n.sum() + 1.0))
    found = optimize.minimize(loss, [begin, 0.2], bounds=[(-6.0, 6.0), _LIKENESS])
    return float(special.expit(found.x[0])), float(1.0 / found.x[1] - 1.0)
