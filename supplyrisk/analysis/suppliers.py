"""Through whom an importer is exposed: GeoPolRisk from long tables, partner by partner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk import indicators
from supplyrisk._countries import OTHER_COUNTRIES
from supplyrisk.analysis._flows import basis_of, flows_of, labelled, made_of, summed
from supplyrisk.analysis._instability import instability_of
from supplyrisk.analysis._regions import Region, region_of, several
from supplyrisk.data.tables import production as bundled_production
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from supplyrisk.analysis._flows import Flows, Made

    Floats = NDArray[np.float64]
    Codes = NDArray[np.integer[Any]]


class SupplierContributions(NamedTuple):
    """Scores of importers, and what each of their suppliers contributes.

    Attributes
    ----------
    scores : pandas.DataFrame
        A row per importer, commodity and year: hhi, import_risk, score [1], imports_t,
        domestic_production_t [t], filled_share, the share of the supply whose instability was not
        known [1], and price_usd_per_t where values are given [USD/t]. Blank where nothing is
        imported, which is not the same as no risk.
    partners : pandas.DataFrame
        A row per importer, commodity, year and exporter: imports_t [t], instability [1], is_filled,
        is_inside, contribution [1], which sums to the score, and share_of_score [1].
    """

    scores: pd.DataFrame
    partners: pd.DataFrame


class _Entities(NamedTuple):
    """Importers that are asked for, and the rows of the trade that are theirs."""

    regions: tuple[Region, ...]
    row: Codes
    entity: Codes


def supplier_contributions(
    trade: pd.DataFrame,
    production: pd.DataFrame | None = None,
    *,
    importers: Iterable[str] | None = None,
    groups: Mapping[str, Iterable[str]] | None = None,
    companies: Iterable[str] = (),
    years: Iterable[int] | None = None,
    governance: pd.DataFrame | None = None,
    missing: Literal["raise", "world_mean"] | float = "raise",
) -> SupplierContributions:
    r"""Say what importers are most exposed to, and through whom: GeoPolRisk by supplier.

    Parameters
    ----------
    trade : pandas.DataFrame
        A row per flow: commodity, year, importer, exporter, amount_t [t] and perhaps value_usd
        [USD]; or what `data.contained_metal` makes of `data.read_baci` or `data.read_comtrade`,
        of one stage for each commodity.
    production : pandas.DataFrame, optional
        A row per commodity, year and country: production_t, of the same content as the trade [t].
        By default the bundled table, mines where there are any.
    importers : iterable of str, optional
        Countries and groups to score; by default every country and company that imports.
    groups : mapping of str to iterable of str, optional
        Groups of one's own: name and members. Those of the table ``country_groups`` are known.
    companies : iterable of str, optional
        Importers in the trade that are companies; they produce nothing themselves.
    years : iterable of int, optional
        Years to score; all of the trade by default.
    governance : pandas.DataFrame, optional
        Columns country and political_stability (WGI estimate), or instability (from 0 to 1), and
        perhaps year; the bundled release by default. One year holds for every year of the trade.
    missing : {'raise', 'world_mean'} or float, default 'raise'
        Instability of a partner of whom none is known: an error; the world's mean; or a value.

    Returns
    -------
    SupplierContributions
        Tables scores and partners, sorted by importer, commodity and year, the largest
        contribution first.

    Raises
    ------
    TypeError
        If a table is no data frame.
    InvalidInputError
        If a country, group, commodity or year is unknown or outside the tables, a row is a total,
        an amount is missing or negative, gross weight meets contained metal, stages, editions or
        reports are mixed, or governance is missing and `missing` is ``"raise"``.

    Notes
    -----
    .. math:: \mathrm{HHI} \cdot \frac{g_i f_i}{p + F}

    is the contribution of partner :math:`i`, see `indicators.geopolrisk`. Trade between members of
    a group counts in :math:`F` and bears no risk; so do a country's imports from itself. A group
    is taken as it is composed now, whatever the year. Flows to no country in particular (ZZZ) are
    scored for nobody: ``scores.attrs["left_out_t"]`` are their tonnes.

    References
    ----------
    .. [1] E. D. Gemechu, C. Helbig, G. Sonnemann, A. Thorenz and A. Tuma, "Import-based indicator
       for the geopolitical supply risk of raw materials in life cycle sustainability assessments,"
       J. Ind. Ecol., vol. 20, no. 1, pp. 154-165, 2016, :doi:`10.1111/jiec.12279`.

    Examples
    --------
    >>> import pandas as pd
    >>> trade = pd.DataFrame(
    ...     {
    ...         "commodity": "tin",
    ...         "year": 2023,
    ...         "importer": "JPN",
    ...         "exporter": ["IDN", "MYS", "THA"],
    ...         "amount_t": [12_000.0, 5_000.0, 4_000.0],
    ...     }
    ... )
    >>> table = supplier_contributions(trade, importers=["Japan"])
    >>> first = table.partners.iloc[0]
    >>> first["exporter"], round(float(first["share_of_score"]), 2)
    ('IDN', 0.6)
    """
    owned = several(companies)
    flows = flows_of(trade, owned)
    made = made_of(_main_stage() if production is None else production, flows, basis_of(trade))
    entities = _entities(flows, importers, groups or {}, owned)
    chosen = _chosen_years(flows, years)
    risk, is_filled = instability_of(governance, flows, missing)
    partners = _partners(flows, entities, chosen, risk, is_filled)
    scores = _scores(partners, flows, made, entities, chosen)
    tables = _tables(partners, scores, flows, entities, keep_blank=importers is not None)
    lost = np.array([name == OTHER_COUNTRIES for name in flows.importers])[flows.importer]
    tables.scores.attrs["left_out_t"] = float(flows.tonnes[lost].sum())
    return tables


def _main_stage() -> pd.DataFrame:
    """Return the bundled production, of the first stage that each commodity has."""
    rows = bundled_production(stage=None)
    first = rows.groupby("commodity")["stage"].transform("min")  # "mine" before "refinery"
    return rows[rows["stage"] == first]


def _entities(
    flows: Flows,
    importers: Iterable[str] | None,
    groups: Mapping[str, Iterable[str]],
    companies: Sequence[str],
) -> _Entities:
    places = {name: number for number, name in enumerate(flows.importers)}
    if importers is None:
        names: list[str] = [name for name in flows.importers if name != OTHER_COUNTRIES]
        names += [name for name in groups if name not in names]
    else:
        names = [*several(importers)]
    found = [
        Region(name, frozenset())
        if name in companies
        else region_of(name, groups, field="importers")
        for name in names
    ]
    regions = tuple(dict.fromkeys(found))  # a country may be named twice, by name and code
    rows, owner = [], []
    order = np.argsort(flows.importer, kind="stable")
    start = np.searchsorted(flows.importer[order], np.arange(len(flows.importers) + 1))
    for number, region in enumerate(regions):
        for name in sorted(region.members) or [region.name]:
            if name in places:
                own = order[start[places[name]] : start[places[name] + 1]]
                rows.append(own)
                owner.append(np.full(own.size, number, dtype=np.intp))
    if not rows:
        raise InvalidInputError(
            "supplier_contributions",
            [Fault("importers", f"must import: {', '.join(sorted(places))} do", names)],
        )
    return _Entities(regions, np.concatenate(rows), np.concatenate(owner))


def _chosen_years(flows: Flows, years: Iterable[int] | None) -> tuple[int, ...]:
    """Return the codes of the years wanted."""
    if years is None:
        return tuple(range(len(flows.years)))
    wanted = check.as_tuple(years)
    if not isinstance(wanted, tuple) or not wanted:
        fault = Fault("years", "must be a list of at least 1 year", years)
        raise InvalidInputError("supplier_contributions", [fault])
    faults = [
        Fault("years", f"must be years of the trade, {min(flows.years)} to {max(flows.years)}", y)
        for y in wanted
        if y not in flows.years
    ]
    if faults:
        raise InvalidInputError("supplier_contributions", faults)
    return tuple(sorted({flows.years.index(y) for y in wanted}))


class _Partners(NamedTuple):
    """Flows by importer, commodity, year and exporter, shape (n_pairs,) each."""

    entity: Codes
    commodity: Codes
    year: Codes
    exporter: Codes
    tonnes: Floats
    value_usd: Floats | None
    risk: Floats
    is_filled: NDArray[np.bool_]
    is_inside: NDArray[np.bool_]


def _partners(
    flows: Flows,
    entities: _Entities,
    chosen: tuple[int, ...],
    risk: Floats,
    is_filled: NDArray[np.bool_],
) -> _Partners:
    row, entity = entities.row, entities.entity
    if len(chosen) < len(flows.years):
        keep = np.isin(flows.year[row], chosen)
        row, entity = row[keep], entity[keep]
    sizes = (len(entities.regions), len(flows.commodities), len(flows.years), len(flows.exporters))
    pair = entity.astype(np.int64)
    for codes, size in zip((flows.commodity, flows.year, flows.exporter), sizes[1:], strict=True):
        pair *= size  # in place: at a million rows every array counts
        pair += codes[row]
    pairs, place = np.unique(pair, return_inverse=True)
    del pair, entity
    owner, commodity, year, exporter = np.unravel_index(pairs, sizes)
    inside = np.array(
        [[name in region.members for name in flows.exporters] for region in entities.regions],
        dtype=bool,
    )
    value = None
    if flows.value_usd is not None:
        value = summed(place, flows.value_usd[row], pairs.size)
    return _Partners(
        entity=owner,
        commodity=commodity,
        year=year,
        exporter=exporter,
        tonnes=summed(place, flows.tonnes[row], pairs.size),
        value_usd=value,
        risk=risk[year, exporter],
        is_filled=is_filled[year, exporter],
        is_inside=inside[owner, exporter],
    )


def _scores(
    partners: _Partners, flows: Flows, made: Made, entities: _Entities, chosen: tuple[int, ...]
) -> pd.DataFrame:
    """Return the scores by entity, commodity and year, those without trade blank."""
    sizes = (len(entities.regions), len(flows.commodities), len(flows.years))
    group = np.ravel_multi_index((partners.entity, partners.commodity, partners.year), sizes)
    n_groups = int(np.prod(sizes))
    own = np.zeros(sizes)
    for number, region in enumerate(entities.regions):
        at = [made.countries[name] for name in sorted(region.members) if name in made.countries]
        own[number] = made.tonnes[:, :, at].sum(axis=2)
    risk = np.where(partners.is_inside, 0.0, partners.risk)
    given = {"imports": partners.tonnes, "instability": risk, "group": group}
    one = np.ones(n_groups)
    import_risk = indicators.geopolrisk_by_group(
        hhi=one, domestic_production=own.reshape(-1), **given
    )
    imports = summed(group, partners.tonnes, n_groups)
    filled = partners.tonnes * (partners.is_filled & ~partners.is_inside)
    supplied = own.reshape(-1) + imports
    known = imports > 0.0
    entity, commodity, year = np.unravel_index(np.arange(n_groups), sizes)
    hhi = np.broadcast_to(made.hhi, sizes).reshape(-1)
    blank = np.where(known, 1.0, np.nan)
    share = summed(group, filled, n_groups) / np.where(known, supplied, np.nan)
    frame = pd.DataFrame(
        {
            "importer": entity,
            "commodity": commodity,
            "year": year,
            "hhi": hhi,
            "import_risk": import_risk * blank,
            "score": hhi * import_risk * blank,
            "imports_t": imports * blank,
            "domestic_production_t": own.reshape(-1),
            "filled_share": share,
        }
    )
    if partners.value_usd is not None:
        value = summed(group, partners.value_usd, n_groups)
        frame["price_usd_per_t"] = value / np.where(known, imports, np.nan)
    return frame[frame["year"].isin(chosen)]


def _tables(
    partners: _Partners,
    scores: pd.DataFrame,
    flows: Flows,
    entities: _Entities,
    *,
    keep_blank: bool,
) -> SupplierContributions:
    shape = (len(entities.regions), len(flows.commodities), len(flows.years))
    row = np.full(shape, -1, dtype=np.intp)
    row[scores["importer"], scores["commodity"], scores["year"]] = np.arange(len(scores))
    at = row[partners.entity, partners.commodity, partners.year]
    with np.errstate(invalid="ignore", divide="ignore"):
        supplied = scores["imports_t"] + scores["domestic_production_t"]
        part = np.where(partners.is_inside, 0.0, partners.risk)
        part *= partners.tonnes
        part *= (scores["hhi"] / supplied).to_numpy()[at]
        order = np.lexsort((-part, at))
        part = part[order]
        share = part / scores["score"].to_numpy()[at[order]]
    del at
    names = [region.name for region in entities.regions]
    frame = pd.DataFrame(
        {
            "importer": labelled(partners.entity[order], names),
            "commodity": labelled(partners.commodity[order], flows.commodities),
            "year": np.array(flows.years)[partners.year[order]],
            "exporter": labelled(partners.exporter[order], flows.exporters),
            "imports_t": partners.tonnes[order],
            "instability": partners.risk[order],
            "is_filled": partners.is_filled[order],
            "is_inside": partners.is_inside[order],
            "contribution": part,
            "share_of_score": share,
        },
        copy=False,  # a copy would hold a million rows twice
    )
    if not keep_blank:
        scores = scores[scores["imports_t"].notna()]
    return SupplierContributions(
        scores.assign(
            importer=labelled(scores["importer"].to_numpy(), names),
            commodity=labelled(scores["commodity"].to_numpy(), flows.commodities),
            year=np.array(flows.years)[scores["year"].to_numpy()],
        ).reset_index(drop=True),
        frame,
    )
