"""Would the lengths have been right? Each stop foretold from all the others, in three ways."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data.cells import TEXT
from supplyrisk.data.history import SHORTEST_DAYS, stops
from supplyrisk.data.lengths import length_of_all, pooled_lengths
from supplyrisk.data.schema import schema
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard.scoring import log_score, pit

if TYPE_CHECKING:
    from supplyrisk.model.duration import Duration

FEWEST_ALONE: Final = 2
"""Ended stops of a peril below which a fit of its own cannot be made."""


def _pooled(others: pd.DataFrame, peril: str) -> Duration:
    return pooled_lengths(others).fit_for(peril).predictive


def _by_peril(others: pd.DataFrame, peril: str) -> Duration:
    own = others[others["kind"] == peril]
    enough = int((~own["censored"]).sum()) >= FEWEST_ALONE
    return length_of_all(own if enough else others).predictive


def _one_for_all(others: pd.DataFrame, peril: str) -> Duration:  # noqa: ARG001 - whatever it is
    return length_of_all(others).predictive


WAYS: Final[dict[str, Callable[[pd.DataFrame, str], Duration]]] = {
    "pooled": _pooled,
    "by peril": _by_peril,
    "one for all": _one_for_all,
}
"""Ways to foretell a length: the default first."""


def leave_one_out(
    rows: pd.DataFrame | None = None,
    *,
    as_of: dt.date | None = None,
    ways: tuple[str, ...] = tuple(WAYS),
) -> pd.DataFrame:
    """Foretell each stop of the catalogue from all the others, and score what was foretold.

    Parameters
    ----------
    rows : pandas.DataFrame, optional
        Rows with the columns of the table ``disruptions``, which they are by default.
    as_of : datetime.date, optional
        Day from which to look back.
    ways : tuple of str, optional
        Of ``"pooled"``, as `duration_for` does it; ``"by peril"``, each peril by itself, or as all
        where fewer than two of its stops have ended; ``"one for all"``, one lognormal.

    Returns
    -------
    pandas.DataFrame
        A row for each stop and way: disruption_id, peril, way, log_score (higher is better), and
        pit_low and pit_high, the probability integral transform, which
        `hazard.pit_histogram` takes.

    Raises
    ------
    InvalidInputError
        If there is no such way, a row breaks a rule of its table, or too few stops have ended.

    Notes
    -----
    The score of a stop that ended is the logarithm of the density foretold, that of one still
    running of the probability to last as long, each given that it lasts the 7 days without which it
    would not be in the catalogue.

    Examples
    --------
    >>> scores = leave_one_out(as_of=dt.date(2012, 6, 1), ways=("one for all",))
    >>> scores.columns.tolist()
    ['disruption_id', 'peril', 'way', 'log_score', 'pit_low', 'pit_high']
    """
    faults = [fault for way in ways for fault in check.choice("ways", way, WAYS)]
    if faults:
        raise InvalidInputError("leave_one_out", faults)
    if rows is not None:
        rows = schema("disruptions").check(rows, what="rows", labels=True)
    held = stops(as_of, rows)
    parts = []
    for way in ways:
        scores = np.empty(len(held))
        transform = np.empty((len(held), 2))
        for place in range(len(held)):
            others = held.drop(index=place)
            length = WAYS[way](others, str(held["kind"].iloc[place]))
            left_out = held.iloc[[place]]
            days, open_ = left_out["duration_days"].to_numpy(), left_out["censored"].to_numpy()
            scores[place] = log_score(length, days, open_, SHORTEST_DAYS)[0]
            transform[place] = pit(length, days, open_, SHORTEST_DAYS)[0]
        part = held[["disruption_id", "kind"]].rename(columns={"kind": "peril"}).astype(TEXT)
        parts.append(
            part.assign(
                way=pd.array([way] * len(held), dtype=TEXT),
                log_score=scores,
                pit_low=transform[:, 0],
                pit_high=transform[:, 1],
            )
        )
    return pd.concat(parts, ignore_index=True)
