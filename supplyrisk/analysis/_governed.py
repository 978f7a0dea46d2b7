"""How countries are governed, for tables of indicators: what is known, and how well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import _countries
from supplyrisk import _validation as check
from supplyrisk.analysis._mixes import known_by
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.streams import Streams

    Floats = NDArray[np.float64]

DIMENSIONS: Final = (
    "voice_accountability",
    "political_stability",
    "government_effectiveness",
    "regulatory_quality",
    "rule_of_law",
    "control_of_corruption",
)
STABILITY: Final = "political_stability"
TYPICAL_ERROR: Final = 0.2
"""Standard error of an estimate where none is given: an assumption, see docs/indicators.md. [1]"""
WORLD_SPREAD: Final = 0.93
"""Standard deviation, over the countries bundled, of the mean of the six. [1]"""
_OWN_MEAN_SINCE: Final = 2025
"""Up to the release before, the mean over all countries is 0 by the making of the estimates."""
_FEWEST: Final = 100
"""Countries from which on a table stands for the world."""


class Governed(NamedTuple):
    """Governance of some countries, shape (n_countries,) each.

    Attributes
    ----------
    mean : ndarray
        Mean of the six estimates; the world's mean where none is known. [1]
    stability : ndarray
        Political stability, likewise. [1]
    known : ndarray
        Share of the six estimates that is known. [1]
    stable_known : ndarray of bool
        Whether political stability is known.
    """

    mean: Floats
    stability: Floats
    known: Floats
    stable_known: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class GovernanceView:
    """The estimates of one release, with their errors.

    Attributes
    ----------
    frame
        Index country; mean, mean_error, stability, stability_error, known; NaN where missing.
    world_mean
        Mean of the estimates over the world. [1]
    source_id
        Sources, joined by a semicolon.
    vintage
        Year that the estimates are about.
    """

    frame: pd.DataFrame
    world_mean: float
    source_id: str
    vintage: str

    def of(self, countries: Sequence[str]) -> Governed:
        """Return the governance of countries, with what is missing filled in."""
        rows = self.frame.reindex([*countries])
        known = rows["known"].fillna(0.0).to_numpy()
        stability = rows["stability"].to_numpy()
        return Governed(
            mean=rows["mean"].fillna(self.world_mean).to_numpy(),
            stability=np.where(np.isnan(stability), self.world_mean, stability),
            known=known,
            stable_known=~np.isnan(stability),
        )

    def drawn(
        self, countries: Sequence[str], streams: Streams, n_draws: int
    ) -> tuple[Floats, Floats]:
        """Draw mean and stability, shape (n_draws, n_countries) each [1].

        The errors of a country's six estimates move together, and are the same for every commodity
        and stage. A country of which nothing is known may be any of the world's.
        """
        rows, point = self.frame.reindex([*countries]), self.of(countries)
        error = rows["mean_error"].fillna(WORLD_SPREAD).to_numpy()
        unstable = rows["stability_error"].fillna(WORLD_SPREAD).to_numpy()
        z = np.column_stack(
            [streams.stream("governance", name).standard_normal(n_draws) for name in countries]
        )
        return point.mean + z * error, point.stability + z * unstable


def governance_view(frame: pd.DataFrame | None, as_of: pd.Timestamp | None) -> GovernanceView:
    """Return the governance to use: that of a user, or the bundled one as it was known on a day.

    Parameters
    ----------
    frame : pandas.DataFrame, optional
        Table in the form of ``governance``, as `data.read_wgi` gives it; with standard errors in
        columns such as ``rule_of_law_se`` where it has them.
    as_of : pandas.Timestamp, optional
        Day on which the bundled release must have been published.

    Returns
    -------
    GovernanceView
        The newest year of it; without a country where nothing had been published.

    Raises
    ------
    InvalidInputError
        If the user's table lacks a column, or its newest year has a country twice, or releases are
        mixed.
    """
    own = frame is not None
    rows = known_by("governance", as_of) if frame is None else _checked(frame)
    if rows.empty:
        return GovernanceView(_summary(rows), 0.0, "", "")
    newest = rows[rows["year"] == rows["year"].max()]
    summary = _summary(newest)
    release = int(newest["release"].iloc[0])
    own_mean = own and release >= _OWN_MEAN_SINCE and len(newest) >= _FEWEST
    return GovernanceView(
        frame=summary,
        world_mean=float(summary["mean"].mean()) if own_mean else 0.0,
        source_id=";".join(sorted(set(newest["source_id"].astype(str)))),
        vintage=str(int(newest["year"].iloc[0])),
    )


def _checked(frame: pd.DataFrame) -> pd.DataFrame:
    check.require("governance", frame, pd.DataFrame)
    wanted = ("country", "year", "release", "source_id", *DIMENSIONS)
    missing = [name for name in wanted if name not in frame.columns]
    faults = [
        Fault(f"column {name}", "must be there, as in sr.data.columns('governance')", "none")
        for name in missing
    ]
    faults += blank_faults(frame, "year", "release")
    if not faults:
        newest = frame[frame["year"] == frame["year"].max()]
        twice = newest["country"][newest["country"].duplicated()].tolist()
        faults += [Fault("column country", "must hold a country once a year", c) for c in twice]
        wrong = [c for c in newest["country"] if not _countries.is_country_code(c)]
        faults += [Fault("column country", "must be ISO 3166-1 alpha-3 codes", c) for c in wrong]
        found = sorted(set(newest["release"].tolist()))
        if len(found) > 1:
            faults.append(Fault("column release", "must be one release: methods differ", found))
    if faults:
        raise InvalidInputError("governance", faults)
    return frame


def blank_faults(frame: pd.DataFrame, *columns: str) -> list[Fault]:
    """Return faults of a user's table that holds nothing, or has a gap where it must have none."""
    if frame.empty:
        return [Fault("rows", "must be at least 1", 0)]
    return [
        Fault(f"column {name}", "must be given in every row", None)
        for name in columns
        if name in frame.columns and frame[name].isna().any()
    ]


