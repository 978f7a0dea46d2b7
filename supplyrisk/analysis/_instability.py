"""The instability of partners, from a table of governance, with a stated value for gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk import indicators
from supplyrisk.analysis._governed import STABILITY, blank_faults, estimates_in
from supplyrisk.analysis._regions import country_of
from supplyrisk.data.tables import table
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.analysis._flows import Flows

    Floats = NDArray[np.float64]

_MIDDLE = 0.5
"""Instability of a country at the world's mean of the estimates, 0 by their making. [1]"""


def instability_of(
    governance: pd.DataFrame | None, flows: Flows, missing: str | float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the instability of every exporter in every year of some flows.

    Parameters
    ----------
    governance : pandas.DataFrame, optional
        Columns country, perhaps year, and instability or political_stability; bundled by default.
    flows : Flows
        Trade.
    missing : {'raise', 'world_mean'} or float
        What to put where none is known.

    Returns
    -------
    instability : ndarray, shape (n_years, n_exporters)
        From 0 to 1, 1 the worst. [1]
    is_filled : ndarray of bool, shape (n_years, n_exporters)
        Where it was not known.

    Raises
    ------
    InvalidInputError
        If the table lacks a column or a year of the flows, has a country twice, or something is
        missing that nothing fills.
    """
    fill = _filling(missing)
    frame = table("governance") if governance is None else governance
    check.require("governance", frame, pd.DataFrame)
    column = "instability" if "instability" in frame.columns else STABILITY
    for name in ("country", column):
        if name not in frame.columns:
            rule = "must be there, with instability or political_stability"
            found = list(map(str, frame.columns))
            raise InvalidInputError("governance", [Fault(f"column {name}", rule, found)])
    if faults := blank_faults(frame, "year"):
        raise InvalidInputError("governance", faults)
    years = frame["year"].astype(int).tolist() if "year" in frame.columns else [0] * len(frame)
    countries = [country_of(name, "governance.country") for name in frame["country"]]
    index = pd.MultiIndex.from_arrays([years, countries])
    if index.has_duplicates:
        twice = index[index.duplicated()][0]
        rule = "must hold a country once a year: releases must not be mixed"
        raise InvalidInputError("governance", [Fault("rows", rule, twice)])
    values = pd.Series(estimates_in(frame, column), index=index)
    wanted = flows.years if len(set(years)) > 1 else [years[0]] * len(flows.years)
    faults = [
        Fault("year of the trade", f"must be a year of governance, {min(years)} to {max(years)}", y)
        for y in wanted
        if y not in set(years)
    ]
    if faults:
        raise InvalidInputError("supplier_contributions", faults)
    cells = pd.MultiIndex.from_product([wanted, flows.exporters])
    known = values.reindex(cells).to_numpy().reshape(len(wanted), len(flows.exporters))
    risk = known if column == "instability" else indicators.wgi_to_instability(known)
    gaps = np.isnan(risk)
    if fill is None and _traded(flows, gaps).any():
        raise InvalidInputError("supplier_contributions", [_gap_fault(flows, gaps)])
    return np.where(gaps, _MIDDLE if fill is None else fill, risk), gaps


def _filling(missing: str | float) -> float | None:
    faults = (
        [*check.choice("missing", missing, ("raise", "world_mean"))]
        if isinstance(missing, str)
        else [*check.fraction("missing", missing)]
    )
    if faults:
        raise InvalidInputError("supplier_contributions", faults)
    if isinstance(missing, str):
        return None if missing == "raise" else _MIDDLE
    return missing


def _traded(flows: Flows, gaps: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return gaps[flows.year, flows.exporter]


def _gap_fault(flows: Flows, gaps: NDArray[np.bool_]) -> Fault:
    rows = _traded(flows, gaps)
    names = sorted({flows.exporters[place] for place in np.unique(flows.exporter[rows]).tolist()})
    total = float(flows.tonnes.sum())
    share = f"{flows.tonnes[rows].sum() / total:.1%} of the trade" if total else "no trade"
    rule = (
        f"must be known for every exporter, as {share} would have none; missing='world_mean' or a "
        "number fills it, and the table says for how much"
    )
    return Fault("governance", rule, ", ".join(names))
