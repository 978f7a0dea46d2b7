"""Who supplies the metal of a case: by country, site and company, planned or simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from supplyrisk import _countries
from supplyrisk import _validation as check
from supplyrisk.analysis._indicator_rows import Part
from supplyrisk.analysis._mixes import Mix, rounding
from supplyrisk.engine.run import simulate
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.outlook import Outlook
    from supplyrisk.model.case import Case
    from supplyrisk.model.chain import Smelter
    from supplyrisk.model.site import MineSite

    Floats = NDArray[np.float64]

MOST_FUTURES: Final = 20_000
"""Futures of an outlook that are looked at, the first ones."""


class CaseMixes(NamedTuple):
    """Mixes of a case.

    Attributes
    ----------
    countries : tuple of Mix
        By country: mines and, where the case has any, smelters.
    parts : tuple of Part
        By site, company and smelter.
    left : dict of str to float
        Share of each stage that is left after what was lost. [1]
    """

    countries: tuple[Mix, ...]
    parts: tuple[Part, ...]
    left: dict[str, float]


def losses_of(case: Case, names: Iterable[str]) -> frozenset[str]:
    """Return what is lost of a case: codes of countries, ids of sites and of smelters.

    Parameters
    ----------
    case : Case
        The case.
    names : iterable of str
        Countries by code or name, and ids.

    Returns
    -------
    frozenset of str
        Codes and ids.

    Raises
    ------
    InvalidInputError
        If the case has nothing of a name.
    """
    sites, smelters = _of_commodity(case)
    ids = [*(s.site_id for s in sites), *(s.smelter_id for s in smelters)]
    known = dict.fromkeys([*(s.country for s in sites), *(s.country for s in smelters), *ids])
    lost = [name if name in known else _code_or_name(name) for name in names]
    faults = [fault for name in lost for fault in check.choice("without", name, known)]
    if faults:
        raise InvalidInputError("indicator_table", faults)
    return frozenset(lost)


def case_mixes(case: Case, lost: frozenset[str], outlook: Outlook | None, origin: str) -> CaseMixes:
    """Return the mixes of a case without some countries, sites and smelters.

    Parameters
    ----------
    case : Case
        The case.
    lost : frozenset of str
        Codes and ids as of `losses_of`.
    outlook : Outlook, optional
        Its futures, whose production then takes the place of the plan's.
    origin : str
        Stage of its sites.

    Returns
    -------
    CaseMixes
        By country, site, company and smelter.

    Raises
    ------
    InvalidInputError
        If the case plans nothing.
    """
    sites, smelters = _of_commodity(case)
    if not sites:
        rule = "must plan to produce some of its commodity"
        raise InvalidInputError("indicator_table", [Fault("case", rule, case.name)])
    kept = [s for s in sites if not lost & {s.site_id, s.country}]
    made = [s for s in smelters if not lost & {s.smelter_id, s.country}]
    left = {origin: sum(s.production_tpa for s in kept) / sum(s.production_tpa for s in sites)}
    if smelters:
        all_of_them = sum(s.capacity_tpa for s in smelters)
        left["smelter"] = sum(s.capacity_tpa for s in made) / all_of_them
    countries: list[Mix] = []
    parts: list[Part] = []
    if kept:
        futures = None if outlook is None else _futures(outlook, [s.site_id for s in kept])
        by_site = _site_mix(case, kept, futures, origin)
        countries.append(_joined(by_site, [s.country for s in kept]))
        parts += _site_parts(by_site, kept)
    if made:
        smelter = _smelter_mix(case, made, all_of_them)
        countries.append(_joined(smelter, [s.country for s in made]))
        ones = np.ones(len(made), dtype=np.int64)
        parts.append(Part("smelter", smelter, ones, 1.0, ""))
    return CaseMixes(tuple(countries), tuple(parts), left)


def _of_commodity(case: Case) -> tuple[list[MineSite], list[Smelter]]:
    """Return the sites that plan to produce a case's commodity, and its smelters."""
    sites = [s for s in case.sites if s.commodity == case.commodity and s.production_tpa > 0.0]
    return sites, [s for s in case.smelters if s.commodity == case.commodity]


def _code_or_name(name: str) -> str:
    try:
        return _countries.country_code(name)
    except (TypeError, ValueError):
        return name


