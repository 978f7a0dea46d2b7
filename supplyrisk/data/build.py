"""A whole case from the bundled tables, as they stood on a day."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data._perils import hazards, running_events
from supplyrisk.data._plan import plan
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
        `sites` or `vintage` is no valid choice.

    Notes
    -----
    The output of a country is that of the newest year of the edition; mines that exceed it
    together are scaled down to it. A remainder stands for as many like mines as it holds times
    the median named one. Rates and lengths are lower bounds and first values, see `rate_for` and
    `duration_for`.

    Examples
    --------
    >>> import datetime as dt
    >>> case = build_case("tin", start=dt.date(2025, 6, 2))
    >>> case.site("bisie").country, case.commodity
    ('COD', 'tin')
    """
    faults = [*check.date("start", start), *check.choice("sites", sites, SITES)]
    if faults:
        raise InvalidInputError("build_case", faults)
    laid = plan(commodity, start, vintage, named=sites == "named+remainder")
    risks, risk_citations = hazards(commodity, laid.sites, start)
    events, event_citations, running = running_events(commodity, laid.sites, start)
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
        not_quantified=(*running, *laid.notes, *notes, *_hindsight(citations, start), *_LEFT_OUT),
    )


_LEFT_OUT: Final = (
    "Short, partial and technical losses: the catalogue holds few, so rates are lower bounds.",
    "Sanctions: the catalogue holds no stop of supply by them.",
    "Ways, smelters and stocks: a blocked road or a shut smelter is not simulated.",
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


def _hindsight(citations: tuple[Citation, ...], start: dt.date) -> tuple[str, ...]:
    """Name what was published after the start; a price was known on the day of its period."""
    cited = tuple(citation for citation in citations if citation.path.startswith("sites."))
    late = [
        source.source_id
        for source in _sources(cited)
        if source.published is not None and source.published > start
    ]
    if not late:
        return ()
    return (f"Hindsight: sources published after the start of the case: {', '.join(late)}.",)


def _given(text: Any) -> str | None:  # noqa: ANN401 - a cell of a frame
    return text if isinstance(text, str) else None


def _day(moment: Any) -> dt.date | None:  # noqa: ANN401 - a cell of a frame
    return None if pd.isna(moment) else moment.date()