def estimates_in(rows: pd.DataFrame, name: str) -> Floats:
    """Return a column of a user's table as floats, NaN where blank, or raise."""
    given = rows[name]
    numbers = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = given[~np.isfinite(numbers) & given.notna().to_numpy()]
    if len(wrong):
        rule = "must hold finite numbers, blank where not known"
        raise InvalidInputError("governance", [Fault(f"column {name}", rule, wrong.iloc[0])])
    return numbers


def _summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return mean and stability by country; a missing estimate stands at the mean of the others."""
    six = np.column_stack([estimates_in(rows, name) for name in DIMENSIONS])
    errors = np.column_stack([_errors(rows, name) for name in DIMENSIONS])
    known = ~np.isnan(six)
    n_known = np.maximum(known.sum(axis=1), 1)
    any_known = known.any(axis=1)

    def mean(values: Floats) -> Floats:
        total = np.where(known, values, 0.0).sum(axis=1) / n_known
        return np.where(any_known, total, np.nan)

    place = DIMENSIONS.index(STABILITY)
    stable = known[:, place]
    return pd.DataFrame(
        {
            "mean": mean(six),
            "mean_error": mean(errors),
            "stability": six[:, place],
            "stability_error": np.where(stable, errors[:, place], np.nan),
            "known": known.mean(axis=1),
        },
        index=pd.Index(rows["country"].astype(object), name="country"),
    )


def _errors(rows: pd.DataFrame, name: str) -> Floats:
    if f"{name}_se" not in rows:
        return np.full(len(rows), TYPICAL_ERROR)
    given = estimates_in(rows, f"{name}_se")
    if (given < 0.0).any():
        rule = "must be standard errors >= 0"
        raise InvalidInputError("governance", [Fault(f"column {name}_se", rule, np.nanmin(given))])
    return np.where(np.isnan(given), TYPICAL_ERROR, given)
