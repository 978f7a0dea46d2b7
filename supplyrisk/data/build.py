"""A whole case from the bundled tables, as they stood on a day."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data._perils import UNRECORDED, hazards, running_events
from supplyrisk.data._plan import plan
from supplyrisk.data.calibration import Calibration, fit_catalogue
from supplyrisk.data.quotes import market
from supplyrisk.data.tables import table
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case
from supplyrisk.model.evidence import Citation, Source

SITES: Final = ("named+remainder", "countries")


def build_case(
    commodity: str,
    *,
    start: dt.date,
    sites: str = "named+remainder",
    vintage: str | None = None,
    horizon_days: int = 365,
    step_days: int = 5,
    calibration: Calibration | None = None,
    unrecorded: str = "left out",
) -> Case:
    """Build the case of a metal from the bundled tables, as they stood on a day.

    Parameters
    ----------
    commodity : str
        A commodity of the table ``production``.
    start : datetime.date
        Day on which the case stands. Nothing begun later enters it, and nothing published later
        but for the output of mines in years that were over: companies report it early, and the
        source at hand may be younger. The case names such sources as hindsight.
    sites : str, default "named+remainder"
        ``"named+remainder"``: mines of known output, and the rest of each country as one site of
        many like mines; ``"countries"``: one site for each country.
    vintage : str, optional
        Edition of the output by country, e.g. ``"usgs-mcs-2025"``; by default the newest that had
        been published. One published after `start` is hindsight, and the case says so.
    horizon_days : int, default 365
        Length of the simulated time. [d]
    step_days : int, default 5
        Length of a step. [d]
    calibration : Calibration, optional
        Rates, lengths, severities and ramp-ups, such as those of one's own rows; by default
        `fit_catalogue` as of `start`. One that looks back from a later day is hindsight, and the
        case says so.
    unrecorded : str, default "left out"
        Losses that the catalogue does not hold, short, partial and technical ones: ``"left out"``;
        ``"rates"``, which multiplies the rates of sites (`hazard.corrected`); ``"short stops"``,
        which gives each site a hazard of their own (`hazard.short_stops`). Output as published has
        lost them already, so leaving them out is no mistake in a plan made from it.

    Returns
    -------
    Case
        Sites, hazards at the base rates of the catalogue, stops that were running at named sites
        (those elsewhere are named in `not_quantified`), the market if a price was known, sources
        and a citation for each figure; no buyers.

    Raises
    ------
    InvalidInputError
        If the commodity is not bundled, `start` is no date or lies before every edition, or
        `sites`, `vintage` or `unrecorded` is no valid choice.
    TypeError
        If `calibration` is none.

    Notes
    -----
    The output of a country is that of the newest year of the edition; mines that exceed it
    together are scaled down to it. A remainder stands for as many like mines as it holds times
    the median named one. Rates are lower bounds, see `rate_for`.

    Examples
    --------
    >>> import datetime as dt
    >>> case = build_case("tin", start=dt.date(2025, 6, 2))
    >>> case.site("bisie").country, case.commodity
    ('COD', 'tin')
    """
    faults = [*check.date("start", start), *check.choice("sites", sites, SITES)]
    faults += check.choice("unrecorded", unrecorded, UNRECORDED)
    if faults:
        raise InvalidInputError("build_case", faults)
    if calibration is not None:
        check.require("calibration", calibration, Calibration)
    laid = plan(commodity, start, vintage, named=sites == "named+remainder")
    fitted = calibration or fit_catalogue(as_of=start)
    risks, risk_citations = hazards(commodity, laid.sites, fitted, unrecorded)
    events, event_citations, running = running_events(commodity, laid.sites, start, fitted)
    markets, market_citations, notes = market(commodity, start, laid.total_t)
    citations = (*laid.citations, *risk_citations, *event_citations, *market_citations)
    return Case(
        name=f"{commodity.replace('_', '-')}-{start.isoformat()}",
        start=start,
        commodity=commodity,
        horizon_days=horizon_days,
        step_days=step_days,
        sites=laid.sites,
        hazards=risks,
        events=events,
        markets=markets,
        sources=_sources(citations),
        citations=citations,
        not_quantified=(
            *running,
            *laid.notes,
            *notes,
            *_hindsight(citations, start, fitted),
            *_LEFT_OUT,
        ),
    )


_LEFT_OUT: Final = (
    "Short, partial and technical losses: the catalogue holds few, so rates are lower bounds.",
    "Sanctions: the catalogue holds no stop of supply by them.",
    "Ways, smelters and exchange stocks: a blocked road or a shut smelter is not simulated.",
    "Stocks of those who use the metal: taken as 28 days, an assumption of the library.",
)


def _sources(citations: tuple[Citation, ...]) -> tuple[Source, ...]:
    rows: dict[str, dict[str, Any]] = {
        row["source_id"]: {str(name): cell for name, cell in row.items()}
        for row in table("sources").to_dict("records")
    }
    names = dict.fromkeys(citation.source_id for citation in citations)
    return tuple(
        Source(
            source_id=name,
            publisher=rows[name]["publisher"],
            title=rows[name]["title"],
            licence=rows[name]["licence"],
            url=_given(rows[name]["url"]),
            published=_day(rows[name]["published"]),
        )
        for name in names
    )


def _hindsight(
    citations: tuple[Citation, ...], start: dt.date, fitted: Calibration
) -> tuple[str, ...]:
    """Name what was published after the start; a price was known on the day of its period."""
    notes = []
    if fitted.as_of is None or fitted.as_of > start:
        day = f"as of {fitted.as_of}" if fitted.as_of else "of all rows"
        notes.append(f"Hindsight: rates and lengths are {day}.")
    cited = tuple(citation for citation in citations if citation.path.startswith("sites."))
    late = [
        source.source_id
        for source in _sources(cited)
        if source.published is not None and source.published > start
    ]
    if late:
        names = ", ".join(late)
        notes.append(f"Hindsight: sources published after the start of the case: {names}.")
    return tuple(notes)


def _given(text: Any) -> str | None:  # noqa: ANN401 - a cell of a frame
    return text if isinstance(text, str) else None


def _day(moment: Any) -> dt.date | None:  # noqa: ANN401 - a cell of a frame
    return None if pd.isna(moment) else moment.date()
