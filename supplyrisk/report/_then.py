"""What then happened: where each observation falls in the futures that were simulated before."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplyrisk import _text
from supplyrisk.hazard.residual import residual_life
from supplyrisk.report import _words as words
from supplyrisk.report._known import sources
from supplyrisk.report._markup import Column, Markup, joined, link, paragraph, table, tag
from supplyrisk.report._section import Material, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.outlook import Outlook
    from supplyrisk.model.outcome import Observation

    Floats = NDArray[np.float64]

OUTPUT_NOISE = 0.05
"""Noise of a quarter's output apart from disruptions; an assumption. [1]"""


class Comparison(NamedTuple):
    """An observation beside its prediction.

    Attributes
    ----------
    seen
        The observation.
    what
        What was observed, in words.
    band
        Quantiles at 5, 50 and 95 % of the futures, in the unit of the observation.
    place
        Share of the futures below the observation, ties counted by half. [1]
    bound
        Whether the observation is a lower bound only.
    """

    seen: Observation
    what: str
    band: tuple[float, float, float]
    place: float
    bound: bool = False

    @property
    def inside(self) -> bool:
        """Whether the observation lies in the 90 % band."""
        return self.band[0] <= self.seen.value <= self.band[2]


def then(material: Material) -> Section | None:
    """Return what then happened beside what was predicted."""
    outlook, outcome = material.outlook, material.outcome
    if outcome is None or not outcome.observations:
        return None
    groups = {
        "Days from the beginning of an outage": list(closures(outlook, outcome.observations)),
        "Output [t], without production noise": list(outputs(outlook, outcome.observations)),
        f"Output [t], with {words.percent(OUTPUT_NOISE)} noise a quarter (an assumption)": list(
            outputs(outlook, outcome.observations, noise=OUTPUT_NOISE)
        ),
        "Price [USD/t], quotes": list(quotes(outlook, outcome.observations)),
        "Price [USD/t], means of whole months": list(month_means(outlook, outcome.observations)),
    }
    publishers = {source.source_id: source.publisher for source in outcome.sources}
    compared = [row.seen for rows in groups.values() for row in rows]
    others = [seen for seen in outcome.observations if not any(seen is row for row in compared)]
    body = [paragraph(_caution(groups), class_="note")]
    body += [_compared(title, rows, publishers) for title, rows in groups.items() if rows]
    if others:
        body.append(_others(others, publishers))
    listed = sources("Sources of what then happened", outcome.sources, prefix="then")
    return Section("then", "What then happened?", joined((*body, listed)))


def closures(outlook: Outlook, seen: Sequence[Observation]) -> Iterator[Comparison]:
    """Yield lengths of ongoing outages against their residual life.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    seen : sequence of Observation
        Observations; those in days of an ongoing event are compared.

    Yields
    ------
    Comparison
        Observed days since the beginning beside those predicted at the start of the case.
    """
    case = outlook.case
    for event in case.events:
        elapsed = (case.start - event.started).days
        if event.duration is None or elapsed < 0:
            continue
        life = residual_life(event.duration, elapsed_days=elapsed)
        low, middle, high = (elapsed + life.quantile(p) for p in (0.05, 0.5, 0.95))
        for item in seen:
            of_it = item.subject == f"events.{event.event_id}" and item.unit == "d"
            if of_it and item.value > elapsed:
                kind = words.quantity(item.quantity, item.unit)
                yield Comparison(
                    item,
                    f"{words.scope(case, event.scope)}: {kind}",
                    (low, middle, high),
                    life.probability_over_within(item.value - elapsed),
                    bound="at_least" in item.quantity,
                )


def outputs(
    outlook: Outlook, seen: Sequence[Observation], *, noise: float = 0.0
) -> Iterator[Comparison]:
    """Yield quarterly output against what was simulated.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures; without kept events nothing can be compared.
    seen : sequence of Observation
        Observations; those of ``output_t`` of a site on the last day of a calendar quarter are
        compared.
    noise : float, default 0.0
        Noise of a quarter's output apart from disruptions. [1]

    Yields
    ------
    Comparison
        Observed output beside that of the futures.
    """
    sites = {f"sites.{site.site_id}": site for site in outlook.plan.sites}
    last = outlook.case.start + dt.timedelta(days=int(outlook.plan.horizon_days))
    for item in seen if outlook.has_events else ():
        after = item.date + dt.timedelta(days=1)
        if item.quantity != "output_t" or item.subject not in sites:
            continue
        if after.day != 1 or after.month % 3 != 1 or not outlook.case.start < after <= last:
            continue
        quarter = dt.date(item.date.year, item.date.month - 2, 1)
        site = sites[item.subject]
        made = outlook.production_t(site.site_id, [quarter, after], noise=noise)[:, 0]
        name = f"{site.name}: quarter to {words.day(item.date)}"
        yield _in_sample(item, name, made)


