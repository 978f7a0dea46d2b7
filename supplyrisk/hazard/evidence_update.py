"""Nowcast: dated observations move the rate of a hazard by stated Bayes factors.

The module is not called after its function, which would rebind ``supplyrisk.hazard.nowcast``.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from supplyrisk import _validation as check
from supplyrisk._html import escape
from supplyrisk._text import shown
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard.evidence_factors import Z90, BayesFactor, bayes_factors
from supplyrisk.model.evidence import Evidence
from supplyrisk.model.hazard import Hazard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST: Final = 30.0
"""Most that the median of a day multiplies or divides a rate by, and that either end of its 90 %
range multiplies or divides the median by."""
OLDEST_HALF_LIVES: Final = 10.0
"""Age, in half-lives, beyond which an observation moves nothing."""
_COUNTED: Final = "counted"
_CAP: Final = math.log(MOST)


class Multiplier(NamedTuple):
    """What evidence multiplies a rate by: median and 90 % range [1]."""

    median: float
    low: float
    high: float


class EvidenceRow(NamedTuple):
    """What became of one observation: what it was given, and what it was worth on `as_of`.

    ``contribution`` is ``log10(factor) * ageing * discount``, before the cut at `MOST`.
    """

    evidence_id: str
    date: dt.date
    kind: str
    age_days: int
    family: str | None = None
    factor: float | None = None
    low: float | None = None
    high: float | None = None
    half_life_days: float | None = None
    standing: str | None = None
    ageing: float | None = None
    discount: float | None = None
    contribution: float = 0.0
    status: str = _COUNTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Nowcast:
    """A hazard after the evidence, and everything that led to it.

    Attributes
    ----------
    hazard
        The hazard with the rate of the window; the given one if nothing moves it.
    prior
        The hazard as given.
    as_of
        Day that the evidence is aged to; nothing later was used.
    window_days
        Days from `as_of` on over which the multiplier is averaged. [d]
    today
        Multiplier on the first day of the window.
    multiplier
        Mean multiplier over the window; its median multiplies the rate.
    rows
        A row per observation, in order of date: its factor, ageing, discount and contribution in
        powers of ten on the first day, and whether it counted, or why not.
    """

    hazard: Hazard
    prior: Hazard
    as_of: dt.date | None
    window_days: int
    today: Multiplier
    multiplier: Multiplier
    rows: tuple[EvidenceRow, ...]

    @property
    def prior_rate_pa(self) -> float:
        """Rate before the evidence [1/a]."""
        return self.prior.rate_pa

    @property
    def sentences(self) -> tuple[str, ...]:
        """What came out, a sentence each."""
        counted = sum(row.status == _COUNTED for row in self.rows)
        hazard, prior = self.hazard, self.prior
        counts = (
            f"{counted} of {len(self.rows)} observations bear on {prior.hazard_id} "
            f"as of {self.as_of or 'no day'}; every factor is as sure as its standing says."
        )
        multiplied = (
            f"They multiply its rate by {_range(self.multiplier)} over {self.window_days} days, "
            f"by {_range(self.today)} on the first of them."
        )
        moved = (
            f"The rate goes from {shown(prior.rate_pa)} to {shown(hazard.rate_pa)} a year, "
            f"its shape from {shown(prior.rate_shape)} to {shown(hazard.rate_shape)}."
        )
        words = (counts, multiplied, moved)
        if prior.rate_group != hazard.rate_group:
            left = f"It leaves the rate group {prior.rate_group}, whose members share one shape."
            return (*words, left)
        return words

    @property
    def text(self) -> str:
        """Everything as plain text."""
        table = [EvidenceRow._fields, *(tuple(map(shown, row)) for row in self.rows)]
        widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in table
        ]
        return "\n".join([*self.sentences, "", *lines])

    def __repr__(self) -> str:
        """Return everything as plain text."""
        return self.text

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences)
        head = "".join(f"<th>{escape(name)}</th>" for name in EvidenceRow._fields)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(shown(cell))}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return words + table


def nowcast(
    hazard: Hazard,
    evidence: Iterable[Evidence],
    *,
    as_of: dt.date | None = None,
    window_days: int = 365,
    factors: Iterable[BayesFactor] | None = None,
) -> Nowcast:
    r"""Let dated observations move the rate of a hazard, with every step in view.

    Parameters
    ----------
    hazard : Hazard
        The hazard; it stays as it is.
    evidence : iterable of Evidence
        Observations. One that names no hazard is taken to bear on this one; one that names another
        hazard, or is of a kind without a factor, moves nothing and is listed.
    as_of : datetime.date, optional
        Day that the evidence is aged to, such as the start of the case; the day of the newest
        observation when omitted.
    window_days : int, default 365
        Days from `as_of` on that the new rate is for: give the horizon of the case. [d]
    factors : iterable of BayesFactor, optional
        Replaces the table of :func:`bayes_factors`.

    Returns
    -------
    Nowcast
        The new hazard, the multiplier with its 90 % range, and a row per observation.

    Raises
    ------
    TypeError
        If `hazard` is no Hazard; the end of a running outage is not nowcast.
    InvalidInputError
        If an observation is later than `as_of` or given twice, a kind has two factors, or
        `window_days` is no whole number from 1 to 3650.

    Notes
    -----
    The odds that an event strikes within a short time are its rate times that time, so a Bayes
    factor multiplies the rate, and logarithms add [1]_. Observation i of age :math:`u_i` has on
    day t of the window the log factor :math:`c_i = 2^{-(u_i + t)/h_i} \ln B_i`. Those of one
    family and one direction are not independent: the largest counts whole, the next half, the
    next a quarter, so that any number of reports weighs at most twice the strongest. The sum
    :math:`\mu_t` is cut at :math:`\pm \ln 30`. Spreads of one family add, weighted alike,
    families are independent, and the 90 % range of a day is cut at a factor of 30 to either
    side. With one standard normal z for all days the multiplier is
    :math:`M = \mathrm{mean}_t \exp(\mu_t + s_t z)`.

    The rate is multiplied by the median of M, so that a wide range moves no rate by itself: if
    the two likelihoods whose ratio is the factor are equally uncertain, the ratio of their means
    is the median of their ratio. The relative variance :math:`v` of M goes into the gamma
    distribution of the rate by matching moments, :math:`1/k' = (1 + 1/k)(1 + v) - 1`.

    The rate is constant over the window, while the evidence speaks for its beginning. A hazard
    whose rate becomes less sure leaves its `rate_group`, whose members share one `rate_shape`.

    References
    ----------
    .. [1] I. J. Good, "Weight of evidence: a brief survey," Bayesian Statistics 2, pp. 249-269,
       North-Holland, 1985.

    Examples
    --------
    >>> import datetime as dt
    >>> from supplyrisk.model.duration import Duration
    >>> from supplyrisk.model.hazard import Peril, Scope
    >>> conflict = Hazard(
    ...     hazard_id="conflict", peril=Peril.ARMED_CONFLICT, scope=Scope.site("mine"),
    ...     rate_pa=0.1, duration=Duration.fixed(days=30),
    ... )
    >>> seen = Evidence(
    ...     evidence_id="fall", date=dt.date(2025, 3, 1), kind="town_taken", statement="It fell.",
    ... )
    >>> now = nowcast(conflict, [seen], as_of=dt.date(2025, 3, 31), window_days=1)
    >>> round(now.hazard.rate_pa, 4)  # one half-life later: 0.1 x 3 ** 0.5
    0.1732
    >>> [round(bound, 2) for bound in now.multiplier]
    [1.73, 1.0, 3.0]
    >>> round(nowcast(conflict, [seen], as_of=dt.date(2025, 3, 31)).multiplier.median, 2)
    1.08
    """
    # What remains of a running outage is for residual_life: no lognormal to a power is a Duration.
    check.require("hazard", hazard, Hazard)
    seen = _tuple(evidence)
    table = bayes_factors() if factors is None else _tuple(factors)
    faults = [*_faults(seen, as_of, window_days), *_table_faults(table)]
    if faults:
        raise InvalidInputError("nowcast", faults)
    day = as_of or max((item.date for item in seen), default=None)
    by_kind = {factor.kind: factor for factor in table}
    # In one order whatever order they came in, so that the sums are the same to the last bit.
    ordered = sorted(seen, key=lambda item: (item.date, item.evidence_id))
    rows = [_row(item, by_kind.get(item.kind), hazard, day) for item in ordered]
    places = [place for place, row in enumerate(rows) if row.status == _COUNTED]
    weighed = [(by_kind[rows[place].kind], rows[place].age_days) for place in places]
    mu, spread, discounts = _path(weighed, int(window_days))
    for place, discount in zip(places, discounts, strict=True):
        row = rows[place]
        rows[place] = row._replace(discount=discount, contribution=row.contribution * discount)
    return Nowcast(
        hazard=_moved(hazard, mu, spread),
        prior=hazard,
        as_of=day,
        window_days=int(window_days),
        today=_multiplier(mu[:1], spread[:1]),
        multiplier=_multiplier(mu, spread),
        rows=tuple(rows),
    )


def _tuple(given: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever a notebook gave
    items = check.as_tuple(given)
    return items if isinstance(items, tuple) else (items,)


def _faults(seen: tuple[Any, ...], as_of: Any, window_days: Any) -> Iterator[Fault]:  # noqa: ANN401
    if as_of is not None:
        yield from check.date("as_of", as_of)
    if not (check.is_number(window_days) and 1 <= window_days <= 3650) or window_days % 1:
        yield Fault("window_days", "must be a whole number from 1 to 3650", window_days)
    wrong = [*check.instances("evidence", seen, Evidence)]
    yield from wrong
    if wrong:
        return
    names = [item.evidence_id for item in seen]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault("evidence", "must not hold an observation twice", name)
    for item in seen:
        if check.is_date(as_of) and item.date > as_of:
            rule = f"must not be after as_of ({as_of}): events after case.start used as history"
            yield Fault(f"evidence.{item.evidence_id}.date", rule, str(item.date))


def _table_faults(table: tuple[Any, ...]) -> Iterator[Fault]:
    wrong = [*check.instances("factors", table, BayesFactor)]
    yield from wrong
    kinds = [] if wrong else [factor.kind for factor in table]
    for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        yield Fault("factors", "must have one factor for a kind", kind)


def _row(
    item: Evidence, factor: BayesFactor | None, hazard: Hazard, as_of: dt.date | None
) -> EvidenceRow:
    row = EvidenceRow(
        evidence_id=item.evidence_id,
        date=item.date,
        kind=item.kind,
        age_days=(as_of - item.date).days if as_of is not None else 0,
    )
    elsewhere = item.hazard_id not in {None, hazard.hazard_id}
    if factor is None:
        unknown = "no factor for this kind"
        return row._replace(status=f"bears on {item.hazard_id}" if elsewhere else unknown)
    row = row._replace(
        family=factor.family,
        factor=factor.median,
        low=factor.low,
        high=factor.high,
        half_life_days=factor.half_life_days,
        standing=factor.standing,
    )
    if elsewhere:
        return row._replace(status=f"bears on {item.hazard_id}")
    if row.age_days > OLDEST_HALF_LIVES * factor.half_life_days:
        return row._replace(status=f"older than {OLDEST_HALF_LIVES:g} half-lives")
    ageing = 2.0 ** (-row.age_days / factor.half_life_days)
    return row._replace(ageing=ageing, contribution=math.log10(factor.median) * ageing)


def _range(multiplier: Multiplier) -> str:
    low, high = shown(multiplier.low), shown(multiplier.high)
    return f"{shown(multiplier.median)} [{low}, {high}]"


def _path(
    weighed: list[tuple[BayesFactor, int]], window_days: int
) -> tuple[Floats, Floats, list[float]]:
    """Sum and spread of the log factors by day, and the discount of each on the first day."""
    days = np.arange(window_days, dtype=float)
    mu, variance = np.zeros(window_days), np.zeros(window_days)
    discounts = [0.0] * len(weighed)
    # The widest first, so that among equals it is the one that counts whole.
    wide_first = sorted(range(len(weighed)), key=lambda place: -weighed[place][0].spread)
    groups: dict[tuple[str, bool], list[int]] = {}
    for place in wide_first:
        factor = weighed[place][0]
        groups.setdefault((factor.family, factor.median >= 1.0), []).append(place)
    for places in groups.values():
        factors = [weighed[place][0] for place in places]
        ages = np.array([weighed[place][1] for place in places], dtype=float)
        half_lives = np.array([factor.half_life_days for factor in factors])
        log = np.array([math.log(factor.median) for factor in factors])
        ageing = np.exp2(-(ages[:, np.newaxis] + days) / half_lives[:, np.newaxis])
        strongest_first = np.argsort(-np.abs(log)[:, np.newaxis] * ageing, axis=0, kind="stable")
        rank = np.argsort(strongest_first, axis=0, kind="stable")
        weight = np.exp2(-rank.astype(float))
        mu += log @ (weight * ageing)
        spread = np.array([factor.spread for factor in factors])
        variance += (spread @ (weight * ageing)) ** 2
        for place, first in zip(places, weight[:, 0], strict=True):
            discounts[place] = float(first)
    return np.clip(mu, -_CAP, _CAP), np.minimum(np.sqrt(variance), _CAP / Z90), discounts


def _multiplier(mu: Floats, spread: Floats) -> Multiplier:
    # One z for all days, so that the mean over the days rises with z and keeps its quantiles.
    return Multiplier(*(float(np.exp(mu + z * spread).mean()) for z in (0.0, -Z90, Z90)))


def _moved(hazard: Hazard, mu: Floats, spread: Floats) -> Hazard:
    variance = _relative_variance(mu, spread)
    if not mu.any() and variance == 0.0:
        return hazard
    rate = hazard.rate_pa * _multiplier(mu, spread).median
    if variance == 0.0:
        return replace(hazard, rate_pa=rate)
    before = 0.0 if hazard.rate_shape is None else 1.0 / hazard.rate_shape
    shape = 1.0 / (before + variance * (1.0 + before))  # 1/k' = (1 + 1/k)(1 + v) - 1
    return replace(hazard, rate_pa=rate, rate_shape=shape, rate_group=None)


def _relative_variance(mu: Floats, spread: Floats) -> float:
    """Variance over squared mean of ``mean_t exp(mu_t + s_t z)``, from E[e^(az)] = e^(a^2/2)."""
    means = np.exp(mu + 0.5 * spread**2)
    means /= means.sum()
    return float(means @ [means @ np.expm1(s * spread) for s in spread])