def _site_mix(case: Case, sites: Sequence[MineSite], futures: Floats | None, origin: str) -> Mix:
    reported = {c.path for c in case.citations if c.standing == "reported"}
    amounts = np.array([s.production_tpa for s in sites])
    return Mix(
        commodity=str(case.commodity),
        stage=origin,
        names=tuple(s.site_id for s in sites),
        amounts=amounts,
        half_width=np.array([rounding(x) / 2.0 for x in amounts.tolist()]),
        is_estimate=np.array(
            [f"sites.{s.site_id}.capacity_tpa" not in reported for s in sites], dtype=bool
        ),
        vintage=str(case.start),
        source_id=_sources(case, "sites."),
        futures=futures,
    )


def _smelter_mix(case: Case, smelters: Sequence[Smelter], capacity_tpa: float) -> Mix:
    """Return what is left of smelters that had a capacity together [t/a]."""
    amounts = np.array([float(s.capacity_tpa) for s in smelters])
    market = next((m for m in case.markets if m.commodity == case.commodity), None)
    elsewhere = 0.0 if market is None else max(market.supply_tpa - capacity_tpa, 0.0)
    made = float(amounts.sum())
    return Mix(
        commodity=str(case.commodity),
        stage="smelter",
        names=tuple(s.smelter_id for s in smelters),
        amounts=amounts,
        half_width=np.array([rounding(x) / 2.0 for x in amounts.tolist()]),
        is_estimate=np.ones(len(smelters), dtype=bool),
        vintage=str(case.start),
        source_id=_sources(case, "smelters."),
        note="by capacity; smelters of the case alone",
        known=made / (made + elsewhere),
    )


def _sources(case: Case, start: str) -> str:
    cited = {c.source_id for c in case.citations if c.path.startswith(start) and c.source_id}
    return ";".join(sorted(cited)) or f"case {case.name}"


def _site_parts(mix: Mix, sites: Sequence[MineSite]) -> Iterable[Part]:
    units = np.array([s.n_units for s in sites], dtype=np.int64)
    many = "a site of several mines counts as so many" if (units > 1).any() else ""
    yield Part("site", mix, units, 1.0, many)
    owners = [s.operator or s.site_id for s in sites]
    is_owned = np.array([s.operator is not None for s in sites], dtype=bool)
    held = float(mix.shares[is_owned].sum())
    note = "" if is_owned.all() else f"{1.0 - held:.1%} without an operator, each site its own"
    company = _joined(mix, owners)
    alone = {name: int(n) for name, n in zip(owners, units, strict=True)}
    owned = {s.operator for s in sites}
    split = [1 if name in owned else alone[name] for name in company.names]
    yield Part("company", company, np.array(split, dtype=np.int64), held, note)


def _joined(mix: Mix, owners: Sequence[str]) -> Mix:
    """Add up the suppliers of one owner."""
    names = tuple(dict.fromkeys(owners))
    place = np.array([names.index(name) for name in owners], dtype=np.intp)
    member = np.zeros((len(owners), len(names)))
    member[np.arange(len(owners)), place] = 1.0
    return Mix(
        commodity=mix.commodity,
        stage=mix.stage,
        names=names,
        amounts=mix.amounts @ member,
        half_width=mix.half_width @ member,
        is_estimate=(mix.is_estimate @ member) > 0.0,
        vintage=mix.vintage,
        source_id=mix.source_id,
        note=mix.note,
        known=mix.known,
        futures=None if mix.futures is None else mix.futures @ member,
    )


def _futures(outlook: Outlook, wanted: Sequence[str]) -> Floats:
    """Return what sites make in each future, shape (n_futures, n_sites) [t]."""
    n = min(outlook.n_scenarios, MOST_FUTURES)
    if not outlook.has_events:
        made = outlook.provenance
        outlook = simulate(
            outlook.case,
            n_scenarios=n,
            rng=made.seed,
            basis="occurrence" if made.basis == "occurrence" else "calendar",
            keep="events",
        )
    events = outlook.events()
    events = events[(events["scenario"] < n) & events["site_id"].isin(wanted)]
    place = {name: number for number, name in enumerate(wanted)}
    site = events["site_id"].astype(object).map(place).to_numpy(dtype=np.intp)
    cell = events["scenario"].to_numpy(dtype=np.intp) * len(wanted) + site
    lost = np.bincount(cell, events["lost_t"], n * len(wanted)).reshape(n, len(wanted))
    planned = outlook.sites["production_tpa"].reindex([*wanted]).to_numpy()
    planned = planned * outlook.case.horizon_days / 365.0
    return np.asarray(np.maximum(planned - lost, 0.0))
