"""How often: rates of stops by peril, metal, country and site, from the catalogue on a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplyrisk.data.history import SITE_PERILS, conflict_countries, of_metals
from supplyrisk.data.tables import production
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard.exposure import pool_rates
from supplyrisk.hazard.rates import Rate, fit_rate, split_rate
from supplyrisk.model.hazard import Peril

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplyrisk.data.history import History
    from supplyrisk.hazard.exposure import PooledRates

OTHER: Final = str(Peril.OTHER)
_JEFFREYS: Final = 0.5
"""Shape of the Dirichlet prior of one peril. [1]"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SiteRates:
    """Rates of the stops of one mine of a metal.

    Attributes
    ----------
    total
        Frequency of all stops together.
    by_peril
        Frequency by peril; their means add up to that of the total.
    counts
        Stops by peril.
    has_panel
        Whether mines of the metal were watched themselves.
    n_stops, site_years
        Stops, and years of watched sites [a].
    """

    total: Rate
    by_peril: Mapping[str, Rate]
    counts: Mapping[str, int]
    has_panel: bool
    n_stops: int
    site_years: float


def site_rates(
    past: History, commodity: str | None = None, apart: Iterable[str] = SITE_PERILS
) -> SiteRates:
    """Rates of one mine: the total pooled over metals, split over perils.

    Parameters
    ----------
    past : History
        The catalogue on a day.
    commodity : str, optional
        Metal; by default any, over the panels together.
    apart : iterable of str, optional
        Perils with a rate of their own; all others share that of ``"other"``.

    Returns
    -------
    SiteRates
        The total and its parts.
    """
    years = past.panel_years()
    seen = {metal: of_metals(past.at_sites, [metal]) for metal in years}
    together = of_metals(past.at_sites, years)
    has_panel = commodity in years
    rows = seen[str(commodity)] if has_panel else together
    site_years = years[str(commodity)] if has_panel else sum(years.values())
    if commodity is None or len(years) == 1:
        total: Rate = fit_rate(len(rows), site_years)
    else:
        metals = pool_rates({metal: len(held) for metal, held in seen.items()}, years)
        total = metals.rates.get(commodity, metals.new_group)
    alone = set(apart) - {OTHER}
    names = [peril if peril in alone else OTHER for peril in rows["kind"]]
    kinds = [peril if peril in alone else OTHER for peril in SITE_PERILS]
    counts = {kind: names.count(kind) for kind in dict.fromkeys(kinds)}
    shapes = {kind: _JEFFREYS * kinds.count(kind) for kind in kinds}
    return SiteRates(
        total=total,
        by_peril=split_rate(counts, total=total, prior_shapes=shapes),
        counts=counts,
        has_panel=has_panel,
        n_stops=len(rows),
        site_years=site_years,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """How sites that are alike differ in their rate, by the record of each.

    Attributes
    ----------
    pooled
        Rates of the sites, relative to that of a typical one.
    stops, years
        Stops of each site, and years for which it was open and watched [a].
    expected
        Stops of a typical site in these years.
    """

    pooled: PooledRates
    stops: Mapping[str, int]
    years: Mapping[str, float]
    expected: Mapping[str, float]

    def relative_rate(self, site_id: str) -> Rate:
        """Rate of one site relative to a typical one, by its own record.

        Parameters
        ----------
        site_id : str
            Site; one that is not bundled has no record.

        Returns
        -------
        Rate
            Mean 1 for a site without a record. [1]
        """
        between = self.pooled.between
        shape = between.rate_shape
        return Rate(
            rate_shape=shape + self.stops.get(site_id, 0),
            exposure_years=shape + self.expected.get(site_id, 0.0) * between.mean,
        )


def between_mines(past: History) -> Records:
    """Pool mines of the metals with a panel, each by its stops over those of a typical mine.

    Parameters
    ----------
    past : History
        The catalogue on a day.

    Returns
    -------
    Records
        The spread, from the named mines and as many more without a stop as a panel has beyond
        them; and the record of each.
    """
    seen = past.at_sites["site_id"].value_counts()
    mines = past.places[past.places["is_mine"] & past.places["is_one_site"]]
    panels = past.panel_years()
    typical = {metal: site_rates(past, metal).total.mean for metal in panels}
    without_panel = sorted(set(mines["commodity"]) - set(panels))
    if without_panel:  # all such metals have the rate of a new one
        typical |= dict.fromkeys(without_panel, site_rates(past, without_panel[0]).total.mean)
    years = past.place_years(mines)
    names = zip(years.index, mines["commodity"], years, strict=True)
    expected = {str(name): typical[metal] * held for name, metal, held in names}
    watched: dict[str, float] = {}
    for panel in past.panels.to_dict("records"):
        metal = str(panel["commodity"])
        named = years[(mines["commodity"] == metal).to_numpy() & (years > 0.0).to_numpy()]
        watched |= {str(name): expected[str(name)] for name in named.index}
        rest = int(panel["nodes"]) - len(named)
        left = panels[metal] - float(named.sum())
        if rest > 0 and left > 0.0:
            unnamed = [f"{metal}, mine {number + 1} without a name" for number in range(rest)]
            watched |= dict.fromkeys(unnamed, typical[metal] * left / rest)
    return Records(
        pooled=pool_rates({name: int(seen.get(name, 0)) for name in watched}, watched),
        stops={name: int(seen.get(name, 0)) for name in expected},
        years={str(name): float(held) for name, held in years.items()},
        expected=expected,
    )


def conflict_rate(past: History, country: str | None, site_id: str | None = None) -> Rate:
    """Rate of armed conflict that stops a mine or smelter where conflict may reach it.

    Parameters
    ----------
    past : History
        The catalogue on a day.
    country : str or None
        Country of the site.
    site_id : str, optional
        A mine or smelter of the tables, whose own record then counts.

    Returns
    -------
    Rate
        Stops over the years of mines and smelters in countries of low political stability; for a
        site of the tables times its own record, pooled with those of all the others.

    Raises
    ------
    InvalidInputError
        If the country is none of these.
    """
    exposed = conflict_countries()
    if country not in exposed:
        rule = f"must be one where conflict may reach a site ({', '.join(sorted(exposed))})"
        raise InvalidInputError("rate_for", [Fault("country", rule, country)])
    rows = past.watched
    hit = rows[(rows["kind"] == Peril.ARMED_CONFLICT) & rows["country"].isin(exposed)]
    years = past.place_years(past.places[past.places["country"].isin(exposed)])
    years = years[years > 0.0]
    total = fit_rate(len(hit), float(years.sum()))
    if site_id not in years.index:
        return total
    seen = hit["site_id"].value_counts()
    stops = {str(name): int(seen.get(name, 0)) for name in years.index}
    held = {str(name): float(open_for) for name, open_for in years.items()}
    expected = {name: open_for * total.mean for name, open_for in held.items()}
    pooled = pool_rates(stops, expected)
    records = Records(pooled=pooled, stops=stops, years=held, expected=expected)
    return product(total, records.relative_rate(str(site_id)))


def product(rate: Rate, factor: Rate) -> Rate:
    """Frequency times an independent factor: the gamma distribution of its mean and variance.

    Parameters
    ----------
    rate, factor : Rate
        Frequency [1/a] and factor [1].

    Returns
    -------
    Rate
        Of shape k with ``1 + 1/k = (1 + 1/a)(1 + 1/b)``.
    """
    a, b = rate.rate_shape, factor.rate_shape
    shape = a * b / (a + b + 1.0)
    return Rate(rate_shape=shape, exposure_years=shape / (rate.mean * factor.mean))


def country_rate(past: History, peril: str, commodity: str | None, country: str | None) -> Rate:
    """Rate of a peril that acts on a whole country, pooled over the countries that produce.

    Parameters
    ----------
    past : History
        The catalogue on a day.
    peril : str
        Export restriction or sanctions.
    commodity : str or None
        Metal whose stops count; all by default.
    country : str or None
        Country.

    Returns
    -------
    Rate
        That of the country, or of a new one where it is no producer.

    Raises
    ------
    InvalidInputError
        If `country` is not given.
    """
    if country is None:
        rule = f"must be given for {peril}, which acts on whole countries"
        raise InvalidInputError("rate_for", [Fault("country", rule, country)])
    rows = past.watched
    rows = rows[rows["kind"] == peril]
    if commodity is not None:
        rows = of_metals(rows, [commodity])
    makers = set(production(commodity, stage=None, vintage="all")["country"]) | set(rows["country"])
    stops = rows["country"].value_counts()
    counts = {str(name): int(stops.get(name, 0)) for name in sorted(makers)}
    pooled = pool_rates(counts, past.years)
    return pooled.rates.get(country, pooled.new_group)
