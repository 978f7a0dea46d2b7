"""Rows of the table of indicators for a region: supply risk, reliance, GeoPolRisk."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from supplyrisk import indicators
from supplyrisk.analysis._flows import refuse_gross
from supplyrisk.analysis._indicator_rows import (
    MATCHED,
    Drawn,
    Row,
    Setting,
    can_draw,
    weight,
    weighted_draws,
)
from supplyrisk.analysis._mixes import newest, produced

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from supplyrisk.analysis._mixes import Mix

    Floats = NDArray[np.float64]

_INPUTS: Final = 6
"""World's mix, trade factors, own mix, import reliance, recycling and substitution."""
_USER: Final = "trade given"


class Sourcing(NamedTuple):
    """Where a region has a commodity from, in one year.

    Attributes
    ----------
    mix : Mix
        Who makes it in the world.
    partners : tuple of str
        Exporters to the region, members of it too.
    imports_t : ndarray, shape (n_partners,)
        What comes from each. [t]
    is_inside : ndarray of bool, shape (n_partners,)
        Which are members.
    own_t : dict of str to float
        What each member makes. [t]
    exports_t : float
        What leaves the region. [t]
    """

    mix: Mix
    partners: tuple[str, ...]
    imports_t: Floats
    is_inside: NDArray[np.bool_]
    own_t: dict[str, float]
    exports_t: float

    @property
    def balance(self) -> dict[str, float]:
        """Production, imports from outside and exports [t]."""
        return {
            "production": math.fsum(self.own_t.values()),
            "imports": math.fsum(self.imports_t[~self.is_inside]),
            "exports": self.exports_t,
        }


def sourcing(commodity: str, rows: pd.DataFrame | None, setting: Setting) -> Sourcing | str:
    """Return where the region has a commodity from, or why that is not known.

    Parameters
    ----------
    commodity : str
        Commodity.
    rows : pandas.DataFrame or None
        Production of its first stage, every year and edition, with the column `published`.
    setting : Setting
        What was asked for.

    Returns
    -------
    Sourcing or str
        Of the newest year of which trade and production are known; or a reason.
    """
    region, trade = setting.region, setting.trade
    if region is None or trade is None:
        return "no trade is bundled: give region= and trade="
    trade = trade[trade["commodity"] == commodity]
    if trade.empty or rows is None:
        return "not in the trade given" if trade.empty else "no production is bundled"
    trade = trade[~trade["exporter"].isin(setting.lost)]
    bought = trade[trade["importer"].isin(region.members)]
    years = set(bought["year"].tolist()) & set(rows["year"].tolist())
    if not years:
        return f"no imports of {region.name} in a year whose production is bundled"
    year = int(max(years))
    made = newest(rows, year)
    refuse_gross(made, setting.basis)
    made = made[~made["country"].isin(setting.lost)]
    own = made[made["country"].isin(region.members)]
    by_partner = bought[bought["year"] == year].groupby("exporter", observed=True)["amount_t"].sum()
    sold = trade[trade["exporter"].isin(region.members) & (trade["year"] == year)]
    partners = tuple(str(name) for name in by_partner.index)
    if not made["production_t"].sum() > 0.0:
        return "nobody is left who makes it"
    return Sourcing(
        mix=produced(made),
        partners=partners,
        imports_t=by_partner.to_numpy(dtype=float),
        is_inside=np.array([name in region.members for name in partners], dtype=bool),
        own_t=dict(zip(own["country"], own["production_t"].astype(float), strict=True)),
        exports_t=float(sold.loc[~sold["importer"].isin(region.members), "amount_t"].sum()),
    )


def reliance_rows(commodity: str, source: Sourcing | str, setting: Setting) -> Iterator[Row]:
    """Yield import reliance, net import reliance in the United States, and GeoPolRisk."""
    names = ("import_reliance", "net_import_reliance", "geopolrisk")
    if isinstance(source, str):
        yield from (Row(commodity, name, math.nan, standing=MATCHED, note=source) for name in names)
        return
    base = Row(
        commodity=commodity,
        name="",
        value=math.nan,
        stage=source.mix.stage,
        vintage=source.mix.vintage,
        source_id=f"{source.mix.source_id};{_USER}",
        standing=MATCHED,
        coverage=1.0,
    )
    balance = source.balance
    if any(balance.values()):
        yield base._replace(name=names[0], value=indicators.import_reliance(**balance))
    else:
        yield base._replace(name=names[0], coverage=0.0, note="nothing is made, bought or sold")
    yield _net_reliance(base._replace(name=names[1]), balance, setting)
    yield _geopolrisk(base._replace(name=names[2]), source, setting)


def _net_reliance(row: Row, balance: dict[str, float], setting: Setting) -> Row:
    used = balance["production"] + balance["imports"] - balance["exports"]
    if setting.region is None or setting.region.name != "USA":
        return row._replace(coverage=0.0, note="of the United States alone: region='USA'")
    if not used > 0.0:
        return row._replace(coverage=0.0, note="no apparent consumption: more is sold than had")
    value = indicators.net_import_reliance(
        apparent_consumption=used, production=balance["production"]
    )
    return row._replace(value=value, note="without changes of stocks and scrap")


