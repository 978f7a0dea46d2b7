"""Every indicator of a metal or a case in one table, with what it rests on."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk import indicators
from supplyrisk.analysis._case_mixes import case_mixes, losses_of
from supplyrisk.analysis._flows import basis_of, flows_of, labelled
from supplyrisk.analysis._governed import governance_view
from supplyrisk.analysis._indicator_rows import (
    LOWER_IS_RISKIER,
    PARTLY,
    PUBLIC,
    Row,
    Setting,
    draw,
    interval,
    mix_rows,
    part_rows,
)
from supplyrisk.analysis._listed_rows import Listed, case_n_minus_one
from supplyrisk.analysis._mixes import ENOUGH_NAMED, Bundled
from supplyrisk.analysis._regional_rows import reliance_rows, sourcing, supply_risk
from supplyrisk.analysis._regions import country_of, region_of, several
from supplyrisk.data.vocabulary import commodity_of
from supplyrisk.engine.outlook import Outlook
from supplyrisk.engine.streams import StreamTable, seed_of
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.case import Case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplyrisk.analysis._mixes import Mix

COLUMNS: Final = (
    "commodity",
    "name",
    "value",
    "ci_low",
    "ci_high",
    "unit",
    "stage",
    "vintage",
    "source_id",
    "standing",
    "coverage",
    "note",
)
_NOT_BUNDLED: Final = "applications are bundled without the shares and parameters it needs"


def indicator_table(
    what: str | Iterable[str] | Case | Outlook,
    *,
    region: str | None = None,
    as_of: dt.date | None = None,
    n_draws: int = 2_000,
    rng: int | np.random.Generator = 0,
    without: Iterable[str] = (),
    governance: pd.DataFrame | None = None,
    trade: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return every indicator of a metal, of several, or of a case, with what it rests on.

    Parameters
    ----------
    what : str, iterable of str, Case or Outlook
        Commodities by name, from the bundled tables; a case, from its plan by country, site and
        operator and its smelters; or its simulated futures, from what is really produced in them.
    region : str, optional
        Country or group whose supply it is; the world's by default. Its reliance and GeoPolRisk
        need `trade` too.
    as_of : datetime.date, optional
        Day whose knowledge counts: editions and lists published by then. A case stands on its
        start by default, a metal on all that is bundled.
    n_draws : int, default 2_000
        Draws behind the intervals; 0 leaves them blank.
    rng : int or numpy.random.Generator, default 0
        Seed of the draws. A commodity's are the same whatever stands beside it.
    without : iterable of str, optional
        What is lost: countries, and for a case ids of sites and smelters. All shares are then those
        of what is left; rows `supply_left` say how much that is.
    governance : pandas.DataFrame, optional
        Governance of one's own, as `data.read_wgi` gives it, with standard errors or without.
    trade : pandas.DataFrame, optional
        Trade as for `supplier_contributions`, of the stage that production is counted at.

    Returns
    -------
    pandas.DataFrame
        A row per commodity, indicator and stage: commodity, name, value, its 90 % interval ci_low
        and ci_high, unit, stage, vintage, source_id, standing of the method, coverage, the share of
        the supply or of the inputs that is known [1], and note. A value that is not known is blank
        and the note says why.

    Raises
    ------
    TypeError
        If `as_of` is no date, `what` is none of these, or a table is no data frame.
    InvalidInputError
        If a commodity, region or what is lost is unknown, or a table breaks its rules.

    Notes
    -----
    What is missing lowers the coverage and counts against the metal: no recycling, no substitutes,
    other countries as one supplier. Governance that is missing is the world's mean, with the spread
    of the world in the interval.

    The intervals hold the standard errors of the governance (0.2 for an estimate where none is
    given, the six of a country moving together), the last printed digit, and for estimates the
    factors by which later editions revised estimates of producers of the same size. For an outlook
    they are the quantiles over its futures.

    Examples
    --------
    >>> table = indicator_table("tin", n_draws=0).set_index(["name", "stage"])
    >>> round(float(table.loc[("hhi", "mine"), "value"]), 3)
    0.143
    """
    day = _day(as_of)
    if isinstance(what, Case | Outlook):
        case = what.case if isinstance(what, Outlook) else what
        day = pd.Timestamp(case.start) if day is None else day
        setting = _setting(day, region, n_draws, rng, governance, trade)
        setting = replace(setting, lost=losses_of(case, several(without)))
        return _frame(_case_rows(case, what if isinstance(what, Outlook) else None, setting))
    names = _commodities(what)
    setting = _setting(day, region, n_draws, rng, governance, trade)
    lost = _lost_countries(without, names, setting.bundled)
    return _frame(_metal_rows(names, replace(setting, lost=lost)))


