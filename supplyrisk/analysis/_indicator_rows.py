"""Rows of the table of indicators: what all of them share, and those of concentration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import special

from supplyrisk import indicators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from supplyrisk.analysis._governed import GovernanceView
    from supplyrisk.analysis._listed_rows import Listed
    from supplyrisk.analysis._mixes import Bundled, Mix
    from supplyrisk.analysis._regions import Region
    from supplyrisk.engine.streams import Streams

    Floats = NDArray[np.float64]

MATCHED: Final = "matched to published values"
PUBLIC: Final = "formula public"
PARTLY: Final = "definition partly confirmed"
PUBLISHED: Final = "as published"
ASSUMED: Final = "assumption"
STANDINGS: Final = (MATCHED, PUBLIC, PARTLY, PUBLISHED, ASSUMED)
"""How a method stands, or where a figure comes from that no method was applied to."""

LOWER_IS_RISKIER: Final = frozenset(
    {
        "gini_simpson",
        "hill_number_1",
        "hill_number_2",
        "n_minus_one_coverage",
        "n_minus_one_coverage_iea",
        "recycling_input_rate",
        "shannon_entropy",
        "supply_left",
        "weighted_country_risk",
    }
)


class Row(NamedTuple):
    """One row of the table; `draws` become its interval.

    Attributes
    ----------
    commodity, name, value, unit, stage, vintage, source_id, standing, coverage, note
        As in the table; the value NaN where there is none, and the reason in the note.
    draws : ndarray, shape (n_draws,), or None
        The value under the errors of its inputs.
    """

    commodity: str
    name: str
    value: float
    unit: str = "1"
    stage: str = ""
    vintage: str = ""
    source_id: str = ""
    standing: str = PUBLIC
    coverage: float = 0.0
    note: str = ""
    draws: Floats | None = None


@dataclass(frozen=True, eq=False)
class Setting:
    """What was asked for beside the commodities.

    Attributes
    ----------
    governance
        How countries are governed.
    bundled, listed
        The bundled tables as they were known.
    streams
        Random numbers by name.
    n_draws
        Number of draws; none with 0.
    region
        Whose supply it is; none for the world's.
    trade
        Trade with codes for names; none without.
    basis
        What its tonnes are tonnes of, by commodity, where it says so.
    lost
        What is lost: codes of countries, ids of sites and smelters.
    """

    governance: GovernanceView
    bundled: Bundled
    listed: Listed
    streams: Streams
    n_draws: int
    region: Region | None
    trade: pd.DataFrame | None
    basis: dict[str, str]
    lost: frozenset[str] = frozenset()


class Part(NamedTuple):
    """A mix of sites, smelters or companies.

    Attributes
    ----------
    by : str
        What the suppliers are: ``"site"``, ``"smelter"`` or ``"company"``.
    mix : Mix
        The mix.
    units : ndarray of int, shape (n_suppliers,)
        Of how many like ones each consists.
    known : float
        Share of the mix that is known by this division. [1]
    note : str
        What to mind.
    """

    by: str
    mix: Mix
    units: NDArray[np.int64]
    known: float
    note: str


class Drawn(NamedTuple):
    """A mix under its errors, shape (n_draws, n_suppliers) each; none without draws."""

    shares: Floats
    mean: Floats
    stability: Floats


Measure = tuple["Callable[[Floats], float]", "Callable[[Floats], Floats]"]


def _squares(shares: Floats) -> Floats:
    return np.asarray(np.einsum("ds,ds->d", shares, shares))


def _normalised(shares: Floats) -> Floats:
    n = np.maximum(np.count_nonzero(shares > 0.0, axis=1), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        out = (_squares(shares) - 1.0 / n) / (1.0 - 1.0 / n)
    return np.where(n == 1, 1.0, out)


def _entropy(shares: Floats) -> Floats:
    return np.asarray(special.entr(shares).sum(axis=1))


# Each with the function for one mix and, row by row, for many; a test holds them together.
CONCENTRATION: Final[dict[str, Measure]] = {
    "hhi": (indicators.hhi, _squares),
    "hhi_normalised": (indicators.normalised_hhi, _normalised),
    "shannon_entropy": (indicators.shannon_entropy, _entropy),
    "hill_number_1": (lambda s: indicators.hill_number(s, 1), lambda d: np.exp(_entropy(d))),
    "hill_number_2": (lambda s: indicators.hill_number(s, 2), lambda d: 1.0 / _squares(d)),
    "gini_simpson": (indicators.gini_simpson, lambda d: 1.0 - _squares(d)),
}
_UNITS: Final = {"shannon_entropy": "nat"}
_LEAST_SAID: Final = 0.0005
"""Share from which on a note names it: below, it reads as 0.0 %, or is an error of rounding. [1]"""


def draw(mix: Mix, setting: Setting) -> Drawn | None:
    """Draw a mix and its governance; in simulated futures the governance stands still."""
    if not can_draw(mix, setting):
        return None
    amounts = mix.drawn(setting.streams, setting.bundled.revisions, setting.n_draws)
    total = amounts.sum(axis=1, keepdims=True)
    shares = np.divide(amounts, total, out=np.full_like(amounts, np.nan), where=total > 0)
    if mix.futures is not None:
        known = setting.governance.of(mix.names)
        return Drawn(shares, known.mean, known.stability)
    return Drawn(shares, *setting.governance.drawn(mix.names, setting.streams, setting.n_draws))


def can_draw(mix: Mix, setting: Setting) -> bool:
    """Whether an interval can be drawn; not as long as nobody knew how estimates are revised."""
    if mix.futures is not None:
        return True
    is_blind = bool(mix.is_estimate.any()) and not setting.bundled.revisions.n
    return setting.n_draws > 0 and not is_blind


def mix_rows(mix: Mix, setting: Setting, drawn: Drawn | None) -> Iterator[Row]:
    """Yield the concentration of a mix of countries, and how it is governed."""
    shares, named = mix.shares, mix.is_named
    others = 1.0 - math.fsum(shares[named])
    said = f"other countries ({others:.1%}) count as one supplier" if others >= _LEAST_SAID else ""
    base = _base(mix, mix.named_share, said)
    for name, (one, many) in CONCENTRATION.items():
        draws = None if drawn is None else many(drawn.shares)
        value = _value(mix, one(shares), draws)
        yield base._replace(name=name, value=value, unit=_UNITS.get(name, "1"), draws=draws)
    for k in (1, 3):
        largest = None
        if drawn is not None:
            largest = -np.sort(-drawn.shares[:, named], axis=1)[:, :k].sum(axis=1)
        value = indicators.top_share(shares[named], k, renormalise=False) if named.any() else 0.0
        value = _value(mix, value, largest)
        note = "; ".join(filter(None, (mix.note, ", ".join(mix.largest(k)))))
        yield base._replace(name=f"top_{k}_share", value=value, draws=largest, note=note)
    yield from _governed_rows(mix, setting, drawn)


def part_rows(part: Part, setting: Setting) -> Iterator[Row]:
    """Yield the concentration of a mix of sites, smelters or companies."""
    mix, units = part.mix, part.units
    draws = None
    if can_draw(mix, setting):
        amounts = mix.drawn(setting.streams, setting.bundled.revisions, setting.n_draws)
        total = amounts.sum(axis=1)
        squares = (amounts**2 / units).sum(axis=1)
        draws = np.divide(squares, total**2, out=np.full_like(total, np.nan), where=total > 0)
    value = indicators.hhi(np.repeat(mix.shares / units, units))
    row = _base(mix, part.known * mix.known, part.note)
    yield row._replace(name=f"hhi_by_{part.by}", value=_value(mix, value, draws), draws=draws)


def _governed_rows(mix: Mix, setting: Setting, drawn: Drawn | None) -> Iterator[Row]:
    base = _base(mix, 0.0, "")
    view = setting.governance
    if not view.source_id:
        reason = "no governance had been published by then, of what is bundled"
        for name in ("hhi_wgi", "weighted_country_risk"):
            yield base._replace(name=name, value=math.nan, note=reason)
        return
    known = view.of(mix.names)
    governed = math.fsum(mix.shares * known.known)
    lacking = 1.0 - governed
    said = ""
    if lacking >= _LEAST_SAID:
        said = f"governance of {lacking:.1%} not known, taken as the world's mean"
    base = base._replace(
        coverage=mix.known * governed,
        source_id=f"{mix.source_id};{view.source_id}",
        vintage=f"{mix.vintage}; governance {view.vintage}",
        note="; ".join(filter(None, (base.note, said))),
    )
    draws = None if drawn is None else weighted_draws(drawn)
    value = indicators.governance_weighted_hhi(mix.shares, weight(known.mean))
    yield base._replace(name="hhi_wgi", value=_value(mix, value, draws), draws=draws)
    draws = None if drawn is None else (drawn.shares * drawn.mean).sum(axis=1)
    value = indicators.weighted_country_risk(mix.shares, known.mean)
    value = _value(mix, value, draws)
    yield base._replace(name="weighted_country_risk", value=value, standing=PARTLY, draws=draws)


def weight(mean: Floats) -> Floats:
    """Return the European weight of mean estimates of governance, 10 the worst [1]."""
    return np.clip(2.0 * (2.5 - mean), 0.0, 10.0)


def weighted_draws(drawn: Drawn) -> Floats:
    """Return the governance-weighted index of every draw, shape (n_draws,) [1]."""
    return np.asarray((drawn.shares**2 * weight(drawn.mean)).sum(axis=1))


def interval(draws: Floats | None) -> tuple[float, float]:
    """Return the 90 % interval of draws, NaN without any."""
    known = np.empty(0) if draws is None else draws[~np.isnan(draws)]
    if not known.size:
        return math.nan, math.nan
    low, high = np.quantile(known, (0.05, 0.95))
    return float(low), float(high)


def _value(mix: Mix, value: float, draws: Floats | None) -> float:
    """Return the value of a mix; over simulated futures their mean."""
    if mix.futures is None or draws is None:
        return value
    return float(np.nanmean(draws)) if not np.isnan(draws).all() else math.nan


def _base(mix: Mix, coverage: float, said: str) -> Row:
    futures = "" if mix.futures is None else f"mean over {len(mix.futures):,} simulated futures"
    return Row(
        commodity=mix.commodity,
        name="",
        value=math.nan,
        stage=mix.stage,
        vintage=mix.vintage,
        source_id=mix.source_id,
        coverage=coverage,
        note="; ".join(filter(None, (futures, mix.note, said))),
    )