def _geopolrisk(row: Row, source: Sourcing, setting: Setting) -> Row:
    view = setting.governance
    known = view.of(source.partners)
    own = source.balance["production"]
    supplied = own + math.fsum(source.imports_t)
    if not supplied > 0.0 or not view.source_id:
        reason = "nothing bought or made" if view.source_id else "no governance known by then"
        return row._replace(coverage=0.0, note=reason)
    value = indicators.geopolrisk(
        production=source.mix.amounts,
        imports=source.imports_t,
        domestic_production=own,
        instability=indicators.wgi_to_instability(known.stability),
        inside=source.is_inside,
    )
    filled = math.fsum(source.imports_t[~known.stable_known & ~source.is_inside]) / supplied
    note = f"instability of {filled:.1%} not known, taken as the world's mean" if filled else ""
    draws = None
    if can_draw(source.mix, setting):
        amounts = source.mix.drawn(setting.streams, setting.bundled.revisions, setting.n_draws)
        total = np.maximum(amounts.sum(axis=1), np.finfo(float).tiny)
        _, stability = view.drawn(source.partners, setting.streams, setting.n_draws)
        risk = np.clip(0.5 - stability / 5.0, 0.0, 1.0) * ~source.is_inside
        draws = (amounts**2).sum(axis=1) / total**2 * (risk @ source.imports_t) / supplied
    return row._replace(
        value=value,
        source_id=f"{row.source_id};{view.source_id}",
        coverage=1.0 - filled,
        note=note,
        draws=draws,
    )


def supply_risk(
    commodity: str,
    mixes: list[tuple[Mix, Drawn | None]],
    recycling: Row,
    source: Sourcing | str,
    setting: Setting,
) -> Row:
    """Return the supply risk by the method of the European Union, of the stage that binds.

    Nothing stands in for what is not known but the highest risk it allows: no recycling and no
    substitutes; trade factors are taken as 1, and the world's mix for the region's own.
    """
    view = setting.governance
    if not mixes or not view.source_id:
        reason = "no shares are bundled" if view.source_id else "no governance known by then"
        return Row(commodity, "supply_risk", math.nan, standing=MATCHED, note=reason)
    by_stage = {
        mix.stage: _of_stage(mix, drawn, recycling, source, setting) for mix, drawn in mixes
    }
    binding = indicators.binding_stage({stage: row.value for stage, row in by_stage.items()})
    row = by_stage[binding.stage]
    others = [f"{stage} {other.value:.2f}" for stage, other in by_stage.items() if other is not row]
    draws = [other.draws for other in by_stage.values() if other.draws is not None]
    # A stage without draws would leave the interval of another to the one that binds.
    is_alike = len(draws) == len(by_stage) and len({d.size for d in draws}) == 1
    return row._replace(
        note="; ".join([*(others or ["no other stage is known"]), row.note]),
        draws=np.max(draws, axis=0) if is_alike else row.draws,
    )


def _of_stage(
    mix: Mix, drawn: Drawn | None, recycling: Row, source: Sourcing | str, setting: Setting
) -> Row:
    known = setting.governance.of(mix.names)
    world = indicators.governance_weighted_hhi(mix.shares, weight(known.mean))
    draws = None if drawn is None else weighted_draws(drawn)
    if mix.futures is not None and draws is not None:
        world = float(np.nanmean(draws))
    rate = 0.0 if math.isnan(recycling.value) else recycling.value
    covered = [mix.known * float(mix.shares @ known.known), float(not math.isnan(recycling.value))]
    lacking = ["trade factors (taken as 1)", "substitution (none)"]
    own = None if isinstance(source, str) else _own_sources(mix.stage, source, setting)
    reliance = None
    if own is None or isinstance(source, str):
        lacking.append("the region's own sources (taken as the world's)")
    else:
        reliance = indicators.import_reliance(**source.balance)
        covered += [own.known, 1.0]
    if not covered[1]:
        lacking.append("recycling (none)")
    factor = {"recycling_input_rate": rate, "substitution_index": 1.0}
    value = indicators.eu_supply_risk(
        hhi_global=world,
        hhi_eu=None if own is None else own.value,
        import_reliance=reliance,
        **factor,
    )
    if draws is not None:
        if own is not None and reliance is not None:
            own_draws = own.value if mix.futures is not None else own.draws
            draws = draws * reliance / 2.0 + own_draws * (1.0 - reliance / 2.0)
        rates = recycling.draws if recycling.draws is not None and mix.futures is None else rate
        draws = draws * (1.0 - rates)
    return Row(
        commodity=mix.commodity,
        name="supply_risk",
        value=value,
        stage=mix.stage,
        vintage=mix.vintage,
        source_id=";".join(
            filter(None, (mix.source_id, setting.governance.source_id, recycling.source_id))
        ),
        standing=MATCHED,
        coverage=sum(covered) / _INPUTS,
        note=f"not known: {', '.join(lacking)}",
        draws=draws,
    )


class _OwnSources(NamedTuple):
    """Governance-weighted index of a region's own sources [1], its draws, and what is known."""

    value: float
    draws: Floats
    known: float


def _own_sources(stage: str, source: Sourcing, setting: Setting) -> _OwnSources | None:
    """Return how concentrated a region's own sources are; none at another stage or without any."""
    amounts = dict(source.own_t)
    bought = zip(
        np.array(source.partners)[~source.is_inside].tolist(),
        source.imports_t[~source.is_inside].tolist(),
        strict=True,
    )
    for name, tonnes in bought:
        amounts[name] = amounts.get(name, 0.0) + tonnes
    if stage != source.mix.stage or not any(amounts.values()):
        return None
    names = tuple(amounts)
    shares = np.array([*amounts.values()]) / math.fsum(amounts.values())
    known = setting.governance.of(names)
    index = indicators.governance_weighted_hhi(shares, weight(known.mean))
    draws = np.full(1, index)
    if setting.n_draws:
        mean, _ = setting.governance.drawn(names, setting.streams, setting.n_draws)
        draws = weight(mean) @ shares**2
    return _OwnSources(index, draws, float(shares @ known.known))
