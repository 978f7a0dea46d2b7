"""Commodities in order of an indicator, with how sure the order is."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Final

import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.analysis.indicator_tables import indicator_ranks, indicator_table
from supplyrisk.data.tables import table
from supplyrisk.data.vocabulary import commodity_of
from supplyrisk.engine.run import simulate as simulated
from supplyrisk.engine.streams import seed_of
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.scorecard._rows import HEADLINE, headline, threatened_share
from supplyrisk.scorecard.composite import checked_weights, compose
from supplyrisk.scorecard.estimates import UNKNOWN, Estimate, drawn, estimates
from supplyrisk.scorecard.scoring import case_of, latest_day

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COMPOSITE: Final = "composite"
_LEAST: Final = 2


def rank(
    commodities: Iterable[str] | None = None,
    *,
    region: str | None = None,
    by: str = "supply_risk",
    simulate: bool = False,
    weights: Mapping[str, float] | None = None,
    as_of: dt.date | None = None,
    n_scenarios: int = 10_000,
    rng: int | np.random.Generator | None = None,
) -> pd.DataFrame:
    """Rank commodities by an indicator, the riskiest first, with how sure each rank is.

    Parameters
    ----------
    commodities : iterable of str, optional
        Bundled commodities by name or alias; all by default.
    region : str, optional
        Region or country that indicators are for, as of `indicator_table`.
    by : str, default "supply_risk"
        What to rank by: an indicator; ``"supply_at_risk"``, the share of supply lost in the worst
        5 % of futures; or ``"composite"``. The last two are simulated, which takes some seconds a
        commodity.
    simulate : bool, default False
        Whether to add the supply at risk where it is not ranked by.
    weights : mapping of str to float, optional
        Weights of the composite's parts, which sum to 1; only with ``by="composite"``.
    as_of : datetime.date, optional
        Day that the figures must have been known on; by default the last one on which the bundled
        catalogue of stops looked.
    n_scenarios : int, default 10_000
        Number of futures of each commodity.
    rng : int, numpy.random.Generator or None
        Seed, as for `supplyrisk.simulate`.

    Returns
    -------
    pandas.DataFrame
        Indexed by commodity, in order: rank, with its 90 % range in rank_low and rank_high;
        coverage, the share of the inputs of all indicators that is known [1]; every indicator, of
        several stages that of the riskiest, with its 90 % interval in columns that end in
        ``_ci_low`` and ``_ci_high``. With a composite also composite_coverage, the same of its
        parts, and weight_rank_low and weight_rank_high: the 90 % range of the rank over all
        weightings. ``attrs`` holds by, as_of, region and weights.

    Raises
    ------
    InvalidInputError
        If a commodity, the region, `by` or a weight is none of those there are, or `weights` are
        given without a composite; the message names near ones.

    Notes
    -----
    Ranks of indicators are those of `indicator_ranks`. Those of what is simulated and of composites
    have ranges from draws within the interval of each figure, independent of each other. Ties share
    the mean of their ranks. What is not known has no rank, takes none from others, and stands last,
    as does a composite with a part that is not known. Figures and draws of a commodity hang on its
    name alone, not on which others are ranked.

    Examples
    --------
    >>> rank(["tin", "gallium", "copper"], by="hhi", rng=1)["rank"].to_dict()
    {'gallium': 1.0, 'tin': 2.0, 'copper': 3.0}
    """
    names = _names(commodities)
    day = latest_day() if as_of is None else as_of
    if weights is not None and by != COMPOSITE:
        rule = f"must be left out unless by is {COMPOSITE!r}"
        raise InvalidInputError("rank", [Fault("weights", rule, weights)])
    chosen, seed = checked_weights(weights), seed_of(rng)
    known = indicator_table(names, region=region, as_of=day, rng=seed)
    columns = list(known.sort_values("commodity", kind="stable")["name"].unique())
    faults = [*check.choice("by", by, [*columns, HEADLINE, COMPOSITE])]
    if faults:
        raise InvalidInputError("rank", faults)
    figures = {name: estimates(known[known["commodity"] == name]) for name in names}
    if simulate or by in {HEADLINE, COMPOSITE}:
        columns.insert(0, HEADLINE)
        for name, found in figures.items():
            found[HEADLINE] = _supply_at_risk(name, day, n_scenarios, seed)
    made = None
    if by == COMPOSITE:
        columns.insert(0, COMPOSITE)
        made = {name: compose(name, found, chosen, seed) for name, found in figures.items()}
        for name, one in made.items():
            figures[name][COMPOSITE] = Estimate(one.value, *one.interval, one.coverage)
    frame = _table(figures, [by, *(name for name in columns if name != by)])
    frame.insert(0, "coverage", _coverage(known, figures))
    if made is not None:
        frame.insert(1, "composite_coverage", [one.coverage for one in made.values()])
        weighed = _ranks(frame[by], [one.by_weighting for one in made.values()])
        _insert(frame, weighed[["rank_low", "rank_high"]].add_prefix("weight_"))
        ranks = _ranks(frame[by], [one.draws for one in made.values()])
    elif by == HEADLINE:
        draws = [drawn(found[HEADLINE], seed, name, by) for name, found in figures.items()]
        ranks = _ranks(frame[by], draws)
    else:
        ranks = indicator_ranks(names, by, region=region, as_of=day, rng=seed)
    _insert(frame, ranks[["rank", "rank_low", "rank_high"]])
    frame.attrs = {"by": by, "as_of": day, "region": region, "weights": chosen if made else None}
    return frame.sort_values(["rank", "commodity"])


def _insert(frame: pd.DataFrame, columns: pd.DataFrame) -> None:
    for place, (name, column) in enumerate(columns.items()):
        frame.insert(place, name, column.reindex(frame.index))


def _ranks(values: pd.Series[float], draws: list[Floats]) -> pd.DataFrame:
    """Rank values, the largest first, with the 90 % range of the ranks under draws."""
    drawn_ranks = pd.DataFrame(draws, index=values.index).rank(ascending=False)
    return pd.DataFrame(
        {
            "rank": values.rank(ascending=False),
            "rank_low": drawn_ranks.quantile(0.05, axis=1, interpolation="lower"),
            "rank_high": drawn_ranks.quantile(0.95, axis=1, interpolation="higher"),
        }
    )


def _names(commodities: Iterable[str] | None) -> list[str]:
    """Return commodities by their names, each once."""
    if commodities is None:
        return table("commodities")["commodity"].tolist()
    given = [commodities] if isinstance(commodities, str) else list(commodities)
    names = list(dict.fromkeys(map(commodity_of, given)))
    if len(names) < _LEAST:
        rule = f"must name at least {_LEAST}"
        raise InvalidInputError("rank", [Fault("commodities", rule, given)])
    return names


def _supply_at_risk(name: str, day: dt.date, n_scenarios: int, seed: int) -> Estimate:
    """Simulate the losses of a commodity; the price moves none of them."""
    case = case_of(name, day)
    if case is None:
        return UNKNOWN
    outlook = simulated(replace(case, markets=(), citations=()), n_scenarios, rng=seed)
    tail, ends = headline(outlook)
    return Estimate(tail, ends.low, ends.high, threatened_share(outlook))


def _table(figures: dict[str, dict[str, Estimate]], columns: list[str]) -> pd.DataFrame:
    records = [
        {
            key: cell
            for column in columns
            for key, cell in _cells(column, found.get(column, UNKNOWN)).items()
        }
        for found in figures.values()
    ]
    return pd.DataFrame(records, index=pd.Index(list(figures), name="commodity"))


def _cells(name: str, one: Estimate) -> dict[str, float]:
    return {name: one.value, f"{name}_ci_low": one.low, f"{name}_ci_high": one.high}


def _coverage(known: pd.DataFrame, figures: dict[str, dict[str, Estimate]]) -> list[float]:
    """Return the mean share of known inputs over all indicators, and the headline if simulated."""
    shares = known["coverage"].where(known["value"].notna(), 0.0)
    covered = []
    for name, found in figures.items():
        headlines = [found[HEADLINE].coverage] if HEADLINE in found else []
        covered.append(fmean([*shares[known["commodity"] == name], *headlines]))
    return covered
