"""The sections that say what the page stands on: evidence, assumptions, sources, provenance."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from supplyrisk import _validation as check
from supplyrisk.explanation import uncited
from supplyrisk.model import paths
from supplyrisk.report import _words as words
from supplyrisk.report._markup import Column, Markup, items, joined, link, paragraph, table, tag
from supplyrisk.report._section import Material, Section, cited, facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from supplyrisk.model.case import Case
    from supplyrisk.model.evidence import Citation, Evidence, Source

_STANDINGS: Final = {
    "assumption": "Assumed: no source gives it",
    "illustrative": "Made up to show the method",
    "estimate": "Estimated",
    "derived": "Derived from what was reported",
    "reported": "Reported",
}
"""Standings from the weakest to the strongest, each with its heading."""


def known(material: Material) -> Section | None:
    """Return what was known: dated events and evidence by day."""
    case = material.case
    if not case.evidence and not case.events:
        return None
    body = [_events(case)] if case.events else []
    if case.evidence:
        note = paragraph(
            "Evidence is shown for the reader; it moves no figure by itself.", class_="note"
        )
        body += [tag("h3", "Day by day"), tag("dl", *_days(case), class_="days"), note]
    return Section("known", "What was known?", joined(body))


def _days(case: Case) -> Iterator[Markup]:
    by_day: dict[object, list[Evidence]] = defaultdict(list)
    for item in sorted(case.evidence, key=lambda item: item.date):
        by_day[item.date].append(item)
    for date, found in by_day.items():
        shown = words.day(found[0].date)
        yield tag("dt", tag("time", shown, datetime=str(date)))
        for item in found:
            about = [words.plain(item.kind)]
            about += [f"bears on {item.hazard_id}"] if item.hazard_id else []
            about += [cited(case, item.source_id)] if item.source_id else []
            yield tag("dd", item.statement, " ", tag("small", joined(about, " \N{MIDDLE DOT} ")))


def _events(case: Case) -> Markup:
    ordered = sorted(case.events, key=lambda event: (event.started, event.event_id))
    state = [
        f"over since {words.day(event.ended)}"
        if event.ended is not None
        else f"ongoing, day {(case.start - event.started).days}"
        if event.started <= case.start
        else f"to come with probability {words.percent(event.probability)}"
        for event in ordered
    ]
    announced = [words.NOTHING if e.announced is None else words.day(e.announced) for e in ordered]
    return table(
        "Dated outages",
        [
            Column("What", [words.scope(case, event.scope) for event in ordered]),
            Column("Cause", [words.plain(str(event.peril)) for event in ordered]),
            Column("Announced", announced),
            Column("Started", [words.day(event.started) for event in ordered]),
            Column("State at the start of the case", state),
            Column("Share shut", [words.percent(e.severity) for e in ordered], numeric=True),
        ],
    )


def assumed(material: Material) -> Section | None:
    """Return where every figure comes from, the weakest first, and all sources."""
    case = material.case
    bare = uncited(case)
    if not case.citations and not case.sources and not bare:
        return None
    total = len(list(paths.figures(case)))
    body = [
        paragraph(
            f"{total - len(bare)} of {total} figures of the case have a citation. They are listed "
            "by how far they can be trusted, the weakest first."
        )
    ]
    if bare:
        names = joined((tag("code", path) for path in bare), ", ")
        body.append(paragraph(tag("strong", "Without a citation: "), names, class_="warning"))
    for standing, heading in _STANDINGS.items():
        chosen = [citation for citation in case.citations if citation.standing == standing]
        if chosen:
            body += [tag("h3", heading), _citations(case, heading, chosen)]
    if case.sources:
        body += [sources("Sources", case.sources, prefix="source")]
    return Section("assumed", "What is assumed?", joined(body))


def _citations(case: Case, heading: str, chosen: Iterable[Citation]) -> Markup:
    # What is said alike of many figures is said once.
    alike: dict[tuple[str, str], list[Citation]] = defaultdict(list)
    for citation in chosen:
        alike[citation.source_id, citation.note].append(citation)
    figures = [joined((_figure(case, c.path) for c in group), "; ") for group in alike.values()]
    columns = [
        Column("Figures", figures),
        Column("Source", [cited(case, source_id) for source_id, _ in alike]),
        Column("How", [note or words.NOTHING for _, note in alike]),
    ]
    return table(heading, columns, class_="prose", headed=True)


def _figure(case: Case, path: str) -> Markup:
    value = paths.look_up(case, path)
    shown = f" = {value:,.10g}" if check.is_number(value) else ""
    if path.endswith(".severity") and isinstance(value, tuple):  # in the form of its mean
        shown = " = " + " + ".join(f"{weight:.4g} x {share:.4g}" for weight, share in value)
    return joined((tag("code", path), shown))


def sources(caption: str, chosen: Iterable[Source], *, prefix: str) -> Markup:
    """Return a heading, and sources with publisher, licence, link and date.

    Parameters
    ----------
    caption : str
        The heading.
    chosen : iterable of Source
        The sources.
    prefix : str
        Start of the places that links on the page lead to.

    Returns
    -------
    Markup
        Heading and table.
    """
    rows = list(chosen)
    titles = [
        tag(
            "span",
            link(source.url, source.title) if source.url else source.title,
            id=f"{prefix}-{source.source_id}",
        )
        for source in rows
    ]
    published = [words.NOTHING if s.published is None else words.day(s.published) for s in rows]
    columns = [
        Column("Title", titles),
        Column("Publisher", [source.publisher for source in rows]),
        Column("Licence", [source.licence for source in rows]),
        Column("Published", published),
    ]
    listed = table(caption, columns, class_="prose", headed=True)
    return joined((tag("h3", caption), listed))


def left_out(material: Material) -> Section | None:
    """Return what is known to matter and is not in the figures."""
    if not material.case.not_quantified:
        return None
    body = (
        paragraph("Known to matter, and in none of the figures above:"),
        items(material.case.not_quantified),
    )
    return Section("left-out", "What is left out?", joined(body))


def made_from(material: Material) -> Section:
    """Return what the page was made from: enough to make it again."""
    made = material.outlook.provenance
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    pairs: dict[str, str] = {
        "Case": made.case_name,
        "SHA-256 of the case": tag("code", made.case_digest),
        "Seed": tag("code", str(made.seed)),
        "Futures": f"{made.n_scenarios:,}",
        "Futures in a block": f"{made.block_size:,}",
        "Basis of losses": made.basis,
        "Versions": versions,
    }
    said = paragraph(
        "The same case, seed, number of futures and versions give the same page, on the same type "
        "of processor."
    )
    return Section("made-from", "What was this page made from?", joined((said, facts(pairs))))
