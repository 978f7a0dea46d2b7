"""Who supplies a stage of a metal, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from supplyrisk._countries import OTHER_COUNTRIES
from supplyrisk.data.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.streams import Streams

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Groups = dict[tuple[str, str], pd.DataFrame]

STAGES: Final = {"extraction": "mine", "processing": "refinery"}
"""Stages of the European study, as the production table calls them."""
ENOUGH_NAMED: Final = 0.9
"""Share of a stage from named suppliers from which on it says how concentrated the stage is. [1]"""
_PRINTED: Final = 0.001
"""Last digit of the European shares. [1]"""
_LARGE: Final = (0.05, 0.2)
"""Shares of the world between which revisions are pooled: small producers are revised more."""


@dataclass(frozen=True, eq=False)
class Mix:
    """Suppliers of one stage of one commodity.

    Attributes
    ----------
    commodity, stage
        What, and at which stage.
    names
        Countries, or sites, or companies; ``"ZZZ"`` for other countries.
    amounts
        What each supplies, in any one unit, shape (n_suppliers,).
    half_width
        Half the last printed digit of each, in the same unit, shape (n_suppliers,).
    is_estimate
        Which may still be revised, shape (n_suppliers,).
    vintage, source_id, note
        Years, sources joined by a semicolon, and what to mind.
    known
        Share of the stage that the suppliers make up, those without a name included. [1]
    futures
        What each really makes in every simulated future, shape (n_futures, n_suppliers); else none.
    """

    commodity: str
    stage: str
    names: tuple[str, ...]
    amounts: Floats
    half_width: Floats
    is_estimate: Flags
    vintage: str
    source_id: str
    note: str = ""
    known: float = 1.0
    futures: Floats | None = None

    @property
    def shares(self) -> Floats:
        """Shares of the suppliers, shape (n_suppliers,) [1]."""
        return self.amounts / math.fsum(self.amounts)

    @property
    def named_share(self) -> float:
        """Share of the stage that named suppliers make up [1]."""
        return self.known * math.fsum(self.shares[self.is_named])

    @property
    def is_named(self) -> Flags:
        """Which suppliers are no unnamed rest, shape (n_suppliers,)."""
        return np.array([name != OTHER_COUNTRIES for name in self.names], dtype=bool)

    def largest(self, k: int) -> list[str]:
        """Return the names of the `k` largest named suppliers."""
        order = np.argsort(-self.amounts * self.is_named, kind="stable").tolist()
        return [self.names[place] for place in order if self.is_named[place]][:k]

    def without(self, lost: Iterable[str]) -> Mix:
        """Return the mix that is left without some suppliers."""
        gone = set(lost)
        keep = np.array([name not in gone for name in self.names], dtype=bool)
        return replace(
            self,
            names=tuple(name for name in self.names if name not in gone),
            amounts=self.amounts[keep],
            half_width=self.half_width[keep],
            is_estimate=self.is_estimate[keep],
            futures=None if self.futures is None else self.futures[:, keep],
        )

    def drawn(self, streams: Streams, revisions: Revisions, n_draws: int) -> Floats:
        """Draw what each supplies, shape (n_draws, n_suppliers), or give its futures."""
        if self.futures is not None:
            return self.futures
        out = np.empty((n_draws, len(self.names)))
        shares = self.shares
        for place, name in enumerate(self.names):
            stream = streams.stream("mix", self.commodity, self.stage, name)
            u, pick = stream.random((2, n_draws))
            amount = self.amounts[place] + self.half_width[place] * (2.0 * u - 1.0)
            pool = revisions.pool(float(shares[place]))
            if self.is_estimate[place] and pool.size:
                amount = amount * pool[(pick * pool.size).astype(np.intp)]
            out[:, place] = np.maximum(amount, 0.0)
        return out


@dataclass(frozen=True, eq=False)
class Revisions:
    """By how much editions revised an estimate of the edition before: new over old.

    Attributes
    ----------
    small, middle, large
        Factors for producers of less than 5 %, of 5 to 20 % and of more of the world. [1]
    """

    small: Floats
    middle: Floats
    large: Floats

    def pool(self, share: float) -> Floats:
        """Return the factors that hold for a producer of a share of the world."""
        if share < _LARGE[0]:
            return self.small
        return self.middle if share < _LARGE[1] else self.large

    @property
    def n(self) -> int:
        """Number of revisions behind them."""
        return self.small.size + self.middle.size + self.large.size


@dataclass(frozen=True, eq=False)
class Bundled:
    """The tables of supply as they were known on a day.

    Attributes
    ----------
    production
        Rows of ``production``, with `published`.
    shares
        Rows of ``supply_shares``.
    revisions
        How its editions revised each other.
    withheld
        Commodity, stage, year and edition of which a producer is kept back.
    """

    production: Groups
    shares: Groups
    revisions: Revisions
    withheld: frozenset[tuple[str, str, str, str]]

    @classmethod
    def known(cls, as_of: pd.Timestamp | None) -> Bundled:
        """Return what had been published by a day; everything without one."""
        production, shares = known_by("production", as_of), known_by("supply_shares", as_of)
        totals = table("production_totals")
        totals = totals[totals["reason"] == "withheld"]
        key = totals[["commodity", "stage", "year", "source_id"]].astype(str)
        withheld = frozenset(key.itertuples(index=False, name=None))
        return cls(_by_stage(production), _by_stage(shares), _revisions(production), withheld)

    def mixes(self, commodity: str) -> Iterator[Mix]:
        """Yield the mix of each stage of a commodity of which there are figures."""
        studied = {STAGES[s]: _studied(f) for (c, s), f in self.shares.items() if c == commodity}
        for stage in ("mine", "refinery"):
            rows = self.production.get((commodity, stage))
            made = None if rows is None else produced(newest(rows))
            if made and (commodity, stage, made.vintage, made.source_id) in self.withheld:
                made = replace(made, note="the output of a producer is withheld, and not covered")
            if made is not None and (made.named_share >= ENOUGH_NAMED or stage not in studied):
                yield made
            elif stage in studied:
                yield studied[stage]

    def first_stage(self, commodity: str) -> pd.DataFrame | None:
        """Return the production of the first stage of a commodity; none without any."""
        stages = ("mine", "refinery")
        found = (self.production.get((commodity, stage)) for stage in stages)
        return next((rows for rows in found if rows is not None), None)


def known_by(name: str, as_of: pd.Timestamp | None, *, year: str | None = None) -> pd.DataFrame:
    """Return the rows of a bundled table that had been published by a day.

    Parameters
    ----------
    name : str
        Name of the table; each row names its source.
    as_of : pandas.Timestamp or None
        The day; everything is known without one.
    year : str, optional
        Column of a year after which a row counts as known where its source has no date.

    Returns
    -------
    pandas.DataFrame
        Its rows with the column `published`.
    """
    rows = table(name)
    published = rows["source_id"].map(table("sources").set_index("source_id")["published"])
    if year is not None:
        ended = pd.to_datetime(rows[year].astype(str).str[-4:] + "-12-31")
        published = published.fillna(ended)
    rows = rows.assign(published=published)
    return rows if as_of is None else rows[published <= as_of]


def _by_stage(rows: pd.DataFrame) -> Groups:
    return {(str(c), str(s)): part for (c, s), part in rows.groupby(["commodity", "stage"])}


def newest(rows: pd.DataFrame, year: int | None = None) -> pd.DataFrame:
    """Return the newest edition of a year, of the newest year by default.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of ``production`` of one commodity and stage, with the column `published`.
    year : int, optional
        The year.

    Returns
    -------
    pandas.DataFrame
        Rows of one year and edition; none if there is no such year.
    """
    wanted = rows["year"].max() if year is None else year
    of_year: pd.DataFrame = rows[rows["year"] == wanted]
    edition: pd.DataFrame = of_year[of_year["published"] == of_year["published"].max()]
    return edition


def produced(rows: pd.DataFrame) -> Mix:
    """Return the mix of the countries in rows of ``production`` of one year and edition."""
    amounts = rows["production_t"].to_numpy(dtype=float)
    first = rows.iloc[0]
    return Mix(
        commodity=str(first["commodity"]),
        stage=str(first["stage"]),
        names=tuple(rows["country"]),
        amounts=amounts,
        half_width=np.array([rounding(x) / 2.0 for x in amounts.tolist()]),
        is_estimate=(rows["standing"] == "estimate").to_numpy(dtype=bool),
        vintage=str(first["year"]),
        source_id=str(first["source_id"]),
    )


def _studied(rows: pd.DataFrame) -> Mix:
    """Return the mix of the European study; what is missing from 1 is one other country."""
    given = rows["share"].to_numpy(dtype=float, na_value=np.nan)
    amounts = np.where(np.isnan(given), _PRINTED / 2.0, given)
    names = [str(name) for name in rows["country"]]
    rest = 1.0 - float(np.nansum(given))
    note = ""
    if rest > _PRINTED * len(names) / 2.0:
        if OTHER_COUNTRIES not in names:
            names.append(OTHER_COUNTRIES)
            amounts = np.append(amounts, 0.0)
        amounts[names.index(OTHER_COUNTRIES)] += rest
        note = f"{rest:.1%} without a country in the study count as one other country"
    first = rows.iloc[0]
    return Mix(
        commodity=str(first["commodity"]),
        stage=STAGES[str(first["stage"])],
        names=tuple(names),
        amounts=amounts,
        half_width=np.full(len(names), _PRINTED / 2.0),
        is_estimate=np.zeros(len(names), dtype=bool),
        vintage=str(first["period"]),
        source_id=str(first["source_id"]),
        note=note,
    )


def rounding(amount: float) -> float:
    """Return the unit of the last digit that an amount is printed to, two digits at least.

    Parameters
    ----------
    amount : float
        An amount as printed.

    Returns
    -------
    float
        The unit, e.g. 1,000 for 25,000 and 10 for 17,610; 0 for 0.
    """
    if amount <= 0.0:
        return 0.0
    digits = f"{amount:.9e}"
    mantissa, exponent = digits.split("e")
    kept = max(len(mantissa.replace(".", "").rstrip("0")), 2)
    return float(10.0 ** (int(exponent) - kept + 1))


def _revisions(rows: pd.DataFrame) -> Revisions:
    """Pool what consecutive editions say of one country's output in one year."""
    key = ["commodity", "stage", "year"]
    total = rows.groupby([*key, "source_id"])["production_t"].transform("sum")
    frame = rows.assign(share=rows["production_t"] / total)
    frame = frame.sort_values("published", kind="stable")
    later = frame.groupby([*key, "country"])["production_t"].shift(-1)
    factor = later / frame["production_t"]
    wanted = (
        (frame["standing"] == "estimate")
        & later.notna()
        & (frame["production_t"] > 0)
        & (frame["country"] != OTHER_COUNTRIES)
    )
    share, factors = frame.loc[wanted, "share"].to_numpy(), factor[wanted].to_numpy(dtype=float)
    place = np.searchsorted(np.array(_LARGE), share, side="right")
    pools: list[Any] = [np.sort(factors[place == n]) for n in range(3)]
    return Revisions(*pools)
