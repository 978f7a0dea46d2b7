"""Making a card of a commodity, a case or an outlook."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.analysis.indicator_tables import indicator_table
from supplyrisk.data.build import build_case
from supplyrisk.data.tables import table
from supplyrisk.data.vocabulary import commodity_of
from supplyrisk.engine.outlook import Outlook
from supplyrisk.engine.run import simulate
from supplyrisk.engine.streams import seed_of
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.metrics import Interval
from supplyrisk.model.case import Case
from supplyrisk.scorecard._rows import (
    headline,
    simulated_rows,
    structural_rows,
    unsimulated_rows,
)
from supplyrisk.scorecard.card import Scorecard
from supplyrisk.scorecard.composite import checked_weights, compose
from supplyrisk.scorecard.estimates import estimates

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


def score(
    what: str | Case | Outlook,
    *,
    buyer: str | None = None,
    region: str | None = None,
    composite: bool = False,
    weights: Mapping[str, float] | None = None,
    n_scenarios: int = 10_000,
    rng: int | np.random.Generator | None = None,
) -> Scorecard:
    """Score the supply risk of a commodity or a case.

    Parameters
    ----------
    what : str, Case or Outlook
        A bundled commodity, whose case is built as of the last day on which the catalogue of stops
        looked; a case, which is simulated; or an outlook of one.
    buyer : str, optional
        Id of a buyer of the case: his rows then hold what drives his cost, and how long he survives
        without each source.
    region : str, optional
        Region or country that structural indicators are for, as of `indicator_table`.
    composite : bool, default False
        Whether to give a composite from 0 to 100 too. One had better not, see the page on it.
    weights : mapping of str to float, optional
        Weights of its parts, which sum to 1; by default those of that page.
    n_scenarios : int, default 10_000
        Number of futures to simulate.
    rng : int, numpy.random.Generator or None
        Seed, as for `supplyrisk.simulate`.

    Returns
    -------
    Scorecard
        Headline in physical units, with the parts of sites, the buyers, and structural indicators
        in a section of their own.

    Raises
    ------
    TypeError
        If `what` is no commodity's name, Case or Outlook.
    InvalidInputError
        If the commodity, the buyer or the region is unknown, nothing is planned to be produced,
        or weights are wrong, or given though no composite is asked for.

    Notes
    -----
    Supply at risk is the tail value at risk of lost production at 95 %, as a share of the planned
    production over the horizon. It counts ongoing outages too: what is already shut is at risk. A
    commodity without bundled output by country has a card without it.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> card = score(load_case("walikale-2025"), n_scenarios=1000, rng=7)
    >>> 0.0 < card.supply_at_risk < 1.0
    True
    """
    if not isinstance(what, str | Case | Outlook):
        raise TypeError(f"what must be a commodity, a Case or an Outlook, got {what!r:.80}")
    if weights is not None and not composite:
        fault = Fault("weights", "must be left out unless composite is true", weights)
        raise InvalidInputError("score", [fault])
    chosen = checked_weights(weights) if composite else None
    subject = _subject(what)
    _check_buyer(buyer, subject.case)
    seed = what.provenance.seed if isinstance(what, Outlook) else seed_of(rng)
    known = indicator_table(subject.of, region=region, as_of=subject.day, rng=seed)
    outlook = what if isinstance(what, Outlook) else None
    if subject.case is None:
        tail, ends = np.nan, Interval(np.nan, np.nan)
        simulated = unsimulated_rows(subject.commodity, subject.notes[0])
    else:
        outlook = outlook or simulate(subject.case, n_scenarios, rng=seed)
        tail, ends = headline(outlook)
        simulated = simulated_rows(outlook, buyer)
    rows = pd.concat([simulated, structural_rows(known)], ignore_index=True)
    figures = estimates(rows[rows["level"] == "commodity"])
    return Scorecard(
        name=subject.name,
        outlook=outlook,
        supply_at_risk=tail,
        interval=ends,
        rows=rows,
        notes=subject.notes,
        composite=compose(subject.commodity, figures, chosen, seed) if chosen else None,
    )


class _Subject(NamedTuple):
    """What a card is of: its case if there is one, and what its indicators are of, on which day."""

    name: str
    commodity: str
    case: Case | None
    of: str | Case
    day: dt.date
    notes: tuple[str, ...] = ()


def _subject(what: str | Case | Outlook) -> _Subject:
    if isinstance(what, str):
        commodity, day = commodity_of(what), latest_day()
        case = case_of(commodity, day)
        if case is None:
            note = f"No output of {commodity} by country is bundled to build a case of."
            return _Subject(commodity, commodity, None, commodity, day, (note,))
        note = (
            f"Case and indicators are built from the bundled tables as of {day}, the last day on "
            f"which their catalogue of stops looked."
        )
        return _Subject(case.name, commodity, case, commodity, day, (note,))
    case = what if isinstance(what, Case) else what.case
    return _Subject(case.name, str(case.commodity), case, case, case.start)


def _check_buyer(buyer: str | None, case: Case | None) -> None:
    """Refuse a buyer that the case does not have, before anything is simulated."""
    if buyer is None:
        return
    there = [one.buyer_id for one in case.exposures] if case else []
    faults = [*check.choice("buyer", buyer, there)]
    if not there:
        faults = [Fault("buyer", "must be left out: there is no buyer", buyer)]
    if faults:
        raise InvalidInputError("score", faults)


def latest_day() -> dt.date:
    """Return the last day on which the bundled catalogue of stops looked at the world.

    Returns
    -------
    datetime.date
        A case that starts later would say that nothing has happened since.
    """
    seen: pd.Timestamp = table("disruptions")["last_observed"].max()
    return seen.date()


def case_of(commodity: str, day: dt.date) -> Case | None:
    """Build the case of a commodity from the bundled tables.

    Parameters
    ----------
    commodity : str
        The commodity.
    day : datetime.date
        Day on which the case stands.

    Returns
    -------
    Case or None
        None where no output by country is bundled.
    """
    if commodity not in set(table("production")["commodity"]):
        return None
    return build_case(commodity, start=day)
