"""What moved the rate of a hazard: evidence, and conflict near a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplyrisk import _text
from supplyrisk._text import counted
from supplyrisk.hazard.conflict import events_near, front_distance
from supplyrisk.hazard.conflict_rate import conflict_multiplier
from supplyrisk.hazard.evidence_update import EvidenceRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.hazard.conflict import ConflictHistory
    from supplyrisk.hazard.conflict_rate import ConflictMultiplier
    from supplyrisk.hazard.evidence_update import Nowcast


def nowcast_words(now: Nowcast) -> Iterator[str]:
    yield from now.sentences
    yield (
        "A factor says how many times likelier an observation is if an event is near. Its "
        "contribution, on the first day, is log10(factor) x ageing x discount. Ranges hold 90 %."
    )
    idle = sum(not _counts(row) for row in now.rows)
    if idle:
        yield f"{idle} of {counted(now.rows, 'observation')} move nothing; the last table says why."


def nowcast_tables(now: Nowcast) -> dict[str, pd.DataFrame]:
    before, after = now.prior, now.hazard
    rate = [
        ("rate before", before.rate_pa, None, None, "1/a"),
        ("multiplier on the first day", *now.today, "1"),
        ("multiplier over the window", *now.multiplier, "1"),
        ("rate after", after.rate_pa, None, None, "1/a"),
        ("rate shape before", before.rate_shape, None, None, "1"),
        ("rate shape after", after.rate_shape, None, None, "1"),
        ("window", now.window_days, None, None, "d"),
    ]
    rows = pd.DataFrame(now.rows, columns=EvidenceRow._fields)
    moved = np.array([_counts(row) for row in now.rows], dtype=bool)
    why = ["evidence_id", "date", "kind", "age_days", "family", "factor", "half_life_days"]
    tables = {
        "What the evidence does to the rate": pd.DataFrame(
            rate, columns=["quantity", "value", "ci_low", "ci_high", "unit"]
        ),
        "Observations that move the rate": rows[moved],
        "Observations that move nothing": rows.loc[~moved, [*why, "status"]],
    }
    return {title: frame for title, frame in tables.items() if len(frame)}


def _counts(row: EvidenceRow) -> bool:
    return row.discount is not None


def conflict_words(history: ConflictHistory) -> Iterator[str]:
    if not history.day.size:
        yield f"No event of conflict is known before {_day(history, history.as_of)}."
        return
    first, last = history.day[[0, -1]]
    yield (
        f"Before {_day(history, history.as_of)}, {counted(history.day, 'event')} of conflict came, "
        f"the first on {_day(history, first)}, the last on {_day(history, last)}; whether the "
        "record goes on from there, the rows cannot tell."
    )
    front = front_distance(history)
    if np.isnan(front.distance_km):
        yield "Too few events are recent for a front."
        return
    yield (
        f"The third nearest of the last 30 days makes the front: {_text.shown(front.distance_km)} "
        f"km away on average over the last week, a change of {front.change_km_per_week:+.0f} km "
        "from the week before."
    )


def conflict_tables(history: ConflictHistory) -> dict[str, pd.DataFrame]:
    counts = events_near(history)

    def table(values: NDArray[np.generic]) -> pd.DataFrame:
        columns = [f"last_{days:g}_d" for days in counts.windows_days]
        frame = pd.DataFrame(values, columns=columns)
        frame.insert(0, "within_km", counts.distances_km)
        return frame

    return {"Events near the site": table(counts.events), "Deaths": table(counts.fatalities)}


def _day(history: ConflictHistory, day: float) -> str:
    return str(np.datetime64(int(day), "D")) if history.dated else f"day {day:g}"


def multiplier_tables(multiplier: ConflictMultiplier) -> dict[str, pd.DataFrame]:
    swept = sorted({0.0, 0.25, 0.5, 1.0, multiplier.elasticity})
    given = {name: getattr(multiplier, name) for name in ("intensity", "mean", "low", "high")}
    values = [conflict_multiplier(**given, elasticity=power).value for power in swept]
    return {"By elasticity": pd.DataFrame({"elasticity": swept, "multiplier": values})}
