"""The undisturbed plan of a metal on a day: named mines, and the rest of each country."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from supplyrisk import _countries
from supplyrisk import _validation as check
from supplyrisk.data.catalogue import disruptions
from supplyrisk.data.tables import table
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.evidence import Citation
from supplyrisk.model.site import MineSite

if TYPE_CHECKING:
    from collections.abc import Hashable

ASSUMPTIONS: Final = "supplyrisk-assumptions"
LEAST_REMAINDER: Final = 0.01
"""Part of a country's output below which what is left beside the named mines is left out."""
TYPICAL_PART: Final = 0.01
"""Size of a typical mine where no output of one is bundled, as a part of the world's."""
_REPORTED_BY: Final = 2
_PLACES: Final = {"mine": "mines", "refinery": "plants"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Sites of a case and where their figures come from.

    Attributes
    ----------
    sites
        Named mines and remainders of countries.
    citations
        A citation for every figure.
    notes
        What the plan leaves out.
    total_t
        World output in the edition used, by the sum of its rows. [t]
    """

    sites: tuple[MineSite, ...]
    citations: tuple[Citation, ...]
    notes: tuple[str, ...]
    total_t: float


def national_output(commodity: str, start: dt.date, vintage: str | None) -> pd.DataFrame:
    """Output by country in the newest year of the newest edition known on a day.

    Parameters
    ----------
    commodity : str
        Commodity.
    start : datetime.date
        Day on which the figures must have been published.
    vintage : str, optional
        An edition to use whenever it was published.

    Returns
    -------
    pandas.DataFrame
        Rows of the table ``production`` of one stage, year and edition.

    Raises
    ------
    InvalidInputError
        If the commodity is not bundled, or no edition had been published.
    """
    everything = table("production")
    faults = [*check.choice("commodity", commodity, sorted(everything["commodity"].unique()))]
    if faults:
        raise InvalidInputError("build_case", faults)
    rows = everything[everything["commodity"] == commodity]
    stage = "mine" if (rows["stage"] == "mine").any() else "refinery"
    rows = rows[rows["stage"] == stage]
    published = table("sources").set_index("source_id")["published"]
    editions = published[rows["source_id"].unique()].dropna().sort_values()
    if vintage is None:
        known = editions[editions <= pd.Timestamp(start)]
        if known.empty:
            rule = (
                f"must not be before the first bundled edition on {commodity} "
                f"({editions.iloc[0].date()}), or a vintage must be given: one of "
                f"{', '.join(map(str, editions.index))}"
            )
            raise InvalidInputError("build_case", [Fault("start", rule, str(start))])
        vintage = str(known.index[-1])
    faults = [*check.choice("vintage", vintage, list(editions.index))]
    if faults:
        raise InvalidInputError("build_case", faults)
    rows = rows[rows["source_id"] == vintage]
    newest: pd.DataFrame = rows[rows["year"] == rows["year"].max()]
    return newest.reset_index(drop=True)


def plan(commodity: str, start: dt.date, vintage: str | None, *, named: bool) -> Plan:
    """Lay out the sites of a case.

    Parameters
    ----------
    commodity : str
        Commodity.
    start : datetime.date
        Start of the case.
    vintage : str, optional
        Edition of the output by country.
    named : bool
        Whether mines of known output stand apart from the rest of their country.

    Returns
    -------
    Plan
        Sites that add up to the output of each country.
    """
    countries = national_output(commodity, start, vintage)
    total = float(countries["production_t"].sum())
    mines = _mines(commodity, start) if named else _mines(commodity, start).iloc[:0]
    typical = float(mines["tonnes"].median()) if len(mines) else TYPICAL_PART * total
    sites: list[MineSite] = []
    citations: list[Citation] = []
    notes: list[str] = []
    for row in countries.to_dict("records"):
        if row["production_t"] <= 0.0:
            continue
        held = mines["country"] == row["country"]
        if row["country"] == _countries.OTHER_COUNTRIES:
            held = ~mines["country"].isin(countries["country"])
        here = _made_it(mines[held], float(row["production_t"]), start)
        scale = min(1.0, row["production_t"] / max(float(here["tonnes"].sum()), 1e-9))
        for mine in here.to_dict("records"):
            site, cited = _mine_site(mine, scale)
            sites.append(site)
            citations += cited
        rest = row["production_t"] - scale * float(here["tonnes"].sum())
        if rest > LEAST_REMAINDER * row["production_t"]:
            site, cited = _remainder(row, rest, typical, n_named=len(here))
            sites.append(site)
            citations += cited
    left = [mine for mine in mines["site_id"] if mine not in {site.site_id for site in sites}]
    if left:
        names = ", ".join(left)
        notes.append(f"Mines of which the edition holds no output, or that stood still: {names}.")
    return Plan(tuple(sites), tuple(citations), tuple(notes), total)


def _mines(commodity: str, start: dt.date) -> pd.DataFrame:
    """Return named mines with the newest output or capacity that was known on a day."""
    places = table("sites").set_index("site_id")
    shut = (places["status"] == "closed") & ~(places["status_date"] > pd.Timestamp(start))
    rows = table("site_output")
    rows = rows[
        (rows["commodity"] == commodity)
        & (rows["scope"] == "site")
        & rows["site_id"].isin(places.index[~shut])
        & rows["basis"].str.contains("contained|content|REO")
        & _known(rows, start)
    ].sort_values(["site_id", "year"])
    capacity = rows[rows["quantity"] == "capacity"].groupby("site_id").last()
    output = rows[rows["quantity"] == "production"].groupby("site_id").last()
    mines = output.reindex(output.index.union(capacity.index))
    mines["capacity_t"] = capacity["tonnes"].reindex(mines.index)
    alone = mines["tonnes"].isna()
    for column in ("tonnes", "year", "source_id", "standing", "quantity"):
        mines[column] = mines[column].where(~alone, capacity[column].reindex(mines.index))
    mines["quantity"] = mines["quantity"].fillna("capacity")
    details = places[["name", "country", "operator", "latitude_deg", "longitude_deg"]]
    mines["commodity"] = commodity
    return mines[mines["tonnes"] > 0.0].join(details).reset_index()


def _known(rows: pd.DataFrame, start: dt.date) -> pd.Series:
    """Whether a figure was known on a day.

    Companies report a year in January: its output counts as known from February on, even where
    the source at hand is younger.
    """
    dates = table("sources").set_index("source_id")["published"]
    published = rows["source_id"].str.split(";").str[0].map(dates)
    last_year = start.year - (1 if start.month >= _REPORTED_BY else 2)
    over = rows["year"].fillna(0) <= last_year
    reported = (rows["quantity"] == "production") | published.isna()
    return (published <= pd.Timestamp(start)) | (over & reported).astype(bool)


def _made_it(mines: pd.DataFrame, output_t: float, start: dt.date) -> pd.DataFrame:
    """Leave out mines that stand still and are larger than their country's output: it has none."""
    then = disruptions(start)
    shut = then.loc[then["is_stop"] & then["censored"], "site_id"].dropna()
    return mines[~(mines["site_id"].isin(shut) & (mines["tonnes"] > output_t))]


def _mine_site(mine: dict[Hashable, Any], scale: float) -> tuple[MineSite, list[Citation]]:
    output = float(mine["tonnes"]) * scale
    capacity = float(np.fmax(mine["capacity_t"], output))
    placed = not np.isnan(mine["latitude_deg"])
    site = MineSite(
        site_id=mine["site_id"],
        name=mine["name"],
        commodity=mine["commodity"],
        country=mine["country"],
        capacity_tpa=capacity,
        utilisation=output / capacity,
        latitude_deg=float(mine["latitude_deg"]) if placed else None,
        longitude_deg=float(mine["longitude_deg"]) if placed else None,
        operator=mine["operator"] if isinstance(mine["operator"], str) else None,
    )
    note = f"{mine['quantity']} of {int(mine['year'])}" if mine["year"] == mine["year"] else ""
    if scale < 1.0:
        note += ", scaled down to the output of its country in the edition used"
    cited = Citation(
        path=f"sites.{site.site_id}",
        source_id=mine["source_id"].split(";")[0],
        standing="derived" if scale < 1.0 else mine["standing"],
        note=note.strip(", "),
    )
    return site, [cited]


def _remainder(
    row: dict[Hashable, Any], rest: float, typical: float, *, n_named: int
) -> tuple[MineSite, list[Citation]]:
    code = row["country"]
    name = _countries.country_name(code)
    site = MineSite(
        site_id=f"{code.lower()}-remainder",
        name=f"{name}, {'all other' if n_named else 'all'} {_PLACES[row['stage']]}",
        commodity=row["commodity"],
        country=code,
        capacity_tpa=rest,
        n_units=max(1, round(rest / typical)),
    )
    path = f"sites.{site.site_id}"
    plain = f"{row['stage']} output of {row['year']}"
    less = f", {row['production_t']:,.0f} t, less the {n_named} named" if n_named else ""
    return site, [
        Citation(
            path=f"{path}.capacity_tpa",
            source_id=row["source_id"],
            standing="derived" if n_named else row["standing"],
            note=plain + less,
        ),
        Citation(
            path=f"{path}.n_units",
            source_id=ASSUMPTIONS,
            standing="assumption",
            note=f"one for about {typical:,.0f} t a year",
        ),
    ]
