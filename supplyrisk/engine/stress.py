"""What exactly these events would do, and nothing else: a stress test, without random futures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk import _html, _text
from supplyrisk import _validation as check
from supplyrisk.engine import _stress_tables as tables
from supplyrisk.engine.certain import (
    LEVELS,
    calm,
    make_certain,
    settled,
    shares_of_supply,
)
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.case import Case
from supplyrisk.model.hazard import DisruptionEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class StressTest:
    """What some events would do to a case; made by `supplyrisk.stress`.

    Days and weeks count from the day on which the first of the events strikes, or from the start
    of the case where that is later. They are those at the end of a step; below 0 where stock is
    shipped ahead of an announced closure.

    Attributes
    ----------
    case
        The case.
    events
        The events as they were run: of fixed length.
    share_of_supply
        Share of the planned production of the case's commodity that the events hold back while
        all of them last, what stands still anyway included. [1]
    lost_t
        Production lost within the horizon on top of what the case loses without them. [t]
    missing_t
        The most metal by which the market falls behind within the horizon, at median elasticities;
        not a number without a market. [t]
    price_ratio_low, price_ratio, price_ratio_high
        Highest price against the price without the events, at the 95 %, 50 % and 5 % points of the
        elasticity prior; not a number without a market. [1]
    time_to_recover_days
        Days until every place that is hit is as before: outage and ramp-up. [d]
    buyers
        By buyer_id: name, illustrative; share_hit, the share of his use that the sources agreed no
        longer deliver while the events last [1]; time_to_survive_days, his stock over that, as if
        nothing replaced it, and time_to_recover_days, until all that hits them is over, 0 where
        nothing does [d]; weeks_until_short, infinite where he never is [weeks]; shortage_t,
        and extra_shortage_t and extra_lost_margin_usd on top of those without the events;
        extra_cost_usd with its ends over the elasticity prior [USD].
    sources
        A row per source of each buyer: its share of his use, and the share_hit of it. [1]
    stages
        By stage, from the mines to the buyers' own stocks: reached_days, when it first holds less
        than without the events [d]; of the places that ever do, without_t on that day, lowest_t
        [t], and empty_days, when a hundredth of without_t is left [d]. What arrives at the market
        is that of a step.
    steps
        By the last day of each step: lost_t on top, market_t, what reaches the market, and
        market_without_t, the same without the events; stocks before the market (upstream_t), at
        the exchange and with buyers [t]; and the price ratio with its ends over the elasticity
        prior [1].
    """

    case: Case
    events: tuple[DisruptionEvent, ...]
    share_of_supply: float
    lost_t: float
    missing_t: float
    price_ratio_low: float
    price_ratio: float
    price_ratio_high: float
    time_to_recover_days: float
    buyers: pd.DataFrame
    sources: pd.DataFrame
    stages: pd.DataFrame
    steps: pd.DataFrame

    @property
    def sentences(self) -> tuple[str, ...]:
        """The result in words, a sentence each."""
        return tuple(self._words())

    def _words(self) -> Iterator[str]:
        names = ", ".join(event.event_id for event in self.events)
        yield (
            f"{self.case.name} under {names}: {self.share_of_supply:.1%} of the "
            f"{self.case.commodity} planned is held back, {_text.shown(self.lost_t)} t are lost "
            f"within {self.case.horizon_days} days, and it takes "
            f"{_text.shown(self.time_to_recover_days)} days to recover."
        )
        if not np.isnan(self.price_ratio):
            yield (
                f"The market falls behind by up to {_text.shown(self.missing_t)} t. The price "
                f"peaks at {self.price_ratio:.3f} times that without [{self.price_ratio_low:.3f} "
                f"to {self.price_ratio_high:.3f} over the elasticity prior]."
            )

    def __repr__(self) -> str:
        """Return words and tables as plain text."""
        shown = [_text.table(frame, index=True) for frame in (self.buyers, self.stages)]
        return "\n\n".join(["\n".join(self.sentences), *filter(None, shown)])

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{_html.escape(sentence)}</p>" for sentence in self.sentences)
        tables = (_html.table(frame, index=True) for frame in (self.buyers, self.stages))
        return words + "".join(tables)


def stress(
    case: Case, event: DisruptionEvent | str | Iterable[DisruptionEvent | str]
) -> StressTest:
    r"""Ask what exactly this event would do, and nothing else: without random futures.

    Parameters
    ----------
    case : Case
        The situation on its date.
    event : DisruptionEvent, str, or an iterable of them
        What strikes; the id of an event of the case asks what that one does. Several strike
        together. An event with the id of one of the case takes its place.

    Returns
    -------
    StressTest
        Loss, price and buyers, against the same case without these events.

    Raises
    ------
    TypeError
        If `case` is no case, or an event neither an event nor text.
    InvalidInputError
        If an event is not one of the case, hits nothing in it, is over, or starts after the
        horizon.

    Notes
    -----
    Nothing is random. The case has no hazards; its other events go on for the median of what
    remains of them, with the median ramp-up, and of those to come only the likelier than not take
    place. The events asked about take place, each for the median of its length given the days that
    have passed. Everybody knows these lengths once an event has struck.

    An event that began before the case, or has a day on which it was announced, is known as in
    `supplyrisk.simulate`. Any other is a surprise: nobody reckons with it before the day it starts.

    The chain of `supplyrisk.simulate` runs once with the events and once without, at the 5 %, 50 %
    and 95 % points of the elasticity sum. The price without its noise is :math:`1 + x / e` of the
    price before, with x the share of a year's supply that is expected to be missing or missing from
    stocks, and e the elasticity sum; the price ratio is that with the events over that without.

    Production lost counts mines: what a closed route or a stopped smelter holds back is not lost,
    but it is in `missing_t`. Without a market, mines alone are looked at.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> test = stress(load_case("walikale-2025"), "bisie-closure")
    >>> f"{test.share_of_supply:.3f}", round(test.lost_t)
    ('0.067', 20000)
    """
    check.require("case", case, Case)
    events = _chosen(case, event)
    pair = _pair(case, events)
    struck, spared = pair.run()
    ratios = tables.price_ratios(pair, struck, spared)
    steps = tables.steps_table(pair, struck, spared, ratios)
    missing = np.nan
    if pair.struck.own is not None:
        behind = (steps["market_without_t"] - steps["market_t"]).cumsum()
        missing = max(float(behind.max()), 0.0)
    peaks = ratios.max(axis=1)
    return StressTest(
        case=case,
        events=events,
        share_of_supply=float(shares_of_supply(pair.struck, [pair.names])[0]),
        lost_t=float(steps["lost_t"].sum()),
        missing_t=missing,
        price_ratio_low=float(peaks.min()),
        price_ratio=float(peaks[LEVELS.index(0.5)]),
        price_ratio_high=float(peaks.max()),
        time_to_recover_days=max(pair.over_days(one) for one in events),
        buyers=tables.buyers_table(pair, struck, spared),
        sources=tables.sources_table(pair),
        stages=tables.stages_table(pair),
        steps=steps,
    )


def _chosen(
    case: Case, event: DisruptionEvent | str | Iterable[DisruptionEvent | str]
) -> tuple[DisruptionEvent, ...]:
    """Return the events that are asked about, of fixed length."""
    given = check.as_tuple(event)
    asked = given if isinstance(given, tuple) else (given,)
    own = {one.event_id: one for one in case.events}
    faults = [fault for one in asked if isinstance(one, str) for fault in _unknown(one, list(own))]
    if not asked:
        faults.append(Fault("event", "must be at least one event", event))
    if faults:
        raise InvalidInputError("stress", faults)
    events = [own[one] if isinstance(one, str) else one for one in asked]
    for one in events:
        check.require("event", one, DisruptionEvent)
    faults = [fault for one in events for fault in _out_of_time(case, one)]
    if faults:
        raise InvalidInputError("stress", faults)
    sure = [replace(one, probability=1.0) for one in events]
    _check_together(case, sure)
    return tuple(settled(one, case) for one in sure)


def _unknown(name: str, own: list[str]) -> Iterator[Fault]:
    if own:
        yield from check.choice("event", name, own)
    else:
        yield Fault("event", "must be an event: the case has none of its own", name)


def _out_of_time(case: Case, event: DisruptionEvent) -> Iterator[Fault]:
    path = f"events.{event.event_id}"
    if event.ended is not None:
        rule = "must be left out: what strikes has a duration and no end yet"
        yield Fault(f"{path}.ended", rule, str(event.ended))
    if (event.started - case.start).days >= case.horizon_days:
        rule = f"must be within the {case.horizon_days} days from {case.start}"
        yield Fault(f"{path}.started", rule, str(event.started))


def _check_together(case: Case, events: list[DisruptionEvent]) -> None:
    """Raise where the case could not hold these events; a surprise is one that it could hold."""
    names = {one.event_id for one in events}
    kept = tuple(one for one in case.events if one.event_id not in names)
    told = (
        replace(one, announced=case.start)
        if one.announced is None and one.started > case.start
        else one
        for one in events
    )
    replace(case, events=(*kept, *told), citations=())


def _pair(case: Case, events: tuple[DisruptionEvent, ...]) -> tables.Pair:
    known = tuple(e for e in events if e.announced is not None or e.started < case.start)
    surprises = [one for one in events if one not in known]
    base = calm(case, {one.event_id for one in events})
    struck = make_certain(replace(base, events=(*base.events, *known)), surprises)
    return tables.Pair(
        struck=struck,
        spared=make_certain(base) if known else struck,
        events=events,
        surprises=frozenset(one.event_id for one in surprises),
        first_day=max(min(float((one.started - case.start).days) for one in events), 0.0),
    )
