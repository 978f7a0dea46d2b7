"""A case, an outlook or a step towards them in words: what is known, assumed, and meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from supplyrisk import _html, _text
from supplyrisk.engine.outlook import Outlook
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.explanation._buyer import driver_words, explain_buyer
from supplyrisk.explanation._case import case_tables, case_words, ongoing_table, uncited
from supplyrisk.explanation._chain import market_words, stocks_table, way_words
from supplyrisk.explanation._evidence import (
    conflict_tables,
    conflict_words,
    multiplier_tables,
    nowcast_tables,
    nowcast_words,
)
from supplyrisk.explanation._outlook import balance_words, outlook_words
from supplyrisk.explanation._terms import policy_words
from supplyrisk.hazard.conflict import ConflictHistory
from supplyrisk.hazard.conflict_rate import ConflictMultiplier
from supplyrisk.hazard.evidence_update import Nowcast
from supplyrisk.model.case import Case

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Explanation",
    "balance_words",
    "driver_words",
    "explain",
    "market_words",
    "ongoing_table",
    "outlook_words",
    "policy_words",
    "stocks_table",
    "uncited",
    "way_words",
]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Words and tables about a case and the like; shows itself in a notebook.

    Attributes
    ----------
    sentences
        The words, a sentence each.
    tables
        Tables by their title.
    """

    sentences: tuple[str, ...]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Everything as plain text."""
        parts = ["\n".join(self.sentences)]
        parts += [f"{title}\n{_text.table(frame)}" for title, frame in self.tables.items()]
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        """Return everything as plain text."""
        return self.text

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{_html.escape(sentence)}</p>" for sentence in self.sentences)
        tables = "".join(
            f"<h4>{_html.escape(title)}</h4>{_html.table(frame)}"
            for title, frame in self.tables.items()
        )
        return words + tables


def explain(
    what: Case | Outlook | Nowcast | ConflictHistory | ConflictMultiplier,
    *,
    buyer: str | None = None,
) -> Explanation:
    """Explain a case, an outlook, or what moved the rate of a hazard, in words and tables.

    Parameters
    ----------
    what : Case, Outlook, Nowcast, ConflictHistory or ConflictMultiplier
        What to explain.
    buyer : str, optional
        Id of a buyer of an outlook: what it means to him, and what the ongoing events do to him if
        they last for the median of what remains (`supplyrisk.stress`).

    Returns
    -------
    Explanation
        Text, tables, and a form for notebooks.

    Raises
    ------
    TypeError
        If `what` is none of them.
    ValueError
        If the outlook has no such buyer, or `buyer` is given with anything but an outlook.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> print(explain(load_case("walikale-2025")).sentences[0])
    walikale-2025 starts on 2025-03-20 and looks 365 days ahead in steps of 5 days.
    """
    if buyer is not None:
        if not isinstance(what, Outlook):
            fault = Fault("buyer", "must be left out unless an outlook is explained", buyer)
            raise InvalidInputError("explain", [fault])
        return Explanation(*explain_buyer(what, buyer))
    if isinstance(what, Case):
        return Explanation(tuple(case_words(what)), case_tables(what))
    if isinstance(what, Outlook):
        words = (*case_words(what.case), *outlook_words(what))
        return Explanation(words, {**case_tables(what.case), "Summary": what.summary()})
    if isinstance(what, Nowcast):
        return Explanation(tuple(nowcast_words(what)), nowcast_tables(what))
    if isinstance(what, ConflictHistory):
        return Explanation(tuple(conflict_words(what)), conflict_tables(what))
    if isinstance(what, ConflictMultiplier):
        return Explanation(what.sentences, multiplier_tables(what))
    raise TypeError(
        "what must be a Case, an Outlook, a Nowcast, a ConflictHistory or a ConflictMultiplier, "
        f"got {what!r:.80}"
    )