def quotes(outlook: Outlook, seen: Sequence[Observation]) -> Iterator[Comparison]:
    """Yield quotes of the price against the fan of their day.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    seen : sequence of Observation
        Observations; those of ``price_usd_per_t`` within the horizon are compared.

    Yields
    ------
    Comparison
        Quote beside the fan; between two steps quantiles are interpolated, as in the picture.
    """
    market = outlook.case.market()
    if market is None:
        return
    fan = np.sort(outlook.price_usd_per_t(), axis=0)
    fan = np.column_stack([np.full(len(fan), market.quote_usd_per_t), fan])
    first = (market.quote_date - outlook.case.start).days
    days = np.append(float(first), outlook.plan.edges_days[1:])
    for item in _priced(outlook, seen, "price_usd_per_t"):
        day = float((item.date - outlook.case.start).days)
        if 0.0 <= day <= days[-1]:
            after = int(np.searchsorted(days, day).clip(1, len(days) - 1))
            weight = (day - days[after - 1]) / (days[after] - days[after - 1])
            sample = (1.0 - weight) * fan[:, after - 1] + weight * fan[:, after]
            yield _in_sample(item, words.day(item.date), sample)


def month_means(outlook: Outlook, seen: Sequence[Observation]) -> Iterator[Comparison]:
    """Yield means of whole months against those of the simulated paths.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    seen : sequence of Observation
        Observations; those of ``price_month_mean_usd_per_t`` of whole months are compared.

    Yields
    ------
    Comparison
        Mean of the month beside that of the futures, taken over the ends of steps.
    """
    if outlook.case.market() is None:
        return
    start = outlook.case.start
    for item in _priced(outlook, seen, "price_month_mean_usd_per_t"):
        from_, to = ((day - start).days for day in (item.date.replace(day=1), item.date))
        ends = outlook.plan.edges_days[1:]
        within = (ends >= from_) & (ends <= to)
        if from_ >= 0 and to <= ends[-1] and within.any():
            sample = outlook.price_usd_per_t()[:, within].mean(axis=1)
            yield _in_sample(item, words.month(item.date), sample)


def _priced(outlook: Outlook, seen: Sequence[Observation], quantity: str) -> Iterator[Observation]:
    subject = f"markets.{outlook.case.commodity}"
    for item in sorted(seen, key=lambda item: item.date):
        if item.quantity == quantity and item.subject == subject and item.unit == "USD/t":
            yield item


def _in_sample(item: Observation, what: str, sample: Floats) -> Comparison:
    low, middle, high = (float(x) for x in np.quantile(sample, (0.05, 0.5, 0.95)))
    below, equal = (sample < item.value).mean(), (sample == item.value).mean()
    return Comparison(item, what, (low, middle, high), float(below + 0.5 * equal))


def _caution(groups: dict[str, list[Comparison]]) -> str:
    # The first comparison of an observation counts; bounds say too little.
    rows = {id(row.seen): row for found in reversed(groups.values()) for row in found}
    whole = [row for row in rows.values() if not row.bound]
    counted = (
        f"{sum(row.inside for row in whole)} of {len(whole)} observations lie in their "
        f"{words.NINETY} band. "
        if whole
        else ""
    )
    return (
        f"Nothing on this page was computed from what follows. {counted}Observations of one mine "
        "or one price lie on one path and are not independent, and one case proves little."
    )


def _compared(title: str, rows: Sequence[Comparison], publishers: dict[str, str]) -> Markup:
    columns = [
        Column("Observation", [row.what for row in rows]),
        Column("Observed", [_value(row) for row in rows], numeric=True),
        Column("Where it falls", [_place(row) for row in rows]),
        *(
            Column(heading, [_text.shown(round(row.band[k])) for row in rows], numeric=True)
            for k, heading in enumerate(
                (f"Predicted: {words.percent(0.05)}", "median", words.percent(0.95))
            )
        ),
        Column("Source and note", [_source(row.seen, publishers) for row in rows]),
    ]
    return table(title, columns)


def _value(row: Comparison) -> str:
    return f"{'at least ' if row.bound else ''}{_text.shown(row.seen.value)}"


def _place(row: Comparison) -> Markup:
    """Draw and say the place of an observation among the futures."""
    count = round(100.0 * row.place)
    said = f"{words.ordinal(count)} percentile"
    if not 0 < count < 100:
        said = "below the 1st percentile" if count == 0 else "above the 99th percentile"
    if row.bound:
        said = f"at or beyond the {said}"
    outside = not row.inside and not row.bound
    mark = tag("i", style=f"left:{100.0 * row.place:.1f}%")
    strip = tag("span", mark, class_="strip outside" if outside else "strip", aria_hidden="true")
    return joined((strip, said, ", outside the band" if outside else ""))


def _source(seen: Observation, publishers: dict[str, str]) -> Markup:
    about = [link(f"#then-{seen.source_id}", publishers[seen.source_id]), seen.standing]
    said = joined((*about, *([seen.note] if seen.note else [])), " \N{MIDDLE DOT} ")
    return tag("div", tag("small", said), class_="about")


def _others(seen: Sequence[Observation], publishers: dict[str, str]) -> Markup:
    ordered = sorted(seen, key=lambda item: item.date)
    return table(
        "Also observed, compared with nothing",
        [
            Column("Day", [words.day(item.date) for item in ordered]),
            Column("What", [words.quantity(item.quantity, item.unit) for item in ordered]),
            Column("Of", [tag("code", item.subject) for item in ordered]),
            Column("Observed", [_text.shown(item.value) for item in ordered], numeric=True),
            Column("Unit", [item.unit for item in ordered]),
            Column("Source and note", [_source(item, publishers) for item in ordered]),
        ],
    )