def indicator_ranks(
    commodities: Iterable[str],
    name: str = "supply_risk",
    *,
    region: str | None = None,
    as_of: dt.date | None = None,
    n_draws: int = 2_000,
    rng: int | np.random.Generator = 0,
    governance: pd.DataFrame | None = None,
    trade: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Rank metals by an indicator, and say how sure the ranks are.

    Parameters
    ----------
    commodities : iterable of str
        At least two commodities.
    name : str, default "supply_risk"
        An indicator of `indicator_table`; of several stages the riskiest counts.
    region : str, optional
        As for `indicator_table`.
    as_of : datetime.date, optional
        As for `indicator_table`.
    n_draws : int, default 2_000
        Draws, at least 1.
    rng : int or numpy.random.Generator, default 0
        Seed of the draws.
    governance : pandas.DataFrame, optional
        As for `indicator_table`.
    trade : pandas.DataFrame, optional
        As for `indicator_table`.

    Returns
    -------
    pandas.DataFrame
        Indexed by commodity, the riskiest first: value, rank of the value, rank_median and the 90 %
        range rank_low to rank_high over the draws, coverage. Metals without a value come last,
        their ranks blank.

    Raises
    ------
    InvalidInputError
        If a name is unknown, or there are fewer than two commodities or no draws.

    Notes
    -----
    Errors that metals share, those of a country's governance, move them together, so ranks are
    surer than the intervals of the values suggest. Ties share the mean of their ranks.

    Examples
    --------
    >>> ranks = indicator_ranks(["tin", "cobalt", "copper"], "hhi", n_draws=200)
    >>> ranks["rank"].astype(int).to_dict()
    {'cobalt': 1, 'tin': 2, 'copper': 3}
    """
    names = _commodities(commodities)
    faults = [*check.whole("n_draws", n_draws, least=1)]
    if len(names) < 2:
        faults.append(Fault("commodities", "must be at least 2", names))
    if faults:
        raise InvalidInputError("indicator_ranks", faults)
    setting = _setting(_day(as_of), region, n_draws, rng, governance, trade)
    rows = list(_metal_rows(names, setting))
    faults = [*check.choice("name", name, dict.fromkeys(row.name for row in rows))]
    if faults:
        raise InvalidInputError("indicator_ranks", faults)
    sign = 1.0 if name in LOWER_IS_RISKIER else -1.0
    found: dict[str, tuple[float, Row]] = {}
    for row in rows:
        key = (sign * row.value, row)
        if row.name == name and not math.isnan(row.value):
            found[row.commodity] = min(found.get(row.commodity, key), key, key=lambda k: k[0])
    return _ranks(names, {c: row for c, (_, row) in found.items()}, sign, n_draws)


def _ranks(names: list[str], found: dict[str, Row], sign: float, n_draws: int) -> pd.DataFrame:
    values = pd.Series({c: row.value for c, row in found.items()}, dtype=float)
    drawn = pd.DataFrame(
        {
            c: np.full(n_draws, row.value) if row.draws is None else row.draws
            for c, row in found.items()
        },
        dtype=float,
    )
    ranks = (sign * drawn).rank(axis=1)
    frame = pd.DataFrame(
        {
            "value": values,
            "rank": (sign * values).rank(),
            "rank_median": ranks.median(),
            "rank_low": ranks.quantile(0.05, interpolation="lower"),
            "rank_high": ranks.quantile(0.95, interpolation="higher"),
            "coverage": pd.Series({c: row.coverage for c, row in found.items()}, dtype=float),
        }
    ).reindex(names)
    frame["coverage"] = frame["coverage"].fillna(0.0)
    return frame.rename_axis("commodity").sort_values(["rank", "coverage"], kind="stable")


def _day(as_of: dt.date | None) -> pd.Timestamp | None:
    if as_of is None:
        return None
    faults = [*check.date("as_of", as_of)]
    if faults:
        raise InvalidInputError("indicator_table", faults)
    return pd.Timestamp(as_of)


def _commodities(what: object) -> list[str]:
    if isinstance(what, str):
        return [commodity_of(what)]
    if not isinstance(what, Iterable):
        raise TypeError(f"what must be commodities, a Case or an Outlook, got {what!r:.80}")
    names = list(dict.fromkeys(commodity_of(name) for name in what))
    if not names:
        rule = "must hold at least 1 commodity"
        raise InvalidInputError("indicator_table", [Fault("what", rule, what)])
    return names


def _setting(
    day: pd.Timestamp | None,
    region: str | None,
    n_draws: int,
    rng: int | np.random.Generator,
    governance: pd.DataFrame | None,
    trade: pd.DataFrame | None,
) -> Setting:
    faults = [*check.whole("n_draws", n_draws, least=0)]
    if faults:
        raise InvalidInputError("indicator_table", faults)
    bundled = Bundled.known(day)
    return Setting(
        governance=governance_view(governance, day),
        bundled=bundled,
        listed=Listed(day),
        streams=StreamTable(seed_of(rng)).block(0),
        n_draws=int(n_draws),
        region=None if region is None else region_of(region),
        trade=None if trade is None else _plain(trade),
        basis={} if trade is None else basis_of(trade),
    )


def _plain(trade: pd.DataFrame) -> pd.DataFrame:
    """Return trade with codes for names."""
    flows = flows_of(trade, ())
    return pd.DataFrame(
        {
            "commodity": labelled(flows.commodity, flows.commodities),
            "year": np.array(flows.years)[flows.year],
            "importer": labelled(flows.importer, flows.importers),
            "exporter": labelled(flows.exporter, flows.exporters),
            "amount_t": flows.tonnes,
        }
    )


def _lost_countries(without: Iterable[str], names: list[str], bundled: Bundled) -> frozenset[str]:
    """Return the codes of what is lost; raise if none of the metals has it."""
    lost = {country_of(name, "without") for name in several(without)}
    if not lost:
        return frozenset()
    mixes = [mix for name in names for mix in bundled.mixes(name)]
    known = sorted({country for mix in mixes for country in mix.names})
    faults = [fault for name in sorted(lost) for fault in check.choice("without", name, known)]
    if faults:
        raise InvalidInputError("indicator_table", faults)
    return frozenset(lost)


def _metal_rows(names: list[str], setting: Setting) -> Iterator[Row]:
    lost = setting.lost
    for name in names:
        mixes = list(setting.bundled.mixes(name))
        left = {mix.stage: float(mix.without(lost).amounts.sum()) for mix in mixes}
        kept = [mix.without(lost) for mix in mixes if left[mix.stage] > 0.0]
        yield from _rows_of(name, kept, setting)
        yield from setting.listed.n_minus_one(name, lost)
        if lost:
            yield from _left_rows(
                name, {mix.stage: left[mix.stage] / float(mix.amounts.sum()) for mix in mixes}
            )


def _case_rows(case: Case, outlook: Outlook | None, setting: Setting) -> Iterator[Row]:
    commodity = str(case.commodity)
    first = setting.bundled.first_stage(commodity)
    origin = "mine" if first is None else str(first["stage"].iloc[0])
    mixes = case_mixes(case, setting.lost, outlook, origin)
    yield from _rows_of(commodity, list(mixes.countries), setting)
    for part in mixes.parts:
        yield from part_rows(part, setting)
    mined = next((mix for mix in mixes.countries if mix.stage == origin), None)
    yield from case_n_minus_one(case, mined, mixes.left[origin])
    if setting.lost:
        yield from _left_rows(commodity, mixes.left)


def _rows_of(commodity: str, mixes: list[Mix], setting: Setting) -> Iterator[Row]:
    """Yield what metals and cases have in common."""
    yield from setting.listed.identity(commodity)
    governed = {}
    sure = [(mix, draw(mix, setting)) for mix in mixes if mix.known >= ENOUGH_NAMED]
    for mix, draws in sure:
        for row in mix_rows(mix, setting, draws):
            if row.name == "hhi_wgi":
                governed[mix.stage] = row
            yield row
    for mix in mixes:
        if mix.known < ENOUGH_NAMED:
            reason = f"only {mix.known:.0%} of this stage is known"
            yield Row(commodity, "hhi", math.nan, stage=mix.stage, note=reason)
    if not mixes:
        yield Row(commodity, "hhi", math.nan, note="nothing is bundled or left")
    yield _binding(commodity, governed)
    recycling = setting.listed.recycling(commodity, setting)
    source = sourcing(commodity, setting.bundled.first_stage(commodity), setting)
    yield supply_risk(commodity, sure, recycling, source, setting)
    yield setting.listed.importance(commodity, setting)
    yield recycling
    yield Row(commodity, "substitution_index", math.nan, standing=PARTLY, note=_NOT_BUNDLED)
    yield from reliance_rows(commodity, source, setting)


def _binding(commodity: str, governed: dict[str, Row]) -> Row:
    known = {stage: row.value for stage, row in governed.items() if not math.isnan(row.value)}
    if len(known) < 2:
        reason = "fewer than two stages with shares and governance"
        return Row(commodity, "binding_stage", math.nan, note=reason)
    stage = indicators.binding_stage(known).stage
    others = ", ".join(f"{name} {value:.2f}" for name, value in known.items() if name != stage)
    return governed[stage]._replace(name="binding_stage", standing=PUBLIC, note=f"above {others}")


def _left_rows(commodity: str, left: dict[str, float]) -> Iterator[Row]:
    for stage, share in left.items():
        note = "other rows are shares of what is left" if share > 0.0 else "nothing is left"
        yield Row(commodity, "supply_left", share, stage=stage, coverage=1.0, note=note)


def _frame(rows: Iterable[Row]) -> pd.DataFrame:
    cells = []
    for row in rows:
        *known, draws = row
        commodity, name, value, *rest = known
        cells.append((commodity, name, value, *interval(draws), *rest))
    return pd.DataFrame(cells, columns=list(COLUMNS))
