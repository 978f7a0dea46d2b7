"""Rows of the table of indicators that come from one bundled figure: lists, recycling, demand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from supplyrisk import indicators
from supplyrisk.analysis._indicator_rows import ASSUMED, PARTLY, PUBLIC, PUBLISHED, Row, Setting
from supplyrisk.analysis._mixes import known_by, newest, produced
from supplyrisk.data.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from supplyrisk.analysis._mixes import Mix
    from supplyrisk.model.case import Case

LISTS: Final = {
    "listed_eu": (("eu-crm-2023", "eu-crma-2024"), "critical"),
    "listed_eu_strategic": (("eu-crm-2023", "eu-crma-2024"), "strategic"),
    "listed_us": (("us-2022", "us-2025"), "critical"),
    "listed_uk": (("uk-2024",), "critical"),
    "listed_japan": (("jp-rare-metals-2009",), "strategic"),
}
"""Lists of each issuer from first to last, and what it calls its members."""
_HALF_PERCENT: Final = 0.005
"""Half the last digit of rates and uses printed in percent. [1]"""


class Listed:
    """The bundled tables behind these rows, as they were known on a day.

    Parameters
    ----------
    as_of : pandas.Timestamp, optional
        The day; everything is known without one.
    """

    def __init__(self, as_of: pd.Timestamp | None) -> None:
        lists = known_by("official_lists", as_of, year="list_id")
        keys = zip(lists["list_id"], lists["commodity"], lists["category"], strict=True)
        self._lists = dict(zip(keys, lists.to_dict("records"), strict=True))
        # A commodity that is not on a list may not have been looked up: the list is known anyway.
        self._list_ids = frozenset(lists["list_id"])
        self._recycling = known_by("recycling", as_of, year="year")
        uses = known_by("end_uses", as_of, year="year")
        self._uses = uses[uses["region"] == "eu27"]
        self._largest = float(self._uses["value_added_meur"].max())
        self._balances = known_by("balances", as_of)
        facts = table("commodities")
        flags = facts["is_byproduct_mostly"].to_numpy(dtype=float, na_value=math.nan).tolist()
        self._byproduct = {
            name: (flag, source)
            for name, flag, source in zip(
                facts["commodity"], flags, facts["source_id"], strict=True
            )
        }
        self.production = known_by("production", as_of)

    def identity(self, commodity: str) -> Iterator[Row]:
        """Yield on which lists a commodity stands, and whether it is mostly a by-product."""
        for name, (list_ids, category) in LISTS.items():
            known = [list_id for list_id in list_ids if list_id in self._list_ids]
            if not known:
                reason = "no such list had been published by then"
                yield _blank(commodity, name, reason, standing=PUBLISHED)
                continue
            key = (known[-1], commodity, category)
            if key not in self._lists:
                reason = "not looked up in this list"
                yield _blank(commodity, name, reason, vintage=known[-1], standing=PUBLISHED)
                continue
            found = self._lists[key]
            yield Row(
                commodity=commodity,
                name=name,
                value=float(found["listed"]),
                vintage=known[-1],
                source_id=str(found["source_id"]),
                standing=PUBLISHED,
                coverage=1.0,
                note=_text(found["note"]),
            )
        flag, source = self._byproduct.get(commodity, (math.nan, ""))
        is_unclear = math.isnan(flag)
        yield Row(
            commodity=commodity,
            name="mostly_by_product",
            value=flag,
            source_id=source,
            standing=ASSUMED,
            coverage=float(not is_unclear),
            note="unclear" if is_unclear else "by general knowledge",
        )

    def recycling(self, commodity: str, setting: Setting) -> Row:
        """Return the end-of-life recycling input rate in the European Union."""
        rows = self._recycling
        mine = rows[
            (rows["commodity"] == commodity)
            & (rows["region"] == "eu27")
            & (rows["measure"] == "end_of_life_recycling_input_rate")
        ]
        if mine.empty:
            reason = "no rate of the EU is bundled"
            return _blank(commodity, "recycling_input_rate", reason, standing=PUBLISHED)
        last = mine.sort_values("year").iloc[-1]
        draws = _printed(np.array([last["rate"]]), setting, "recycling", commodity)
        return Row(
            commodity=commodity,
            name="recycling_input_rate",
            value=float(last["rate"]),
            vintage=str(last["year"]),
            source_id=str(last["source_id"]),
            standing=PUBLISHED,
            coverage=1.0,
            note="; ".join(filter(None, ("end of life, European Union", _text(last["note"])))),
            draws=None if draws is None else draws[:, 0],
        )

    def importance(self, commodity: str, setting: Setting) -> Row:
        """Return the economic importance in the European Union, before substitution."""
        name = "economic_importance"
        if setting.region is not None and setting.region.name != "EU27":
            reason = "uses and value added are bundled for the EU alone"
            return _blank(commodity, name, reason, standing=PARTLY)
        rows = self._uses[self._uses["commodity"] == commodity].dropna(subset=["share"])
        known = rows[rows["value_added_meur"].notna()]
        if known.empty:
            return _blank(commodity, name, "no uses in the EU are bundled", standing=PARTLY)
        share = known["share"].to_numpy(dtype=float)
        added = known["value_added_meur"].to_numpy(dtype=float)
        value = indicators.economic_importance(
            use_shares=share,
            value_added=added,
            largest_value_added=self._largest,
            substitution_index=1.0,
            renormalise=True,
        )
        drawn = _printed(share, setting, "uses", commodity)
        draws = None
        if drawn is not None:
            draws = 10.0 * (drawn @ added) / drawn.sum(axis=1) / self._largest
        covered = math.fsum(share) / math.fsum(rows["share"])
        note = "not known: substitution (none)"
        if covered < 1.0:
            note += f", value added of {1.0 - covered:.0%} of the uses (as of the others)"
        return Row(
            commodity=commodity,
            name=name,
            value=value,
            vintage=str(known["year"].iloc[0]),
            source_id=str(known["source_id"].iloc[0]),
            standing=PARTLY,
            coverage=covered / 2.0,
            note=note,
            draws=draws,
        )

    def n_minus_one(self, commodity: str, lost: frozenset[str]) -> Iterator[Row]:
        """Yield the coverage of demand without the largest country that is not lost already."""
        use = self._of_world(commodity, "refined_use")
        rows = self.production
        rows = rows[(rows["commodity"] == commodity) & (rows["stage"] == "refinery")]
        year = max(set(use.index) & set(rows["year"]), default=None)
        if year is None:
            reason = "demand for what is refined is not bundled"
            yield from _no_coverage(commodity, reason)
            return
        made = produced(newest(rows, int(year))).without(lost)
        if not made.is_named.any():
            yield from _no_coverage(commodity, "nobody who is named is left")
            return
        demand = float(use.loc[year, "value_t"])
        rest = float(made.amounts[~made.is_named].sum())
        yield Row(
            commodity=commodity,
            name="n_minus_one_coverage",
            value=coverage_without_largest(made.amounts[made.is_named], rest, demand),
            stage="refinery",
            vintage=str(year),
            source_id=f"{made.source_id};{use.loc[year, 'source_id']}",
            standing=PUBLIC,
            coverage=1.0,
            note=f"without {made.largest(1)[0]}",
        )
        yield _blank(
            commodity, "n_minus_one_coverage_iea", _NO_OWN, stage="refinery", standing=PARTLY
        )

    def _of_world(self, commodity: str, measure: str) -> pd.DataFrame:
        rows = self._balances
        mine = rows[
            (rows["commodity"] == commodity)
            & (rows["measure"] == measure)
            & (rows["place"] == "world")
            & (rows["standing"] == "reported")
        ]
        return mine.set_index(mine["period_start"].dt.year)


_NO_OWN: Final = "demand of the largest supplier is not known"


def case_n_minus_one(case: Case, mined: Mix | None, left: float) -> Iterator[Row]:
    """Yield the coverage of demand in a case without its largest producing country.

    Parameters
    ----------
    case : Case
        The case.
    mined : Mix or None
        Its plan by country, without what is lost; none where nothing is left.
    left : float
        Share of the whole plan that this is. [1]

    Yields
    ------
    Row
        One for each convention.
    """
    commodity = str(case.commodity)
    market = next((m for m in case.markets if m.commodity == commodity), None)
    if market is None or mined is None or not mined.is_named.any():
        yield from _no_coverage(commodity, "no market with a demand, or nobody named supplies")
        return
    amounts = mined.amounts[mined.is_named]
    planned = float(mined.amounts.sum())
    # What the sites do not make, scrap for the most part, comes on top of what is left of them.
    rest = market.supply_tpa - planned / left + planned - float(amounts.sum())
    if rest < 0.0:
        yield from _no_coverage(commodity, "the plan of the sites exceeds the market's supply")
        return
    yield Row(
        commodity=commodity,
        name="n_minus_one_coverage",
        value=coverage_without_largest(amounts, rest, float(market.demand_tpa)),
        stage=mined.stage,
        vintage=str(case.start),
        source_id=f"case {case.name}",
        standing=PUBLIC,
        coverage=1.0,
        note=f"of primary and secondary supply, without {mined.largest(1)[0]}",
    )
    yield _blank(commodity, "n_minus_one_coverage_iea", _NO_OWN, standing=PARTLY)


def coverage_without_largest(named: np.ndarray, rest: float, demand: float) -> float:
    """Return the share of all demand met without the largest of the named suppliers.

    Parameters
    ----------
    named : ndarray, shape (n_suppliers,)
        What named suppliers supply. [t/a]
    rest : float
        What all others supply together, of whom none is the largest. [t/a]
    demand : float
        Demand. [t/a]

    Returns
    -------
    float
        Coverage, not cut at 1. [1]
    """
    pieces = int(rest // named.max()) + 1
    supply = np.append(named, np.full(pieces, rest / pieces))
    asked = np.zeros(supply.size)
    asked[-1] = demand
    return indicators.n_minus_one_coverage(supply, asked)


def _no_coverage(commodity: str, reason: str) -> Iterator[Row]:
    yield _blank(commodity, "n_minus_one_coverage", reason)
    yield _blank(commodity, "n_minus_one_coverage_iea", reason, standing=PARTLY)


def _blank(
    commodity: str,
    name: str,
    reason: str,
    *,
    stage: str = "",
    vintage: str = "",
    standing: str = PUBLIC,
) -> Row:
    """Return a row without a value, and why."""
    return Row(
        commodity, name, math.nan, stage=stage, vintage=vintage, standing=standing, note=reason
    )


def _printed(values: np.ndarray, setting: Setting, *name: str) -> np.ndarray | None:
    """Draw figures printed in whole percent within their last digit, shape (n_draws, n)."""
    if not setting.n_draws:
        return None
    u = setting.streams.stream(*name).random((values.size, setting.n_draws)).T
    return np.clip(values + _HALF_PERCENT * (2.0 * u - 1.0), 0.0, 1.0)


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else ""
